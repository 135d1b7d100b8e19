"""Replies that repeat: one another (three in a row are a failure in the paper's evaluation), or themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped, learned

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

_GRAM = 4
"""Words of what counts as said again."""
_SHORTEST = 20
"""Words; shorter replies are not judged by themselves."""


@dataclass(frozen=True, slots=True)
class EqualReplies:
    """At most so many equal replies in a row."""

    most: int

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        runs = (sum(1 for _ in run) for _, run in groupby(message.content.strip() for message in learned(trajectory)))
        return dropped("equal replies in a row") if max(runs, default=0) > self.most else KEPT


@dataclass(frozen=True, slots=True)
class Loops:
    """No reply says more than a share of its four-word phrases again."""

    most: float

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        if any(repeated_share(message.content) > self.most for message in learned(trajectory)):
            return dropped("a reply repeats itself")
        return KEPT


def repeated_share(text: str) -> float:
    """Return the share of a text's phrases that stood in it before; 0 for short texts."""
    words = text.split()
    if len(words) < _SHORTEST:
        return 0.0
    phrases = [tuple(words[place : place + _GRAM]) for place in range(len(words) - _GRAM + 1)]
    return 1 - len(set(phrases)) / len(phrases)
