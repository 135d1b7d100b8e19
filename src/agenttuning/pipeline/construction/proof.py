"""Proof by execution: the reference solution scores 1, and who does nothing scores 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollout
from agenttuning.pipeline.construction.rejects import Reason, Refusal
from agenttuning.policies import ScriptedConfig
from agenttuning.policies.oracle import oracle_player
from agenttuning.policies.scripted import scripted_player

if TYPE_CHECKING:
    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task

IDLE = scripted_player(ScriptedConfig(replies=("",), name="idle"))
"""Says nothing, which ends an episode of both worlds; what it leaves behind is judged all the same."""


async def prove(kind: type[Environment[Task]], task: Task) -> Refusal | None:
    """Play the task with its reference, then with nothing; None where it is sound."""
    played = await rollout(kind(task), oracle_player)
    if played.failure is not None:
        return Refusal(Reason.WORLD_FAILS, played.failure.message)
    if not played.score.success:
        return Refusal(Reason.REFERENCE_FAILS, f"stop {played.stop}: {played.messages[-2].content[-300:]}")
    idle = await rollout(kind(task), IDLE)
    if idle.failure is not None:
        return Refusal(Reason.WORLD_FAILS, idle.failure.message)
    if idle.score.reward > 0 or any(idle.score.metrics.values()):
        return Refusal(Reason.NOTHING_TO_DO)
    return None
