"""Who says whether an answer means the same as a reference, where the task file leaves that to a reader.

A model (any OpenAI-compatible endpoint), asked as the benchmark asks; or, without one, a rule that counts words, which
is no substitute, and which the variant of every number names.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

from agenttuning.environments.worlds.chat_model import ChatModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agenttuning.environments.worlds.chat_model import ChatModelSettings

_WORD: Final = re.compile(r"\w+")
_ENOUGH: Final = 0.5
_MAX_ANSWER: Final = 4_000


class Judge(Protocol):
    """Judges meanings."""

    async def follows(self, reference: str, *, answer: str, intent: str) -> bool:
        """Tell whether a reference answer follows from an answer."""

    async def names_reason(self, reason: str, *, answer: str, intent: str) -> bool:
        """Tell whether an answer gives that reason why the task is impossible."""


class WordJudge:
    """Agrees where the F1 of the two texts' words is at least one half."""

    async def follows(self, reference: str, *, answer: str, intent: str) -> bool:  # noqa: ARG002  a judge is told all
        """Compare words."""
        return word_f1(reference, answer) >= _ENOUGH

    async def names_reason(self, reason: str, *, answer: str, intent: str) -> bool:  # noqa: ARG002
        """Compare words."""
        return word_f1(reason, answer) >= _ENOUGH


class ModelJudge:
    """Asks a model a question that is answered with yes or no."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    async def follows(self, reference: str, *, answer: str, intent: str) -> bool:
        """Ask whether the reference can be inferred from the answer."""
        return await self._agrees(
            f"Somebody was asked: {intent!r}\nTheir answer: {answer[:_MAX_ANSWER]!r}\nRight is: {reference!r}\n"
            "Does what is right follow from their answer? Say Yes or No."
        )

    async def names_reason(self, reason: str, *, answer: str, intent: str) -> bool:
        """Ask whether the answer gives the reason."""
        return await self._agrees(
            f"A task was: {intent!r}\nIt is impossible, because: {reason!r}\n"
            f"Somebody who tried reported: {answer[:_MAX_ANSWER]!r}\n"
            "Does the report give that reason, be it in other words? Say Yes or No."
        )

    async def _agrees(self, question: str) -> bool:
        answer = await self._model.ask(question)
        said = _WORD.search(answer)
        return said is not None and said[0].lower() == "yes"


@asynccontextmanager
async def open_judge(settings: ChatModelSettings | None) -> AsyncIterator[Judge]:
    """Return the judge that is wanted, until the block ends; None counts words."""
    if settings is None:
        yield WordJudge()
        return
    async with ChatModel(settings) as model:
        yield ModelJudge(model)


def word_f1(reference: str, answer: str) -> float:
    """Return the F1 of two texts' words, in [0, 1]."""
    wanted, given = (Counter(_WORD.findall(text.lower())) for text in (reference, answer))
    common = (wanted & given).total()
    return 2 * common / (wanted.total() + given.total()) if common else 0.0
