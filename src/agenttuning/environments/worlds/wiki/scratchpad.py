"""The prompt of 2023: one text that grows, with instruction, two worked examples, question and all steps so far.

Every call of the model sees the whole of it and goes on where it ends, after `Thought n:` or `Action n:`. The examples
are made from the generated encyclopaedia by its oracle.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.wiki.encyclopaedia import open_volume
from agenttuning.environments.worlds.wiki.explorer import Explorer, read_action
from agenttuning.environments.worlds.wiki.oracles import gold_moves
from agenttuning.environments.worlds.wiki.questions import questions

if TYPE_CHECKING:
    from agenttuning.environments.worlds.wiki.questions import Question

MOST_PIECES: Final = 1700
"""Longest prompt that is sent, in pieces of cl100k's splitting rule; a token is a piece or a part of one."""
LONGEST_LINE: Final = 4_000
"""Characters of a reply that are kept, more than 256 tokens of any text."""
INSTRUCTION: Final = """\
Answer a question step by step. A step is a Thought, which may say anything, an Action, and the Observation that it \
brings. There are three actions:
(1) Search[entity] opens the page of that name in the encyclopaedia and shows its first paragraph; where there is no \
such page, it names similar ones.
(2) Lookup[keyword] shows the next passage with that keyword on the page that was opened last.
(3) Finish[answer] ends the task with the answer, which is as short as possible."""
_PIECE: Final = re.compile(r"'(?:[sdmt]|ll|ve|re)|[^\r\n\w]?[^\W\d_]+|\d{1,3}| ?[^\s\w]+[\r\n]*|\s+", re.IGNORECASE)
_EXAMPLE_SEED: Final = 2023


class Scratchpad:
    """The growing text of one episode."""

    def __init__(self, question: str, *, instruction: str | None) -> None:
        shots = "\n\n".join(examples())
        told = instruction or INSTRUCTION
        self._text = f"{told}\nHere are some examples:\n{shots}\n(END OF EXAMPLES)\nQuestion: {question}"
        self._step = 1

    @property
    def too_long(self) -> bool:
        """Does the prompt exceed what was sent in 2023."""
        return sum(1 for _ in _PIECE.finditer(self._text)) > MOST_PIECES

    def ask(self, label: str) -> str:
        """Open the next line, `Thought` or `Action`, and return the prompt."""
        self._text += f"\n{label} {self._step}:"
        return self._text

    def answer(self, line: str) -> None:
        """Write down what the model said."""
        self._text += f" {line}"

    def observe(self, observation: str) -> None:
        """Write down what the world said, which ends the step."""
        self._text += f"\nObservation {self._step}: {observation}"
        self._step += 1


def first_line(reply: str) -> str:
    """Return a reply up to its first line break, where generation was stopped in 2023, as it was after 256 tokens."""
    return reply.split("\n", 1)[0][:LONGEST_LINE].strip()


@cache
def examples() -> tuple[str, ...]:
    """Return one worked question of each kind; in the first, a title has to be found among similar ones."""
    asked = list(questions("standard", seed=_EXAMPLE_SEED, test=False, count=100))
    loose = next(one for one in asked if one.kind == "bridge" and one.supports[0].asked)
    compared = next(one for one in asked if one.kind == "comparison")
    return _worked(loose), _worked(compared)


def _worked(question: Question) -> str:
    wiki = open_volume("standard", seed=_EXAMPLE_SEED, test=False, number=question.volume).wiki
    explorer, lines = Explorer(), [f"Question: {question.text}"]
    moves = gold_moves(
        question.supports, answer=question.answer, conclusion=question.conclusion, explorer=explorer, seed=None
    )
    for number, move in enumerate(moves, start=1):
        lines += [f"Thought {number}: {move.thought}", f"Action {number}: {move.action}"]
        action = read_action(move.action)
        if action.name == "Finish":
            break
        search = action.name == "Search"
        seen = (
            explorer.open(action.argument, wiki.find(action.argument)) if search else explorer.lookup(action.argument)
        )
        lines.append(f"Observation {number}: {seen}")
    return "\n".join(lines)
