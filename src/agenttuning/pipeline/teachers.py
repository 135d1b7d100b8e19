"""Who teaches: one policy, or several with shares; each sample of a task at a temperature of its own, if asked for."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from pydantic import Field

from agenttuning.core.records import Record
from agenttuning.pipeline.executors.seating import seeded
from agenttuning.policies import (
    LocalConfig,
    ModelConfig,
    OpenAIConfig,
    PolicyConfig,
    TgiConfig,
    open_player,
)
from agenttuning.policies.episode import ModelPlayer
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Player, Policy
    from agenttuning.core.records import Task
    from agenttuning.policies import Desk


class TeacherShare(Record):
    """One of several teachers."""

    policy: PolicyConfig
    """Any policy."""
    share: float = Field(default=1.0, gt=0.0)
    """Its part of all plays, in relation to the other teachers' shares."""


@dataclass(frozen=True)
class Faculty:
    """All teachers of a run; opened where the worlds are."""

    teachers: tuple[TeacherShare, ...]
    temperatures: tuple[float, ...]
    """Of the first sample, the second and so on; empty takes each teacher's own."""
    seed: int

    @property
    def policies(self) -> tuple[PolicyConfig, ...]:
        """Everyone who may play."""
        return tuple(teacher.policy for teacher in self.teachers)

    @asynccontextmanager
    async def open(self, desk: Desk) -> AsyncIterator[Player]:
        """Open all teachers; raises what `open_player` raises. A task that carries a written solution is played by it.

        Args:
            desk: opens the language models among them.
        """
        async with AsyncExitStack() as stack:
            players = [await self._players(stack, teacher.policy, desk) for teacher in self.teachers]
            bounds = list(accumulate(teacher.share for teacher in self.teachers))

            def play(environment: Environment[Task], *, sample: int) -> Policy:
                if environment.task.written_by is not None:
                    return oracle_player(environment, sample=sample)
                drawn = bounds[-1] * draw(f"{self.seed}/{environment.id}/{environment.task.id}/{sample}")
                chosen = players[next(index for index, bound in enumerate(bounds) if drawn < bound)]
                return chosen[sample % len(chosen)](environment, sample=sample)

            yield play

    async def _players(self, stack: AsyncExitStack, policy: PolicyConfig, desk: Desk) -> list[Player]:
        """Open one teacher, once for all temperatures."""
        if not isinstance(policy, OpenAIConfig | TgiConfig | LocalConfig):
            return [await stack.enter_async_context(open_player(policy))]
        model = await stack.enter_async_context(desk(policy))
        return [ModelPlayer(model, _at(policy, warmth, self.seed)) for warmth in self.temperatures or (None,)]


def draw(name: str) -> float:
    """Return the number in [0, 1) that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def _at(policy: ModelConfig, temperature: float | None, seed: int) -> ModelConfig:
    sampling = policy.sampling
    if temperature is not None:
        sampling = sampling.model_copy(update={"temperature": temperature})
    return seeded(policy.model_copy(update={"sampling": sampling}), seed)
