"""A generated problem before it becomes a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agenttuning.core.records import Record

Family = Literal["count", "find", "edit", "permissions", "processes", "logs", "archives", "users", "pipelines"]


class Move(Record):
    """One turn of the expert: a thought and the command that follows from it."""

    thought: str
    command: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a template makes of a scene."""

    family: Family
    text: str
    """The request."""
    setup: str
    """Bash that prepares the system; it may run again after `undo`."""
    moves: tuple[Move, ...]
    """The solution; a question's last command prints the answer and nothing else."""
    closing: str
    """What the expert thinks at the end."""
    expected: str | None = None
    """A question's answer, known from the scene alone; None for a change."""
    probe: str = ""
    """A change: bash that prints the state that counts."""
    undo: str = ""
    """A change: bash that takes back the set-up and the solution."""
