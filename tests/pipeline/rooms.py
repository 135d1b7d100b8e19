"""A world of one door, small enough to see through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.environment import Environment, EnvironmentConfig, Step
from agenttuning.core.records import Message, Score, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOMS = f"{__name__}:Rooms"
played: list[str] = []
"""Task ids in the order in which their episodes were started."""


class RoomTask(Task):
    colour: str


class Rooms(Environment[RoomTask]):
    id = ROOMS
    group = "held_in"
    max_turns = 3
    task_type = RoomTask

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        return {"train": 4, "test": 4}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterable[RoomTask]:
        for number, colour in enumerate(("red", "green", "blue", "white")):
            yield RoomTask(id=f"{split}-{number}", colour=colour, difficulty="tiny")

    async def start(self) -> Sequence[Message]:
        played.append(self.task.id)
        self.open = False
        return (
            Message(role="user", content="Open the door that is named."),
            Message(role="assistant", content="OK.", train=False),
            Message(role="user", content=f"The {self.task.colour} door."),
        )

    async def step(self, reply: str) -> Step:
        self.open = reply == f"Action: open {self.task.colour} door"
        return Step(observation="Nothing opens.", done=self.open, action=reply, valid=reply.startswith("Action:"))

    async def score(self) -> Score:
        return Score(reward=float(self.open), success=self.open)

    def oracle(self) -> Iterator[str]:
        yield f"Action: open {self.task.colour} door"
