"""What an expert thinks before an answer: what comes next, and whether one of the elements shown does it."""

from __future__ import annotations

import random
from typing import Final

_CHOSEN: Final = (
    "The next thing is to {aim}. Choice {letter} is the element for that.",
    "Looking at the task and at what was done, I have to {aim} now; {letter} lets me do it.",
    "I still have to {aim}, and {letter} matches.",
    "What is missing next is to {aim}. Among the choices that is {letter}.",
    "To go on I {aim}, which is what {letter} is for.",
)
_NONE: Final = (
    "The next thing is to {aim}, and none of these elements does that.",
    "I have to {aim} now. The choices are about other things.",
    "None of the choices lets me {aim}, which is what comes next.",
    "To go on I would {aim}, but the element for it is not among these.",
)


def thought(aim: str, *, letter: str | None, brief: bool, seed: str) -> str:
    """Return a thought; `letter` is None where no choice fits."""
    if brief:
        return f"{aim}." if letter else f"{aim}: not here."
    wording = random.Random(seed).choice(_CHOSEN if letter else _NONE)
    return wording.format(aim=aim, letter=letter)
