"""The five comparisons that AgentBench ships as programs, as pure functions outside the reach of the agent.

The original runs them as Python programs inside the container, where an agent could replace the interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

ComparisonName = Literal["integer", "string", "containing", "in", "size"]

_UNITS: Final = ("B", "Byte", "K", "KB", "M", "MB", "G", "GB", "T", "TB", "P", "PB")
"""Size suffixes in the order of the benchmark's table; each pair stands for one power of 1,024."""


def compare(name: ComparisonName, *, answer: str, expected: str) -> bool:
    """Say whether the answer holds against what the reference printed; text that cannot be read is wrong."""
    return _COMPARISONS[name](answer, expected)


def refutes(name: ComparisonName, *, answer: str) -> bool:
    """Say whether the answer is wrong whatever the reference prints."""
    match name:
        case "integer":
            return _integer(answer) is None
        case "size":
            return _size(answer) is None
        case _:
            return False


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _size(text: str) -> int | None:
    """Read a size in bytes.

    The benchmark tries the suffixes in the order of the table and takes the first that fits; as every two-letter unit
    ends in `B`, it cannot read `10KB`. Neither can this one, so that the verdicts stay the same.
    """
    text = text.strip()
    for place, unit in enumerate(_UNITS):
        if text.endswith(unit):
            number = _integer(text[: -len(unit)])
            return None if number is None else number * 1024 ** (place // 2)
    return _integer(text)


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _same_integer(answer: str, expected: str) -> bool:
    value = _integer(answer)
    return value is not None and value == _integer(expected)


def _same_size(answer: str, expected: str) -> bool:
    value = _size(answer)
    return value is not None and value == _size(expected)


_COMPARISONS: Final[dict[ComparisonName, Callable[[str, str], bool]]] = {
    "integer": _same_integer,
    "string": lambda answer, expected: _clean(answer) == _clean(expected),
    "containing": lambda answer, expected: _clean(expected) in _clean(answer),
    "in": lambda answer, expected: _clean(answer) in _clean(expected),
    "size": _same_size,
}
