"""The hostile suite: a thousand replies that nobody should send, at every turn of episodes that were going well.

`agenttuning check ID --hostile 1000` plays it on any world. Nothing may crash, hang, be left behind, or be paid for:
reward is 0 unless the episode was really solved, which `proof` decides by playing it again without its hostile words.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Final

from pydantic import Field

from agenttuning.core.records import Record
from agenttuning.pipeline.hostility.attack import Attempt, Gold, attempt, play_gold
from agenttuning.pipeline.hostility.leaks import own_temporary_folder, take_census
from agenttuning.pipeline.hostility.proof import Explanation, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task, Trajectory
    from agenttuning.pipeline.hostility.leaks import Census
    from agenttuning.pipeline.progress import Advance

REPLY_SECONDS: Final = 60.0
"""Wall seconds that a world may take over one reply on a busy machine; more is a hang."""
_TOLD: Final = 300
_SETTLING_SECONDS: Final = 10.0
"""What a browser or a server closes by itself a moment after an episode is no leak."""
_WARM: Final = 3
"""Episodes after which what is open is counted: pools, servers and libraries that stay are no leak."""


class HostileReport(Record):
    """What a hostile model met, and what it won."""

    environment: str
    source: str
    replies: int
    """Hostile ones."""
    episodes: int
    crashes: int
    hangs: int
    leaks: list[str] = Field(default=[])
    rewarded: int
    """Episodes with a reward above 0, most of them for what the oracle did before."""
    explained: dict[Explanation, int]
    """The rewarded ones by the least that earns as much."""
    unearned: list[str] = Field(default=[])
    """Rewards that nothing explains, with what was said."""
    legal: list[str] = Field(default=[])
    """Rewards for legal moves that are not the oracle's: another way to the goal, or a lenient world."""
    faults: list[str] = Field(default=[])
    """Crashes and hangs, with what was said."""
    slowest_seconds: float
    processor_seconds: float

    @property
    def sound(self) -> bool:
        """Nothing crashed, hung, leaked or was paid for."""
        return not (self.crashes or self.hangs or self.leaks or self.unearned)


class _Tally:
    def __init__(self) -> None:
        self.replies = self.episodes = self.crashes = self.hangs = 0
        self.slowest = 0.0
        self.explained: Counter[Explanation] = Counter()
        self.unearned: list[str] = []
        self.legal: list[str] = []
        self.faults: list[str] = []

    def count(self, task: Task, played: Attempt) -> None:
        self.episodes += 1
        self.replies += max(played.hostile, 1)
        self.slowest = max(self.slowest, played.slowest)
        self.hangs += played.trajectory is None or played.slowest > REPLY_SECONDS
        failure = None if played.trajectory is None else played.trajectory.failure
        broken = played.unstorable or (failure.message if failure else "")
        self.crashes += bool(broken)
        if broken or played.trajectory is None:
            self.faults.append(f"task {task.id!r}: {broken or 'no answer'} after {_told(played.said)}")


def _told(said: Sequence[str]) -> str:
    text = repr(said[-1]) if said else "nothing"
    return (
        text if len(text) <= _TOLD else f"{text[: _TOLD // 2]} ... {text[-_TOLD // 2 :]} ({len(said[-1])} characters)"
    )


async def play_hostile(
    kind: type[Environment[Task]], tasks: Sequence[Task], *, replies: int, seed: int, advance: Advance
) -> HostileReport:
    """Send hostile replies to a world, spread over tasks and their turns; the same seed sends the same ones."""
    tally, started = _Tally(), time.process_time()
    golds: dict[str, Gold | None] = {}
    with own_temporary_folder():
        before = take_census()
        for number in count():
            task = tasks[number % len(tasks)]
            if task.id not in golds:
                golds[task.id] = await play_gold(kind, task)
            sent = tally.replies
            await _one(kind, task, golds[task.id], tally, number=number, seed=seed)
            advance(steps=min(tally.replies, replies) - sent)
            if number + 1 == _WARM:
                before = take_census()
            if tally.replies >= replies and number >= _WARM:
                break
        leaks = await _lasting(before)
    return HostileReport(
        environment=kind.id,
        source=", ".join(sorted({task.source for task in tasks})),
        replies=tally.replies,
        episodes=tally.episodes,
        crashes=tally.crashes,
        hangs=tally.hangs,
        leaks=leaks,
        rewarded=tally.explained.total(),
        explained=dict(tally.explained),
        unearned=tally.unearned,
        legal=tally.legal,
        faults=tally.faults,
        slowest_seconds=tally.slowest,
        processor_seconds=time.process_time() - started,
    )


async def _lasting(before: Census) -> list[str]:
    """Return what is left behind and stays."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    while (leaks := before.leaks(take_census())) and time.monotonic() < deadline:  # noqa: ASYNC110  a descriptor has no event
        await asyncio.sleep(0.2)
    return leaks


async def _one(
    kind: type[Environment[Task]], task: Task, gold: Gold | None, tally: _Tally, *, number: int, seed: int
) -> None:
    """Play one hostile episode, beginning one turn later than the task's last one did."""
    right = gold.replies if gold is not None else ()
    turn = number % max(len(right), 1)
    played = await attempt(
        kind(task), right, turn=turn, seed=seed * 1_000_003 + number, seconds=REPLY_SECONDS, mutants=number % 3 > 0
    )
    tally.count(task, played)
    if played.trajectory is not None and played.trajectory.score.reward > 0:
        await _explain(kind, task, gold, played.trajectory, tally)


async def _explain(
    kind: type[Environment[Task]], task: Task, gold: Gold | None, trajectory: Trajectory, tally: _Tally
) -> None:
    way = await explain(kind, task, gold or Gold((), (), 0.0), trajectory)
    tally.explained[way] += 1
    if way in ("none", "own legal moves"):
        said = [trajectory.messages[step.message].content for step in trajectory.steps]
        sentence = f"task {task.id!r}: reward {trajectory.score.reward:g} after {_told(said)}"
        (tally.legal if way == "own legal moves" else tally.unearned).append(sentence)
