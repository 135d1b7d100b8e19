"""Alpaca's single questions, as LLaMA-Factory reads them: instruction, input, output, and turns before.

    {"instruction": "...", "input": "", "output": "...", "system": "...", "history": [["question", "answer"]]}

The answers of `history` are learned too. Read only: dialogues of agents do not fit into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.datasets.dialogue import Dialogue, Row, Turn
from agenttuning.datasets.format import Format
from agenttuning.datasets.open_row import read_outer
from agenttuning.datasets.problems import bad, optional_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_OWN: Final = ("instruction", "input", "output", "system", "history")


class Alpaca(Format):
    """Questions with an answer."""

    name = "alpaca"
    about = "Alpaca: instruction, input, output (read only)"
    suffixes = ()
    holds = frozenset()
    writable = False

    def matches(self, row: Row) -> bool:
        """An instruction and an output."""
        return "instruction" in row and "output" in row

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue."""
        del number
        system, given = optional_text(row, "system"), optional_text(row, "input")
        turns = [Turn("system", system)] if system else []
        history = row.get("history") or []
        if not isinstance(history, list):
            raise bad("schema", "history", history, "must be a list of [question, answer]")
        for index, pair in enumerate(history):
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
                raise bad("schema", f"history.{index}", pair, "must be [question, answer]")
            turns += [Turn("user", str(pair[0])), Turn("assistant", str(pair[1]), train=True)]
        question = "\n".join(part for part in (text_of(row, "instruction"), given) if part)
        turns += [Turn("user", question), Turn("assistant", text_of(row, "output"), train=True)]
        return [read_outer(row, turns, own=_OWN)]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Refuse."""
        del dialogue, number
        raise bad("schema", "", self.name, "is only read; choose another format")
