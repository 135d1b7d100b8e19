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
_WORD = re.compile(r"[^\W\d_]{2,}|\d{2,}")
_LONG_NONE = 4
"""Words; a shorter `none of the above` need not say what it is about."""
_COMMON = frozenset(
    """
    about above action after all also am an and another answer any are as at be been before being both but by can
    choice choices could do does each element else first for from had has have he her here his how if in into is it
    item its just like made make many me more most must my need needed needs next no none not nothing now of off on
    one only or other our out over page please same shall she should shown so some still such task than that the
    their them then there these they this those thought to too two up us use used user want wants was we were what
    when where which who why will with would yes yet you your button click div href html id img input li link option
    path select span svg text textbox type ul value
    """.split()  # noqa: SIM905  (a list of 150 literals is no easier to read)
)
"""Words of any question and any answer; the last are those of pages and of the protocol."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Every learned answer is one that its question allows, and says something about it."""

    worlds: tuple[str, ...]

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        if trajectory.environment not in self.worlds:
            return KEPT
        for question, answer in pairwise(trajectory.messages):
            if (
                answer.role == "assistant"
                and answer.train
                and (fault := misalignment(question.content, answer.content))
            ):
                return dropped(fault)
        return KEPT


def misalignment(question: str, answer: str) -> str:
    """Say why an answer does not belong to a multiple-choice question; empty when it may."""
    choices = set(_CHOICE.findall(question))
    letter, action = _ANSWER.search(answer), _ACTION.search(answer)
    if letter is None or letter[1] not in choices:
        return "answer not among the choices"
    needed = letter[1] != _NONE_OF_THE_ABOVE
    if (needed or action is not None) and (action is None or action[1] not in _LEGAL):
        return "action not legal"
    asked, said = _content(question[question.rfind(_PAGE_ENDS) + 1 :]), _content(answer)
    untold = not needed and len(said) < _LONG_NONE
    return "" if asked & said or untold else "answer has nothing of the question"


def _content(text: str) -> set[str]:
    """Return the words that carry meaning, cut to the first letters, so that forms of a word agree."""
    return {word[:5] for word in _WORD.findall(text.lower()) if word not in _COMMON}
