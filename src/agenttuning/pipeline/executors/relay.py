"""Episodes in another process, models in this one: what goes between the two, and the side where the worlds are.

An episode runs where its world lives. A language model is asked where the ledger lives, in the driver: its budget, its
limits and its paid answers are those of one process, however many play. So a turn of a model is one message each way;
an oracle or a script needs none.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.rollout import rollout
from agenttuning.core.watch import Track, tracking
from agenttuning.errors import AgentTuningError, BudgetError, ContextLimitError, PolicyError, WorldError
from agenttuning.pipeline.construct import build_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from agenttuning.core.policy import Player
    from agenttuning.core.records import Message, Reply, Sampling, Trajectory
    from agenttuning.errors import SideError
    from agenttuning.pipeline.executors.seating import Opens
    from agenttuning.pipeline.plays import Play
    from agenttuning.policies.config import LocalConfig, OpenAIConfig, TgiConfig

_KINDS: Final[Mapping[str, type[PolicyError]]] = {
    "context": ContextLimitError,
    "budget": BudgetError,
    "policy": PolicyError,
}


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process needs to host worlds."""

    opens: Opens
    seed: int
    models: tuple[str, ...]
    """Names of the models behind `opens.policies`; empty for what is no language model."""


@dataclass(frozen=True, slots=True)
class Ask:
    """An episode waits for a model's answer."""

    model: int
    """Place of the model in `Opens.policies`."""
    kept: int
    """Messages that are as they were when the same episode asked last."""
    messages: tuple[Message, ...]
    """All after those."""
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Refusal:
    """There is no answer."""

    kind: Literal["context", "budget", "policy"]
    text: str
    origin: str

    @classmethod
    def of(cls, error: SideError) -> Refusal:
        """Turn an error into what can be sent."""
        origin = error.origin or type(error.__cause__ or error).__name__
        if isinstance(error, ContextLimitError):
            return cls("context", str(error), origin)
        return cls("budget" if isinstance(error, BudgetError) else "policy", str(error), origin)

    def raised(self) -> PolicyError:
        """Turn it back."""
        error = _KINDS[self.kind](self.text)
        error.origin = self.origin
        return error


@dataclass(frozen=True, slots=True)
class Finished:
    """An episode has ended."""

    trajectory: Trajectory
    track: Track


@dataclass(frozen=True, slots=True)
class Broken:
    """A user's mistake or a missing piece: it ends the stage."""

    error: AgentTuningError


Turn = Ask | Finished | Broken


class _Seat:
    """One episode on this side."""

    def __init__(self) -> None:
        self.turns: asyncio.Queue[Turn] = asyncio.Queue()
        self._answer: asyncio.Future[Reply | Refusal] | None = None
        self._shown: tuple[Message, ...] = ()

    async def ask(self, model: int, messages: Sequence[Message], sampling: Sampling) -> Reply:
        kept = next(
            (place for place, (old, new) in enumerate(zip(self._shown, messages, strict=False)) if old is not new),
            min(len(self._shown), len(messages)),
        )
        self._shown = tuple(messages)
        self._answer = asyncio.get_running_loop().create_future()
        self.turns.put_nowait(Ask(model, kept, self._shown[kept:], sampling))
        told = await self._answer
        if isinstance(told, Refusal):
            raise told.raised()
        return told

    def tell(self, told: Reply | Refusal) -> None:
        assert self._answer is not None
        self._answer.set_result(told)


_SEAT: ContextVar[_Seat] = ContextVar("seat")


@dataclass(frozen=True, slots=True)
class _RelayedModel:
    """A model that is asked in the driver."""

    name: str
    place: int

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        return await _SEAT.get().ask(self.place, messages, sampling)


class Host:
    """Plays episodes here for a driver elsewhere, which numbers them."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._player: Player | None = None
        self._seats: dict[int, _Seat] = {}
        self._playing: set[asyncio.Task[None]] = set()

    async def ready(self) -> None:
        """Return when this process can be called."""

    async def begin(self, number: int, play: Play) -> Turn:
        """Begin an episode, and return what it needs or how it ended."""
        try:
            player = await self._opened()
        except AgentTuningError as error:
            return Broken(error)
        seat = self._seats[number] = _Seat()
        task = asyncio.create_task(self._play(seat, play, player))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)
        return await self._next(number)

    async def answer(self, number: int, told: Reply | Refusal) -> Turn:
        """Give an episode its answer, and return what it needs next or how it ended."""
        self._seats[number].tell(told)
        return await self._next(number)

    async def close(self) -> None:
        """Give up what is in flight and close it."""
        playing = tuple(self._playing)
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)
        await self._stack.aclose()

    async def _next(self, number: int) -> Turn:
        turn = await self._seats[number].turns.get()
        if not isinstance(turn, Ask):
            del self._seats[number]
        return turn

    async def _play(self, seat: _Seat, play: Play, player: Player) -> None:
        _SEAT.set(seat)
        entry = play.entry
        track = Track()
        try:
            with tracking(track):
                trajectory = await rollout(
                    build_environment(entry), player, split=entry.split, sample=play.sample, seed=self._setup.seed
                )
        except AgentTuningError as error:
            seat.turns.put_nowait(Broken(error))
        else:
            seat.turns.put_nowait(Finished(trajectory, track))

    async def _opened(self) -> Player:
        async with self._opening:
            if self._player is None:
                self._player = await self._stack.enter_async_context(self._setup.opens.open(self._desk))
            return self._player

    @asynccontextmanager
    async def _desk(self, config: OpenAIConfig | TgiConfig | LocalConfig) -> AsyncIterator[_RelayedModel]:
        place = list(self._setup.opens.policies).index(config)
        yield _RelayedModel(self._setup.models[place], place)


class WorkerLostError(WorldError):
    """The process that hosted a world is gone, and the episode with it."""
