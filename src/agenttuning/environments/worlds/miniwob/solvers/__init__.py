"""Scripted experts: one per page, each sees what the agent sees and answers in the same grammar.

Three of the paper's pages have none, because their wording needs a reader: `click-checkboxes-soft` (synonyms),
`email-inbox-forward-nl-turk` and `email-inbox-nl-turk` (orders in the words of crowd workers).
"""

from __future__ import annotations

from typing import Final

from agenttuning.environments.worlds.miniwob.solvers import clicks, fields, people, shapes
from agenttuning.environments.worlds.miniwob.solvers.look import Look, Move, Solver

__all__ = ["SOLVERS", "Look", "Move", "Solver", "solver"]

SOLVERS: Final[dict[str, Solver]] = {**clicks.SOLVERS, **fields.SOLVERS, **people.SOLVERS, **shapes.SOLVERS}
"""By page."""


def solver(page: str) -> Solver | None:
    """Return the script of a page; None where there is none."""
    return SOLVERS.get(page)
