"""Dumps of (state, action) pairs, the form in which AgentInstruct's ALFWorld part circulates without its thoughts.

    {"metadata": {...}, "trajectories": [{"task_instance_id": "alfworld_0", "task_description": "...",
        "state_action_pairs": [{"step_id": 1, "state": "...", "action": "go to bed 1"}], ...}]}

Read only. A pair becomes a user turn and an answer; the first user turn begins with the task. Thoughts, instruction and
acknowledgement are not in it and are not made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.datasets.dialogue import Dialogue, Row, Turn
from agenttuning.datasets.format import Format
from agenttuning.datasets.leftover import foreign
from agenttuning.datasets.problems import bad, objects_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class StateAction(Format):
    """A dump, or one of its trajectories per row."""

    name = "state-action"
    about = "(state, action) pairs without thoughts, such as ALFWorld dumps (read only)"
    suffixes = ()
    holds = frozenset()
    writable = False

    def matches(self, row: Row) -> bool:
        """Pairs, or trajectories of them."""
        inner = row.get("trajectories")
        first = inner[0] if isinstance(inner, list) and inner else row
        return isinstance(first, dict) and "state_action_pairs" in first

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the trajectories."""
        del number
        if "trajectories" not in row:
            return [_dialogue(row, "")]
        return [_dialogue(one, f"trajectories.{i}.") for i, one in enumerate(objects_of(row, "trajectories"))]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Refuse."""
        del dialogue, number
        raise bad("schema", "", self.name, "is only read; choose another format")


def _dialogue(row: Row, where: str) -> Dialogue:
    extra = foreign(row, {"task_instance_id", "task_description", "state_action_pairs"})
    return Dialogue(text_of(row, "task_instance_id", where=where), tuple(_turns(row, where)), extra=extra)


def _turns(row: Row, where: str) -> Iterator[Turn]:
    task = text_of(row, "task_description", where=where)
    for index, pair in enumerate(objects_of(row, "state_action_pairs", where=where)):
        inside = f"{where}state_action_pairs.{index}."
        state = text_of(pair, "state", where=inside)
        yield Turn("user", f"Your task is to: {task}\n\n{state}" if index == 0 else state)
        yield Turn("assistant", text_of(pair, "action", where=inside), train=True)
