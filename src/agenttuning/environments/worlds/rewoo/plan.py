"""A plan as the planner writes it: lines of purpose, and calls of tools whose results are named `#E1`, `#E2` ...

    Plan: Find the page of the lake.
    #E1 = Wikipedia[Lake Tarn]
    Plan: Double its depth.
    #E2 = Calculator[#E1 * 2]

Read tolerantly: any number behind `#E`, in any order; list marks and stars before a line; a call on the line of its
purpose; a bracket that is never closed. What cannot be run is a step with a fault, never an exception.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_STEPS: Final = 20
"""Steps that are run; the calls after them are counted, not run."""
MOST_CHARACTERS: Final = 20_000
"""Of a reply that are read."""
MOST_PURPOSE: Final = 300
"""Characters of a purpose that are kept."""
_LINE: Final = re.compile(r"^[\s*>\-\u2022]*(?:\d{1,3}[.)]\s+)?[\s*]*")
_PURPOSE: Final = re.compile(r"(?:plan|step)\s*\d{0,3}\s*[:.]\s*", re.IGNORECASE)
_NAMED: Final = re.compile(r"#E(\d{1,9})[\s*]*[=:]\s*", re.IGNORECASE)
_CALL: Final = re.compile(r"([^\[\]#]{1,60}?)\s*\[(.*)", re.DOTALL)
REFERENCE: Final = re.compile(r"#E(\d{1,9})(?!\d)", re.IGNORECASE)


class PlannedStep(NamedTuple):
    """One step: what it is for and the call that it makes."""

    name: str
    """`#E1`, `#E2` ...; empty for a purpose without a call."""
    purpose: str = ""
    tool: str = ""
    query: str = ""
    """The tool's input; references to other steps still stand in it."""
    fault: str = ""
    """Why it cannot be run; empty where it can."""

    @property
    def references(self) -> tuple[str, ...]:
        """The names of the evidence that its input asks for, each once."""
        return tuple(dict.fromkeys(f"#E{int(number)}" for number in REFERENCE.findall(self.query)))


class Plan(NamedTuple):
    """The steps in the order written."""

    steps: tuple[PlannedStep, ...]
    left_out: int = 0
    """Steps beyond `MOST_STEPS`."""

    @property
    def sound(self) -> bool:
        """Is there a step, and no step that cannot be run?"""
        return bool(self.steps) and not self.left_out and not any(step.fault for step in self.steps)


def parse_plan(text: str) -> Plan:
    """Read a plan out of any text."""
    steps: list[PlannedStep] = []
    seen: set[str] = set()
    for step in _steps(text[:MOST_CHARACTERS]):
        if step.name and step.name in seen:
            steps.append(step._replace(fault=f"{step.name} is already the name of an earlier step"))
        else:
            steps.append(step)
        seen.add(step.name)
    return Plan(tuple(steps[:MOST_STEPS]), left_out=max(0, len(steps) - MOST_STEPS))


def _steps(text: str) -> Iterator[PlannedStep]:
    """Yield the steps; a purpose belongs to the call that follows it."""
    purpose: str | None = None
    for line in text.splitlines():
        rest = line[match.end() :] if (match := _LINE.match(line)) else line
        opening = _PURPOSE.match(rest)
        call = _NAMED.search(rest, opening.end()) if opening else _NAMED.match(rest)
        if opening:
            if purpose is not None:
                yield _without_call(purpose)
            purpose = rest[opening.end() : call.start() if call else None]
        if call:
            yield _with_call(f"#E{int(call[1])}", purpose or "", rest[call.end() :])
            purpose = None
    if purpose is not None:
        yield _without_call(purpose)


def _without_call(purpose: str) -> PlannedStep:
    return PlannedStep("", _trimmed(purpose), fault="this step of the plan calls no tool")


def _with_call(name: str, purpose: str, text: str) -> PlannedStep:
    call = _CALL.match(text.strip())
    if call is None:
        return PlannedStep(name, _trimmed(purpose), fault="this is no call; a call is written Tool[input]")
    query, closed, _ = call[2].rpartition("]")
    return PlannedStep(name, _trimmed(purpose), tool=call[1].strip(" *`"), query=(query if closed else call[2]).strip())


def _trimmed(purpose: str) -> str:
    return purpose.strip(" *\t")[:MOST_PURPOSE]
