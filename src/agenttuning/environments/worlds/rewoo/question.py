"""A question with what is known of its solution, whoever asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agenttuning.environments.worlds.rewoo.scoring import Match


class Question(NamedTuple):
    """One question, its right answers and a plan that leads to them."""

    text: str
    golds: tuple[str, ...]
    """Every right answer; the first is the one that is given."""
    match: Match
    kind: str
    """The official set, or the family of a generated question."""
    plan: str
    """A plan as a planner would write it."""


def written_plan(steps: list[tuple[str, str]]) -> str:
    """Write a plan from pairs of purpose and call; the calls are numbered from 1."""
    return "\n".join(f"Plan: {purpose}\n#E{number} = {call}" for number, (purpose, call) in enumerate(steps, start=1))
