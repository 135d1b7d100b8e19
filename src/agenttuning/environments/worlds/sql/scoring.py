"""The two judges of a SELECT answer: AgentBench's of 2023 and its later, tolerant one."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

ScorerName = Literal["2023", "tolerant"]
_ABSENT = frozenset({"none", "null", "undefined", "nan", "inf", "-inf", "infinity", "-infinity", ""})
_TOLERANCE = 0.01


def read_answer(text: str) -> list[object]:
    """Read the text behind `Final Answer:` as the benchmark does: any Python literal made a list, else the text.

    The original evaluates the text; a literal is all that is read here. A quoted string falls into characters.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return [text]
    return list(value) if isinstance(value, list | tuple | set | dict | str | bytes) else [text]


def matches_2023(answer: Sequence[object], label: Sequence[str]) -> bool:
    """Compare as in 2023: one value with one value as floats if both are, otherwise as sets without any folding."""
    if len(answer) == 1 and len(label) == 1:
        given, wanted = _float(answer[0]), _float(label[0])
        return answer[0] == label[0] if given is None or wanted is None else given == wanted
    hashable: set[Hashable] = set()
    for value in answer:
        try:
            hashable.add(value)
        except TypeError:
            return False
    return hashable == set(label)


def matches_tolerant(answer: Sequence[object], label: Sequence[str]) -> bool:
    """Compare as the later AgentBench does: cleaned texts, numbers within 0.01, numbers as multisets."""
    given, wanted = [_clean(str(value)) for value in answer], [_clean(value) for value in label]
    numbers = [_float(value) for value in given], [_float(value) for value in wanted]
    first, second = ([number for number in side if number is not None] for side in numbers)
    if given and len(first) == len(given) and len(second) == len(wanted):
        pairs = zip(sorted(first), sorted(second), strict=False)
        return len(first) == len(second) and all(abs(one - other) <= _TOLERANCE for one, other in pairs)
    if len(given) == 1 and len(wanted) == 1:
        return given == wanted
    return set(given) == set(wanted)


def _clean(value: str) -> str:
    text = value.strip().strip("'\"").removesuffix("%").replace(",", "").strip()
    return "0" if text.lower() in _ABSENT else text


def _float(value: object) -> float | None:
    if not isinstance(value, str | int | float | bytes):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
