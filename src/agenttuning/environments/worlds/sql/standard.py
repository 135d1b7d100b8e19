"""Tables of many domains and sizes with questions in the manner of dbbench."""

from __future__ import annotations

from agenttuning.environments.worlds.sql.question import Question


def make(*, seed: int, test: bool, index: int, hard: bool) -> Question:
    raise NotImplementedError
