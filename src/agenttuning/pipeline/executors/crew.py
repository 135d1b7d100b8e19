"""The driver's side of worlds in other processes: who plays what, and what becomes of an episode whose process died.

Episodes in flight in a process that is gone are played again from their beginning; paid answers come from the ledger's
log. What was in flight at two losses is played once more with nothing beside it: if its process dies then too, the
episode did it, and that is its result.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol, Self

from agenttuning.core.records import Failure, Stop
from agenttuning.core.rollout import Episode, side_by_side
from agenttuning.core.watch import OWN, Track, span, tracking
from agenttuning.environments import load_environment
from agenttuning.errors import SideError, StageError, boundary
from agenttuning.pipeline.construct import build_environment
from agenttuning.pipeline.executors.lineup import Lineup
from agenttuning.pipeline.executors.relay import Ask, Broken, Refusal, WorkerLostError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Mapping

    from agenttuning.core.policy import Player
    from agenttuning.core.records import Message, Reply, Trajectory
    from agenttuning.core.watch import Watch
    from agenttuning.pipeline.executors.lineup import Empty, Widths
    from agenttuning.pipeline.executors.relay import Turn
    from agenttuning.pipeline.plays import Play
    from agenttuning.policies.episode import Model

_SUSPECT: Final = 2
"""Losses after which a play is tried alone."""
WAY: Final = "way to the worker process and back"
_STARTS: Final = 3
"""Processes that may fail to start, one after another."""


class Worker(Protocol):
    """A process that hosts worlds; each call raises `WorkerLostError` when it is gone."""

    async def begin(self, number: int, play: Play) -> Turn:
        """See `Host.begin`."""

    async def answer(self, number: int, told: Reply | Refusal) -> Turn:
        """See `Host.answer`."""

    async def close(self) -> None:
        """End it; never raises."""


@dataclass(eq=False, slots=True)
class _Member:
    worker: Worker
    plays: int = 0


class Crew:
    """Keeps so many workers alive; those that come late, as a cluster grows, begin when they are there."""

    def __init__(self, start: Callable[[], Coroutine[None, None, Worker]], *, size: int, seats: int) -> None:
        self._start = start
        self._size = size
        self._seats_each = -(-seats // size)
        self._members: list[_Member] = []
        self._starting: set[asyncio.Task[Worker]] = set()
        self._failed = 0
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        for _ in range(self._size):
            self._hire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        for task in tuple(self._starting):
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(member.worker.close() for member in self._members))

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[Worker]:
        """Give the worker with the least to do, and wait where all are full.

        Raises:
            StageError: no worker can be started.
        """
        while not (free := [member for member in self._members if member.plays < self._seats_each]):
            if self._failure is not None:
                raise StageError(f"no process to play in can be started: {self._failure}") from self._failure
            self._changed.clear()
            await self._changed.wait()
        member = min(free, key=lambda member: member.plays)
        member.plays += 1
        try:
            yield member.worker
        except WorkerLostError:
            await self._dismiss(member)
            raise
        finally:
            member.plays -= 1
            self._changed.set()

    async def _dismiss(self, member: _Member) -> None:
        if member in self._members:
            self._members.remove(member)
            self._hire()
            await member.worker.close()

    def _hire(self) -> None:
        if self._closing:
            return
        task = asyncio.create_task(self._start())
        self._starting.add(task)
        task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[Worker]) -> None:
        self._starting.discard(task)
        if task.cancelled():
            return
        if (error := task.exception()) is None:
            self._failed = 0
            self._members.append(_Member(task.result()))
        elif isinstance(error, WorkerLostError) and self._failed < _STARTS:
            self._failed += 1
            self._hire()
        else:
            self._failure = error
        self._changed.set()


class CrewExecutor:
    """Plays in the workers of a crew; asks language models here."""

    def __init__(
        self,
        crew: Crew,
        models: Mapping[int, Model],
        player: Player,
        *,
        seed: int,
        widths: Widths,
        empty: Empty,
        watch: Watch,
    ) -> None:
        self._crew = crew
        self._models = models
        self._player = player
        self._seed = seed
        self._widths = widths
        self._empty = empty
        self._watch = watch
        self._numbers = count()

    async def play(self, plays: Iterable[Play], *, stop: Callable[[], bool]) -> AsyncGenerator[Trajectory, None]:
        """Play, and give every trajectory as it ends; see `Executor`."""
        lineup = Lineup(plays, widths=self._widths, empty=self._empty, stop=stop)
        suspects: list[Play] = []
        playing = side_by_side(
            (self._play(play, Track()) if play else None for play in lineup), concurrency=self._empty.seats
        )
        async with aclosing(playing):
            async for ended in playing:
                lineup.ended(_world(ended.play), ended.track)
                if ended.trajectory is None:
                    suspects.append(ended.play)
                    continue
                self._watch(_world(ended.play), ended.track)
                yield ended.trajectory
        for play in suspects:
            if not stop():
                yield await self._alone(play)

    async def _play(self, play: Play, track: Track) -> _Ended:
        for _ in range(_SUSPECT):
            try:
                return await self._converse(play, track)
            except WorkerLostError:
                continue
        return _Ended(play, None, Track())

    async def _alone(self, play: Play) -> Trajectory:
        try:
            ended = await self._converse(play, Track())
        except WorkerLostError as error:
            return _lost(play, error, self._player, seed=self._seed)
        assert ended.trajectory is not None
        self._watch(_world(play), ended.track)
        return ended.trajectory

    async def _converse(self, play: Play, track: Track) -> _Ended:
        """Play in one worker, answering what the episode asks."""
        number = next(self._numbers)
        shown: tuple[Message, ...] = ()
        with tracking(track):
            async with self._crew.seat() as worker:
                turn = await worker.begin(number, play)
                while isinstance(turn, Ask):
                    shown = (*shown[: turn.kept], *turn.messages)
                    turn = await worker.answer(number, await self._answer(turn, shown))
        if isinstance(turn, Broken):
            raise turn.error
        return _Ended(play, turn.trajectory, _joined(turn.track, track))

    async def _answer(self, turn: Ask, shown: tuple[Message, ...]) -> Reply | Refusal:
        try:
            with boundary("policy"), span("model"):
                return await self._models[turn.model].answer(shown, sampling=turn.sampling)
        except SideError as error:
            return Refusal.of(error)


@dataclass(frozen=True, slots=True)
class _Ended:
    play: Play
    trajectory: Trajectory | None
    """None when its process died again and again."""
    track: Track


def _world(play: Play) -> str:
    return load_environment(play.entry.environment).id


def _joined(there: Track, here: Track) -> Track:
    """Take the phases of both sides; what is in none is the way between them."""
    there.seconds.pop("model", None)
    total = sum(here.seconds.values())
    for phase, seconds in here.seconds.items():
        if phase != OWN:
            there.seconds[phase] += seconds
            there.calls[phase] = here.calls[phase]
    there.seconds[WAY] = total - sum(there.seconds.values())
    return there


def _lost(play: Play, error: WorkerLostError, player: Player, *, seed: int) -> Trajectory:
    """Record an episode that takes its process down: a failed rollout is data."""
    environment = build_environment(play.entry)
    episode = Episode(environment, player(environment, sample=play.sample))
    episode.stop = Stop.ERROR
    episode.failure = Failure(side="environment", error=type(error).__name__, message=str(error))
    return episode.trajectory(split=play.entry.split, sample=play.sample, seed=seed)
