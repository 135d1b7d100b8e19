"""Mind2Web's tournament: groups of five, the chosen one goes to the end of the queue, `A` throws out all five.

Its consequences are kept as they are in AgentBench's 2023 code: a candidate that is alone is never asked about, and
when the last question throws out everybody, nothing was predicted.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUP: Final = 5
TOP: Final = 10
"""Candidates of the ranker that take part."""
NONE_OF_THE_ABOVE: Final = "A"
_ANSWER: Final = re.compile(r"Answer: (A|B|C|D|E|F)")
_ACTION: Final = re.compile(r"Action: (CLICK|SELECT|TYPE)")
_VALUE: Final = re.compile(r"Value: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prediction:
    """An element and what is done with it; both empty where nothing was predicted."""

    element: str = ""
    action: str = ""
    """`CLICK`, `SELECT value` or `TYPE value`."""


@dataclass(frozen=True, slots=True)
class Tournament:
    """The queue between two questions."""

    queue: tuple[str, ...]
    latest: Prediction = Prediction()

    @property
    def group(self) -> tuple[str, ...]:
        """The candidates of the next question; none when it is over."""
        return self.queue[:GROUP] if len(self.queue) > 1 else ()

    @property
    def result(self) -> Prediction:
        """The prediction as it stands: the latest choice, unless nobody is left."""
        return self.latest if self.queue else Prediction()

    def answered(self, chosen: Prediction | None) -> Tournament:
        """Return the queue after an answer; None throws out the whole group."""
        rest = self.queue[GROUP:]
        if chosen is None:
            return replace(self, queue=rest)
        return Tournament((*rest, chosen.element), chosen)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply says."""

    letter: str
    action: str
    found: bool
    """Does the reply hold a letter at all; without one it counts as none of the above."""

    def choose(self, choices: Sequence[tuple[str, str]]) -> Prediction | None:
        """Return the choice that the letter stands for; None for none of the above, and for a letter without one."""
        place = ord(self.letter) - ord("B")
        return Prediction(choices[place][0], self.action) if 0 <= place < len(choices) else None

    def says_something(self, chosen: Prediction | None) -> bool:
        """Tell whether the reply is of the form asked for: none of the above, or a choice with an operation."""
        if not self.found or self.letter == NONE_OF_THE_ABOVE:
            return self.found
        return chosen is not None and bool(self.action)


def read_answer(reply: str) -> Answer:
    """Read letter, operation and value: the first match of each, whatever stands around them."""
    text = reply.strip()
    letter = _ANSWER.search(text)
    return Answer(letter[1] if letter else NONE_OF_THE_ABOVE, read_action(text), letter is not None)


def read_action(text: str) -> str:
    """Return `OP VALUE`, either of them empty where the text has none."""
    operation, value = _ACTION.search(text), _VALUE.search(text)
    return f"{operation[1] if operation else ''} {value[1].strip() if value else ''}".strip()


def write_action(operation: str, value: str) -> str:
    """Return the two lines with which a reply says what is done."""
    return f"Action: {operation}\n" + ("" if operation == "CLICK" else f"Value: {value}")


def shuffled(candidates: Sequence[str], *, seed: str) -> tuple[str, ...]:
    """Return the candidates in the order of the tournament, which hangs on the sample alone."""
    return tuple(random.Random(f"mind2web/{seed}").sample(candidates, len(candidates)))
