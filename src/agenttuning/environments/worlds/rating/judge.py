"""Ratings of 1 to 10 by a judge: a language model, or a rule where the right answer is known.

A model's rating is read as MT-Bench reads it: the first `[[7]]`, else the first `[7]`. What holds none, or one outside
of 1 to 10, is unparsable; a judge that cannot be reached is an error. Both are counted, never dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from agenttuning.environments.worlds.rating.questions import JudgePrompt
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.environments.worlds.chat_model import ChatModel
    from agenttuning.environments.worlds.rating.questions import Question

_DOUBLE = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_SINGLE = re.compile(r"\[(\d+\.?\d*)\]")
_NAME = re.compile(r"\{(\w+)\}")
_REFERENCED = frozenset({"math", "reasoning", "coding"})
_ASKED = (
    "Rate the answer from 1 (useless) to 10 (as good as can be). Say in a sentence why, then end with the rating in "
    "double brackets, such as [[7]]."
)
OWN_PROMPTS: Mapping[str, JudgePrompt] = {
    "single-v1": JudgePrompt(
        system=f"You grade answers to questions: are they right, complete, clear, and what was asked for? {_ASKED}",
        template="Question:\n{question}\n\nAnswer to grade:\n{answer}",
    ),
    "single-math-v1": JudgePrompt(
        system=f"You grade answers against a reference answer; what contradicts it is wrong. {_ASKED}",
        template="Question:\n{question}\n\nReference answer:\n{ref_answer_1}\n\nAnswer to grade:\n{answer}",
    ),
    "single-v1-multi-turn": JudgePrompt(
        system=f"You grade the second answer of a dialogue: is it right, complete, clear, and to the point? {_ASKED}",
        template="First question:\n{question_1}\n\nIts answer:\n{answer_1}\n\n"
        "Second question:\n{question_2}\n\nAnswer to grade:\n{answer_2}",
    ),
    "single-math-v1-multi-turn": JudgePrompt(
        system=f"You grade the second answer of a dialogue against a reference; what contradicts it is wrong. {_ASKED}",
        template="First question:\n{question_1}\n\nReference answer:\n{ref_answer_1}\n\nIts answer:\n{answer_1}\n\n"
        "Second question:\n{question_2}\n\nReference answer:\n{ref_answer_2}\n\nAnswer to grade:\n{answer_2}",
    ),
}
"""In our own words, under the published names."""


class Rating(NamedTuple):
    """The judgement of one turn."""

    points: float | None
    """1 to 10; None where there is none."""
    fault: Literal["", "unparsable", "error"] = ""


def read_rating(text: str) -> Rating:
    """Read a judge's answer."""
    found = _DOUBLE.search(text) or _SINGLE.search(text)
    points = float(found[1]) if found else 0.0
    return Rating(points) if 1 <= points <= 10 else Rating(None, "unparsable")


async def rate(
    question: Question, answers: Sequence[str], judge: ChatModel, *, prompts: Mapping[str, JudgePrompt]
) -> list[Rating]:
    """Let the judge rate the turns that were answered, one or both."""
    values = _values(question, answers)
    referenced = "-math" if question.reference is not None and question.category in _REFERENCED else ""
    names = (f"single{referenced}-v1", f"single{referenced}-v1-multi-turn")
    return [await _asked(judge, prompts[name], values) for name in names[: len(answers)]]


async def _asked(judge: ChatModel, prompt: JudgePrompt, values: Mapping[str, str]) -> Rating:
    filled = _NAME.sub(lambda found: values.get(found[1], found[0]), prompt.template)
    try:
        return read_rating(await judge.ask(filled, system=prompt.system))
    except WorldError:
        return Rating(None, "error")


def _values(question: Question, answers: Sequence[str]) -> dict[str, str]:
    references = question.reference or ("", "")
    return {
        "question": question.turns[0],
        "answer": answers[0] if answers else "",
        **{f"question_{turn}": text for turn, text in enumerate(question.turns, 1)},
        **{f"answer_{turn}": text for turn, text in enumerate(answers, 1)},
        **{f"ref_answer_{turn}": text for turn, text in enumerate(references, 1)},
    }
