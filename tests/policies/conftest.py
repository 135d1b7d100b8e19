"""A world that echoes, for policies that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Step
from agenttuning.core.records import Message, Score, Task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence


class Counting(Environment[Task]):
    """Say the number that stands in the last message, three times."""

    id: ClassVar[str] = "counting"
    group: ClassVar[Group] = "general"
    max_turns: ClassVar[int] = 5
    task_type: ClassVar[type[Task]] = Task

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.number = 7
        self.said: list[str] = []

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        return {"test": 1}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterable[Task]:
        return [Task(id="one")]

    async def start(self) -> Sequence[Message]:
        return (Message(role="user", content=str(self.number)),)

    async def step(self, reply: str) -> Step:
        self.said.append(reply)
        self.number += len(self.said)
        return Step(str(self.number), done=len(self.said) == 3)

    async def score(self) -> Score:
        right = self.said == ["7", "8", "10"]
        return Score(reward=float(right), success=right)

    def oracle(self) -> Iterator[str] | AsyncIterator[str] | None:
        while True:
            yield str(self.number)


class AsyncCounting(Counting):
    """The same, solved by an asynchronous oracle."""

    async def _solve(self) -> AsyncIterator[str]:
        while True:
            yield str(self.number)

    def oracle(self) -> AsyncIterator[str]:
        return self._solve()


class Unsolved(Counting):
    """The same without an oracle."""

    def oracle(self) -> None:
        return None


@pytest.fixture(params=[Counting, AsyncCounting])
def counting(request: pytest.FixtureRequest) -> Counting:
    world: Counting = request.param(Task(id="one"))
    return world


@pytest.fixture
def unsolved() -> Unsolved:
    return Unsolved(Task(id="one"))
