"""What a reply says: a final answer, or a call of a tool. The benchmark's parser of 2023, and a repaired one.

The strict parser splits arguments at every comma and ends them at the first closing parenthesis, whatever an entity is
called, and reads `#-1` as Python reads an index. The repaired one looks for the entities' names first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from agenttuning.environments.worlds.graph.queries import Parity

_FINAL: Final = re.compile(r"(?:Find|Final) Answer: #(\d+)")
_ACTION: Final = re.compile(r"Action.*?:")
_FUNCTION: Final = re.compile(r"(\w+)\(")
_INDEX: Final = re.compile(r"#([0-9]{1,4})")
_PREFIX: Final = "variable "
_LONGEST_INDEX: Final = 9
_LONGEST_LINE: Final = 4_000
"""Characters of an action line that are read: reading is quadratic in them."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function's name and its arguments as written; None when they cannot be read."""

    function: str
    arguments: tuple[str, ...] | None


def heard(reply: str) -> str:
    """Return what counts of a reply, and stays in the history: nothing from an invented observation on."""
    return reply.partition("Observation:")[0].replace("\\_", "_")


def final_index(text: str) -> int | None:
    """Return the number of the variable that is given as the answer; None when no answer is given."""
    found = _FINAL.search(text)
    if found is None:
        return None
    return int(found[1]) if len(found[1]) <= _LONGEST_INDEX else 10**_LONGEST_INDEX


def read_calls(text: str, *, names: Collection[str], parity: Parity) -> list[Call] | None:
    """Return the calls on the first line that opens with `Action...:`; None when there is no such line."""
    line = next((line[:_LONGEST_LINE] for line in text.split("\n") if _ACTION.match(line)), None)
    if line is None:
        return None
    if parity == "strict":
        return [Call(name, _split(name, line)) for name in dict.fromkeys(_FUNCTION.findall(line))]
    return _repaired_calls(line, sorted(names, key=len, reverse=True))


def _split(function: str, line: str) -> tuple[str, ...] | None:
    found = re.search(rf"{function}\((.+?)\)", line)
    return tuple(re.split(r"\s*,\s*", found[1])) if found else None


def _repaired_calls(line: str, names: Sequence[str]) -> list[Call]:
    calls: list[Call] = []
    at = 0
    while found := _FUNCTION.search(line, at):
        arguments, at = _arguments(line, found.end(), names)
        calls.append(Call(found[1], arguments))
        at = max(at, found.end())
    return calls


def _arguments(line: str, start: int, names: Sequence[str]) -> tuple[tuple[str, ...] | None, int]:
    """Read arguments up to the closing parenthesis; return them and where they end."""
    arguments: list[str] = []
    at = start
    while True:
        argument, at = _argument(line, at, names)
        arguments.append(argument)
        if at >= len(line):
            return None, start
        at += 1
        if line[at - 1] == ")":
            return tuple(arguments), at


def _argument(line: str, start: int, names: Sequence[str]) -> tuple[str, int]:
    """Read one argument: a known name with a comma or parenthesis after it, else everything before the next one."""
    at = len(line) - len(line[start:].lstrip())
    prefixed = line[at : at + len(_PREFIX)].lower() == _PREFIX
    for begin in (at, at + len(_PREFIX)) if prefixed else (at,):
        for name in names:
            rest = line[begin + len(name) :].lstrip()
            if line.startswith(name, begin) and rest.startswith((",", ")")):
                return name, len(line) - len(rest)
        at = begin
    ends = [place for mark in ",)" if (place := line.find(mark, at)) >= 0]
    end = min(ends, default=len(line))
    return line[at:end].strip(), end


def variable_index(argument: str, *, made: int, parity: Parity) -> int | None:
    """Return which of the `made` variables an argument such as `#2` means, from 0; None when it means none.

    Raises:
        LookupError: it is written as a variable and there is no such one.
    """
    written = argument.replace("variable ", "").replace("Variable ", "") if parity == "strict" else argument
    if not written.startswith("#"):
        return None
    if parity == "repaired":
        found = _INDEX.fullmatch(written)
        index = int(found[1]) if found else made
    else:
        index = _as_python(written[1:], made)
    if not -made <= index < made:
        raise LookupError(argument)
    return index % made


def _as_python(digits: str, made: int) -> int:
    try:
        return int(digits)
    except ValueError:
        return made


def entity_id(argument: str, entities: Mapping[str, str], *, parity: Parity) -> str:
    """Return the id of an entity's name, or the argument itself."""
    written = argument.replace("variable ", "").replace("Variable ", "") if parity == "strict" else argument
    return entities.get(written, argument)
