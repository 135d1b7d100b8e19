"""The embedded tasks: one seeded question after another, each made alone from its seed, split and index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sql import standard, tiny

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.sql.question import Question


def question(difficulty: Difficulty, *, seed: int, test: bool, index: int) -> Question:
    """Return one question; the same arguments give the same question, and no other is drawn for it."""
    if difficulty == "tiny":
        return tiny.make(seed=seed, test=test, index=index)
    return standard.make(seed=seed, test=test, index=index, hard=difficulty == "hard")


def questions(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[Question]:
    """Yield the first `count` questions of a split lazily."""
    return (question(difficulty, seed=seed, test=test, index=index) for index in range(count))
