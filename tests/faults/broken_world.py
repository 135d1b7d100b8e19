"""A world that breaks where its task says and as its task says, and else is solved by one word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Literal

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Step
from agenttuning.core.records import Message, Reply, Score, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Place = Literal["start", "step", "score", "close", "nowhere"]
FLOOD = 100_000_000
"""Characters of an observation."""


class Panic(BaseException):
    """As compiled libraries raise it: no `Exception`."""


class MuteError(Exception):
    """Its own text breaks."""

    def __str__(self) -> str:
        raise ValueError("no words")


RAISED: dict[str, BaseException] = {
    "memory": MemoryError(),
    "exit": SystemExit(3),
    "panic": Panic("from below"),
    "cancel": asyncio.CancelledError(),
    "mute": MuteError(),
    "long": RuntimeError("y" * 1_000_000),
    "stop": StopAsyncIteration(),
}


class BrokenTask(Task):
    """Where and how."""

    place: Place = "nowhere"
    fault: str = ""


class BrokenWorld(Environment[BrokenTask]):
    """Solved by `open`."""

    id: ClassVar[str] = "broken"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = 2
    start_seconds: ClassVar[float | None] = 0.2
    call_seconds: ClassVar[float] = 0.2
    task_type: ClassVar[type[Task]] = BrokenTask
    open_worlds: ClassVar[int] = 0

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        return {"train": 0, "test": 0}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterator[BrokenTask]:
        yield from ()

    async def start(self) -> Sequence[Message]:
        BrokenWorld.open_worlds += 1
        self._opened = False
        await self._perhaps("start")
        text = "x" * FLOOD if self._breaks("start", "flood") else "A door."
        return [Message(role="user", content=text)]

    async def step(self, reply: str) -> Step:
        await self._perhaps("step")
        self._opened = reply == "open"
        if self._breaks("step", "flood"):
            return Step("x" * FLOOD)
        if self._breaks("step", "surrogate"):
            return Step("\ud800")
        if self._breaks("step", "nothing"):
            return None  # type: ignore[return-value]  # what a careless world does
        return Step("It stays shut.", done=self._opened, action=reply)

    async def score(self) -> Score:
        await self._perhaps("score")
        if self._breaks("score", "nan"):
            return Score(reward=1.0, success=True, metrics={"x": float("nan")})
        if self._breaks("score", "nothing"):
            return None  # type: ignore[return-value]
        return Score(reward=float(self._opened), success=self._opened)

    async def close(self) -> None:
        BrokenWorld.open_worlds -= 1
        await self._perhaps("close")

    def _breaks(self, place: Place, fault: str) -> bool:
        return (self.task.place, self.task.fault) == (place, fault)

    async def _perhaps(self, place: Place) -> None:
        if self.task.place != place:
            return
        if self.task.fault == "hang":
            await asyncio.sleep(3600)
        if self.task.fault == "recursion":
            await self._perhaps(place)
        if self.task.fault in RAISED:
            raise RAISED[self.task.fault]


class Opener:
    """Says the word."""

    name = "opener"
    sampling = None

    async def reply(self, messages: Sequence[Message]) -> Reply:
        return Reply(content="open")


def opener(environment: Environment[Task], *, sample: int) -> Opener:
    return Opener()
