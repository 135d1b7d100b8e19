"""What a dialogue is made of: topics of one to three exchanges, each with its one right answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase
from typing import TypeAlias

from agenttuning.core.records import Difficulty, Record
from agenttuning.environments.worlds.dialogue.vocabulary import NOUNS, PARTS, everyday

_CODES = 0.15


class Exchange(Record):
    """One question of the user and the answer that is right."""

    kind: str
    """The skill asked for, such as `reverse`."""
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Topic:
    """Exchanges that belong together."""

    key: str | None
    """What makes this instance, free of wording: train and test share none. None for the closed sets of facts."""
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the generated instances are."""

    words: tuple[int, int]
    """Fewest and most words of a list."""
    rows: tuple[int, int]
    """Fewest and most rows of a table, or sentences of a text."""
    columns: tuple[int, int]
    operand: int
    """Largest operand of a sum."""
    turns: tuple[float, float, float]
    """Shares of dialogues that want at least one, two and three exchanges."""
    coined: float
    """Share of lists with a word that no dictionary holds."""
    everyday: bool
    """Use only the few hundred most usual words."""

    def known(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the words that are in use."""
        return everyday(words) if self.everyday else words


SIZES: dict[Difficulty, Sizes] = {
    "tiny": Sizes(
        words=(2, 5), rows=(2, 4), columns=(2, 3), operand=20, turns=(0.65, 0.25, 0.1), coined=0.1, everyday=True
    ),
    "standard": Sizes(
        words=(2, 10), rows=(2, 8), columns=(2, 5), operand=20, turns=(0.4, 0.35, 0.25), coined=0.4, everyday=False
    ),
    "hard": Sizes(
        words=(6, 16), rows=(6, 16), columns=(4, 7), operand=99, turns=(0.2, 0.4, 0.4), coined=0.4, everyday=False
    ),
}

Maker: TypeAlias = Callable[[Random, Sizes], Topic]


def single(kind: str, key: str, question: str, answer: str) -> Topic:
    """Return a topic of one exchange; the key is the instance's content without its wording."""
    return Topic(key=f"{kind} {key}", exchanges=(Exchange(kind=kind, question=question, answer=answer),))


def pick(random: Random, sizes: Sizes, words: tuple[str, ...], span: tuple[int, int]) -> list[str]:
    """Draw distinct known words, as many as the span allows."""
    return random.sample(sizes.known(words), random.randint(*span))


def pick_some_new(random: Random, sizes: Sizes, words: tuple[str, ...], span: tuple[int, int]) -> list[str]:
    """Draw distinct words of which now and then one is joined of two parts, or a code: nothing to know by heart."""
    drawn = pick(random, sizes, words, span)
    if random.random() < sizes.coined:
        word = coined(random)
        if word not in drawn:
            drawn[random.randrange(len(drawn))] = word
    return drawn


def coined(random: Random) -> str:
    """Return a word that no dictionary holds: two parts joined, seldom a short code."""
    if random.random() < _CODES:
        return f"{random.choice(ascii_uppercase)}{random.choice(ascii_uppercase)}{random.randint(1, 99)}"
    return f"{random.choice(PARTS + NOUNS)}{random.choice(PARTS)}"
