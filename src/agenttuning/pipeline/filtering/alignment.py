"""Answers that belong to another question: the defect of the public Mind2Web split, 4 of 6 records that were seen.

    user       ... Task: Find a health screening ... A. None of the above  B. <a id=0 ... />
    assistant  ... the maximum budget ...  Answer: C.  Action: SET  Value: $50,000
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

_CHOICE = re.compile(r"^([A-Z])\. ", re.MULTILINE)
_ANSWER = re.compile(r"\bAnswer:\s*([A-Z])\b")
_ACTION = re.compile(r"\bAction:\s*(\w*)")
_LEGAL = frozenset({"CLICK", "SELECT", "TYPE"})
_NONE_OF_THE_ABOVE = "A"
_PAGE_ENDS = "'''"
_WORD = re.compile(r"[^\W\d_]{4,}|\d{2,}")
_COMMON = frozenset(
    "about above action after again also answer before being both click could does each element else from have here "
    "html into item just like made make more most must need needed needs next none only other page please select "
    "should some step such task than that their them then there these they this those type user value want wants "
    "what when where which will with would your".split()
)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Every learned answer is one that its question allows, and says something about it."""

    worlds: tuple[str, ...]

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        if trajectory.environment not in self.worlds:
            return KEPT
        for question, answer in pairwise(trajectory.messages):
            if answer.role == "assistant" and answer.train and (fault := misalignment(question.content, answer.content)):
                return dropped(fault)
        return KEPT


def misalignment(question: str, answer: str) -> str:
    """Say why an answer does not belong to a multiple-choice question; empty when it may."""
    choices = set(_CHOICE.findall(question))
    letter, action = _ANSWER.search(answer), _ACTION.search(answer)
    if letter is None or letter[1] not in choices:
        return "answer not among the choices"
    if action is not None and action[1] not in _LEGAL:
        return "action not legal"
    if action is None and letter[1] != _NONE_OF_THE_ABOVE:
        return "action not legal"
    asked = question[question.rfind(_PAGE_ENDS) + 1 :]
    return "" if _content(asked) & _content(answer) else "answer has nothing of the question"


def _content(text: str) -> set[str]:
    """Return the words that carry meaning, cut to the first letters, so that forms of a word agree."""
    return {word[:5] for word in _WORD.findall(text.lower()) if word not in _COMMON}
