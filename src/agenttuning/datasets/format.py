"""What a format is: how its rows are known, read and written, and what of a dialogue it can hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from agenttuning.datasets.problems import bad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from agenttuning.datasets.dialogue import Dialogue, Row, Turn

NAMED = ("reward", "success", "stop")
FLAGS = frozenset({"context flags", "unknown flags", "flags of other turns"})
EVERYTHING = FLAGS | {
    "system turns", "tool turns", "tool calls", "call ids", "tool definitions", "reasoning", "names", *NAMED,
    "further fields", "further fields of turns",
}  # fmt: skip
"""All that a dialogue can have beside an id and user and assistant turns."""
TRANSCRIPT = frozenset({"system turns", "tool turns", "tool calls"})
"""Without these a dialogue would be another one: a format that lacks them refuses the row."""


class Format(ABC):
    """One format: rows of a file to dialogues and back.

    `rows(dialogue)` and then `read` give the dialogue again, less what `features` finds and `holds` does not name.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    """One line for people."""
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl", ".parquet")
    """What it is written to."""
    holds: ClassVar[frozenset[str]]
    """The members of `EVERYTHING` that it can hold."""
    note: ClassVar[str] = ""
    """What its trainer must be told."""
    training: ClassVar[bool] = True
    """Is it read by trainers, so that test data must not go there."""
    writable: ClassVar[bool] = True

    @abstractmethod
    def matches(self, row: Row) -> bool:
        """Tell whether a row is of this format; asked in the order of the registry."""

    @abstractmethod
    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogues of a row.

        Raises:
            BadRowError: another schema.
        """

    @abstractmethod
    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the rows of a dialogue that passed `check`; `number` names one without id.

        Raises:
            BadRowError: the format cannot say it.
        """

    def schema(self) -> pa.Schema | None:
        """Return the columns of a Parquet file; None where rows have no fixed columns."""
        return None

    def column_row(self, row: Row) -> Row:
        """Return a row as its Parquet columns hold it."""
        return row

    def around(self) -> tuple[bytes, bytes]:
        """Return what stands before and after the array of rows of a JSON file."""
        return b"", b""

    def finish(self, target: Path) -> Iterator[Path]:
        """Write what belongs beside a finished file; yield what was written."""
        del target
        yield from ()

    def check(self, dialogue: Dialogue) -> Counter[str]:
        """Return what would be left behind.

        Raises:
            BadRowError: the format lacks a part of the transcript.
        """
        lost = Counter({name: count for name, count in features(dialogue).items() if name not in self.holds})
        for name in sorted(TRANSCRIPT & lost.keys()):
            fix = "choose another format" if name != "system turns" else "--fix puts its text into the first user turn"
            raise bad(name.replace(" ", "_"), "", f"{lost[name]} {name}", f"{self.name} has none; {fix}")
        return lost


def features(dialogue: Dialogue) -> Counter[str]:
    """Count what a dialogue has beside an id and user and assistant turns."""
    found: Counter[str] = Counter()
    for turn in dialogue.turns:
        _count(turn, found)
    if dialogue.tools:
        found["tool definitions"] += len(dialogue.tools)
    for name, value in (("reward", dialogue.reward), ("success", dialogue.success), ("stop", dialogue.stop)):
        if value is not None:
            found[name] += 1
    if dialogue.extra:
        found["further fields"] += len(dialogue.extra)
    return found


def _count(turn: Turn, found: Counter[str]) -> None:
    if turn.role == "assistant":
        if turn.train is not True:
            found["context flags" if turn.train is False else "unknown flags"] += 1
    else:
        if turn.train is not None:
            found["flags of other turns"] += 1
        if turn.role != "user":
            found[f"{turn.role} turns"] += 1
    if turn.calls:
        found["tool calls"] += len(turn.calls)
    if turn.call_id is not None:
        found["call ids"] += 1
    if turn.reasoning is not None:
        found["reasoning"] += 1
    if turn.name is not None:
        found["names"] += 1
    if turn.extra:
        found["further fields of turns"] += len(turn.extra)
