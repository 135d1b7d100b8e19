"""Why a proposal or a corpus question did not become a task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agenttuning.core.records import Record

_KEPT_CHARACTERS = 20_000


class Reason(StrEnum):
    """The rows of the reject table."""

    BAD_ROW = "bad_row"
    """A row of the corpus lacks a field, or its database is missing."""
    UNREADABLE_SQL = "unreadable_sql"
    """The corpus' statement is no SQL, or is not run by its own database."""
    NOT_A_QUESTION = "not_a_question"
    """The corpus' statement is no SELECT."""
    SEVERAL_TABLES = "several_tables"
    """It needs several tables, and not by one plain join that could stand as the table."""
    TABLE_TOO_LARGE = "table_too_large"
    """Too much text for one task, or the join took too long."""
    ANSWER_UNFIT = "answer_unfit"
    """No row, nothing but NULL, binary data, or more values than an agent could read off."""
    ENGINES_DISAGREE = "engines_disagree"
    """The world's engine, whose cells are all text, gives another answer than the corpus' database."""
    NO_ANSWER = "no_answer"
    """The teacher's server gave none."""
    EMPTY = "empty"
    """The teacher answered nothing."""
    HTML = "html"
    """The answer is a web page."""
    TOOL_CALL = "tool_call"
    """The answer calls a tool."""
    REFUSAL = "refusal"
    """The teacher declines."""
    NO_BLOCK = "no_block"
    """The answer does not hold the block that was asked for."""
    UNFINISHED = "unfinished"
    """The block has no end: the answer was cut."""
    OVERLONG = "overlong"
    """The answer is longer than any proposal needs."""
    MALFORMED = "malformed"
    """A part of the block is missing, repeated, unknown or of another form."""
    LEAKS_ANSWER = "leaks_answer"
    """A thought knows the answer before the statement has been run."""
    NEAR_DUPLICATE = "near_duplicate"
    """Too much like a seed, or like a task accepted before."""
    WORLD_FAILS = "world_fails"
    """The set-up, the reference or the check cannot be run there."""
    REFERENCE_FAILS = "reference_fails"
    """The reference solution does not score 1."""
    NOTHING_TO_DO = "nothing_to_do"
    """Who does nothing scores too, or the check holds before the reference has run."""
    CHECK_FAILS = "check_fails"
    """The proposal's own check does not hold after its reference, or its claimed answer is not the one found."""
    SOLVER_DISAGREES = "solver_disagrees"
    """The second pass, which sees the task alone, does not come to the reference's result."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something did not become a task."""

    reason: Reason
    detail: str = ""


class Reject(Record):
    """One line of `rejected.jsonl`."""

    environment: str
    source: str
    name: str
    """What fell: the question's or the proposal's name."""
    reason: Reason
    detail: str = ""
    content: str = ""
    """The proposal or the question as it came, cut after 20,000 characters."""

    @classmethod
    def of(cls, refusal: Refusal, *, environment: str, source: str, name: str, content: str = "") -> Reject:
        """Make the line."""
        return cls(
            environment=environment,
            source=source,
            name=name,
            reason=refusal.reason,
            detail=refusal.detail[:1000],
            content=content[:_KEPT_CHARACTERS],
        )
