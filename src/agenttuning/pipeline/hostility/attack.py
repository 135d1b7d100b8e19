"""One hostile episode: the right replies up to some turn, and from there on anything but right ones."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Reply
from agenttuning.core.rollout import rollout
from agenttuning.errors import BudgetError, SideError, boundary
from agenttuning.pipeline.hostility.near_misses import Turn, near_miss
from agenttuning.pipeline.hostility.payloads import payload
from agenttuning.pipeline.hostility.replay import always
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Task, Trajectory

BURST: Final = 6
"""Hostile replies of one episode at most; it is judged after them."""


@dataclass(frozen=True, slots=True)
class Gold:
    """How a task is solved: the oracle's replies, and what the world made of them."""

    replies: tuple[str, ...]
    actions: tuple[str, ...]
    reward: float


async def play_gold(kind: type[Environment[Task]], task: Task) -> Gold | None:
    """Play the oracle; None where there is none, or where it does not end well."""
    if kind(task).oracle() is None:
        return None
    played = await rollout(kind(task), oracle_player, split="check")
    if played.failure is not None:
        return None
    said = tuple(played.messages[step.message].content for step in played.steps)
    return Gold(said, tuple(step.action for step in played.steps), played.score.reward)


@dataclass(slots=True)
class Assault:
    """A policy of one episode; what it measured stands in its fields afterwards."""

    right: Sequence[str]
    """The oracle's replies; none where a world has no oracle."""
    turn: int
    """The first hostile turn."""
    seed: int
    deadline: asyncio.Timeout
    seconds: float
    """Given to the world for each reply."""
    mutants: bool
    """Damaged right replies from `turn` on, else payloads."""
    name: str = "hostile"
    sampling: None = None
    said: list[str] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    _generator: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._generator = random.Random(self.seed)

    @property
    def hostile(self) -> int:
        """How many hostile replies were sent."""
        return max(0, len(self.said) - self.turn)

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the next reply.

        Raises:
            BudgetError: enough was said; the world is judged as it stands.
        """
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        self.deadline.reschedule(now + self.seconds)
        index = len(self.said)
        if self.hostile == BURST:
            raise BudgetError("enough was said")
        told = Reply(content=self.right[index] if index < self.turn else self._hostile(index, messages))
        self.said.append(told.content)
        return told

    def _hostile(self, index: int, messages: Sequence[Message]) -> str:
        if not self.mutants or index >= len(self.right):
            return payload(self._generator, messages[-1].content)
        return near_miss(Turn(self._generator, self.right[index], self._generator.choice(self.right)))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A hostile episode and what it cost."""

    trajectory: Trajectory | None
    """None where the world did not come back in time."""
    said: tuple[str, ...]
    hostile: int
    slowest: float
    """Wall seconds of the slowest reply, the judgement included."""
    unstorable: str = ""
    """Why its record cannot be written down; empty for a sound one."""


async def attempt(
    environment: Environment[Task], right: Sequence[str], *, turn: int, seed: int, seconds: float, mutants: bool
) -> Attempt:
    """Play one hostile episode."""
    loop = asyncio.get_running_loop()
    assault: Assault | None = None
    trajectory: Trajectory | None = None
    try:
        async with asyncio.timeout(seconds) as deadline:
            assault = Assault(right, turn, seed, deadline, seconds, mutants)
            trajectory = await rollout(environment, always(assault), split="check", sample=seed)
    except TimeoutError:
        trajectory = None
    assert assault is not None, "it was made before anything could fail"
    moments = [*assault.asked, loop.time()]
    slowest = max((end - start for start, end in pairwise(moments)), default=0.0)
    return Attempt(trajectory, tuple(assault.said), assault.hostile, slowest, _unstorable(trajectory))


def _unstorable(trajectory: Trajectory | None) -> str:
    if trajectory is None:
        return ""
    try:
        with boundary("environment"):
            trajectory.model_dump_json(exclude_defaults=True)
    except SideError as error:
        return str(error)
    return ""
