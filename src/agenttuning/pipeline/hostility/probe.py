"""Reward hacking, tried: what a model wins that does not do the task.

A probe is a cheat with a name, played on many tasks. Its bound says what it may win on average; where that is not 0,
the probe says why it stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Message, Record, Reply
from agenttuning.core.rollout import rollout
from agenttuning.errors import BudgetError
from agenttuning.pipeline.hostility.attack import play_gold
from agenttuning.pipeline.hostility.replay import always

if TYPE_CHECKING:
    import re

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task
    from agenttuning.pipeline.hostility.attack import Gold

Cheat = Callable[[Sequence[Message], "Lore"], Generator[str, str, None]]
"""Given the opening and what is known of other tasks, it yields replies and is sent observations."""
LEARNED: Final = 200
"""Tasks of `train` whose solutions a cheat knows; the tasks that it is tried on are others."""


@dataclass(frozen=True, slots=True)
class Lore:
    """What a cheat knows of other tasks."""

    ending: str
    """The reply with the most frequent last action."""
    other: tuple[str, ...]
    """The replies that solve another task."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A cheat and what it may win."""

    name: str
    cheat: Cheat
    bound: float = 0.0
    """Mean reward at most."""
    stays: str = ""
    """Why it may win something; told where the bound is not 0."""
    told: re.Pattern[str] | None = None
    """What no observation may hold."""
    tasks: tuple[Task, ...] = ()
    """Tasks made for it; none takes the world's own."""


class ProbeResult(Record):
    """What a cheat has won."""

    environment: str
    probe: str
    tasks: int
    reward: float
    """Mean."""
    success: float
    """Share."""
    crashes: int
    told: int
    """Episodes in which the world told what it must not tell."""
    bound: float
    stays: str = ""

    @property
    def held(self) -> bool:
        """Did it win no more than it may."""
        return self.reward <= self.bound and not self.told and not self.crashes


class ProbeReport(Record):
    """What `agenttuning check ID --probes --json` prints."""

    results: list[ProbeResult]


class _Cheater:
    """A cheat as a policy."""

    name = "cheat"
    sampling = None

    def __init__(self, cheat: Cheat, lore: Lore) -> None:
        self._cheat, self._lore = cheat, lore
        self._playing: Generator[str, str, None] | None = None

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the cheat's next reply.

        Raises:
            BudgetError: it has no more.
        """
        try:
            if self._playing is None:
                self._playing = self._cheat(messages, self._lore)
                return Reply(content=next(self._playing))
            return Reply(content=self._playing.send(messages[-1].content))
        except StopIteration:
            raise BudgetError("the cheat is over") from None


async def learn(kind: type[Environment[Task]], config: EnvironmentConfig, *, tasks: int) -> Lore:
    """Read the solutions of tasks of `train`."""
    golds: list[Gold] = []
    for task in islice(kind.load("train", config), tasks):
        gold = await play_gold(kind, task)
        golds += [gold] if gold is not None and gold.replies else []
    endings = Counter(gold.actions[-1] for gold in golds)
    frequent = endings.most_common(1)[0][0]
    ending = next(gold.replies[-1] for gold in golds if gold.actions[-1] == frequent)
    return Lore(ending, golds[0].replies)


async def try_probe(kind: type[Environment[Task]], probe: Probe, tasks: Sequence[Task], lore: Lore) -> ProbeResult:
    """Play a cheat on tasks, or on its own."""
    rewards, wins, crashes, told = [], 0, 0, 0
    for task in probe.tasks or tuple(tasks):
        played = await rollout(kind(task), always(_Cheater(probe.cheat, lore)), split="check")
        rewards.append(played.score.reward)
        wins += played.score.success
        crashes += played.failure is not None
        if probe.told is not None:
            said = (message.content for message in played.messages if message.role != "assistant")
            told += any(map(probe.told.search, said))
    number = len(rewards)
    return ProbeResult(
        environment=kind.id,
        probe=probe.name,
        tasks=number,
        reward=sum(rewards) / max(number, 1),
        success=wins / max(number, 1),
        crashes=crashes,
        told=told,
        bound=probe.bound,
        stays=probe.stays,
    )
