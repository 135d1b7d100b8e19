"""A language model as judge: one question, one word for an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

PROMPT: Final = """\
You grade the answer to a question. It is right when it says the same as the reference, in whatever words, units or \
form of number; more detail does no harm unless it contradicts the reference. Any one of several references is enough.

Question: {question}
Reference: {reference}
Answer to grade: {answer}

Reply with one word: CORRECT or INCORRECT."""
_VERDICT: Final = re.compile(r"\b(IN)?CORRECT\b", re.IGNORECASE)


class Verdict(NamedTuple):
    """What the judge said."""

    correct: bool
    readable: bool = True
    """False where it said neither of the two words, or both; such an answer counts as wrong."""


async def judge_answer(
    ask: Callable[[str], Awaitable[str]], *, question: str, answer: str, golds: Sequence[str]
) -> Verdict:
    """Ask once; an empty answer is wrong without asking.

    Raises:
        WorldError: the judge cannot be reached.
    """
    if not answer:
        return Verdict(correct=False)
    reference = " | ".join(golds)
    return read_verdict(await ask(PROMPT.format(question=question, reference=reference, answer=answer)))


def read_verdict(reply: str) -> Verdict:
    """Find the one verdict in the judge's words."""
    found = {bool(match[1]) for match in _VERDICT.finditer(reply)}
    if len(found) != 1:
        return Verdict(correct=False, readable=False)
    return Verdict(correct=not found.pop())
