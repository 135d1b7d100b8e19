"""Thoughts for a known solution: the teacher writes what an expert thinks before and after the statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.pipeline.construction.blocks import read_block
from agenttuning.pipeline.construction.rejects import Reason, Refusal

if TYPE_CHECKING:
    from agenttuning.core.records import Sampling
    from agenttuning.environments.held_in.database import DatabaseTask
    from agenttuning.pipeline.construction.teacher import Teacher

_LONGEST_THOUGHT: Final = 800
_PROTOCOL: Final = re.compile(r"```|\b(?:Action|Final Answer|Thought|Observation):", re.IGNORECASE)
_SHOWN_ROWS: Final = 3
_REQUEST: Final = """\
An expert answers a question about a MySQL table with one statement. Write down what the expert thinks: first before the
statement is run, then after its result is seen.

Question: {question}
{hint}
First rows: {rows}
Statement: {sql}
Result: {result}

The first thought says in one to three sentences how the question leads to this statement: which columns matter, which
condition or order is needed. The result is not known yet, so the thought must not contain it. The second thought says
in one sentence what the result means for the question. Write plain sentences in the first person, no statement, no
list. Reply in exactly this form:

@@ BEFORE
the first thought
@@ AFTER
the second thought
@@ END"""


@dataclass(frozen=True, slots=True)
class Thoughts:
    """One thought per turn."""

    before: str
    after: str


async def write_thoughts(task: DatabaseTask, teacher: Teacher, *, place: str, sampling: Sampling) -> Thoughts | Refusal:
    """Ask the teacher.

    Raises:
        BudgetError: the allowance is used up.
    """
    request = _REQUEST.format(
        question=task.question,
        hint=task.hint,
        rows=list(task.table.rows[:_SHOWN_ROWS]),
        sql=task.gold_sql,
        result=list(task.label),
    )
    answered = await teacher.ask(request, place=place, sampling=sampling)
    if isinstance(answered, Refusal):
        return answered
    parts = read_block(answered, required=("BEFORE", "AFTER"))
    if isinstance(parts, Refusal):
        return parts
    before, after = (" ".join(parts[name].split()) for name in ("BEFORE", "AFTER"))
    for thought in (before, after):
        if len(thought) > _LONGEST_THOUGHT or _PROTOCOL.search(thought):
            return Refusal(Reason.MALFORMED, "a thought is too long, or holds an action")
    known = f"{task.question} {task.hint} {task.gold_sql}".casefold()
    if leaked := [value for value in task.label if _names(before, value) and value.casefold() not in known]:
        return Refusal(Reason.LEAKS_ANSWER, repr(leaked[0]))
    return Thoughts(before, after)


def _names(text: str, value: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None
