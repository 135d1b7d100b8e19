"""own_environment: find a number between two bounds; the shape of an environment of your own.

    PYTHONPATH=examples agenttuning check own_environment:GuessNumber

Action format, one per turn:

    Thought: the middle is 50.
    Action: guess 50

Reward: 1 when the number was guessed. Source: our own generator. Licence: that of this file.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, ClassVar

from agenttuning.core.environment import Environment, EnvironmentConfig, Step
from agenttuning.core.records import Message, Score, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INSTRUCTION = "Find my number. Each turn, write a thought and then a line `Action: guess N`."
SIZES = {"train": 1000, "test": 100}


class GuessNumberTask(Task):
    """One number."""

    number: int
    upper: int
    """The number lies in 1..upper."""


class GuessNumber(Environment[GuessNumberTask]):
    """Guess a number."""

    id: ClassVar[str] = "own_environment"
    group = "held_out"
    max_turns: ClassVar[int] = 12
    task_type = GuessNumberTask

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        """Return the sizes of the generator's splits."""
        return SIZES

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterator[GuessNumberTask]:
        """Yield tasks; even numbers belong to train, odd ones to test, so that no task is shared."""
        seed = 0 if config is None else config.seed
        for index in range(SIZES[split]):
            draw = random.Random(f"{seed} {split} {index}")
            number = 2 * draw.randint(1, 49) + (split == "test")
            yield GuessNumberTask(id=f"{split}-{index}", number=number, upper=100)

    async def start(self) -> Sequence[Message]:
        """Tell the bounds."""
        self.found = False
        text = self.task.instruction or INSTRUCTION
        return [Message(role="user", content=f"{text}\nIt lies between 1 and {self.task.upper}.")]

    async def step(self, reply: str) -> Step:
        """Compare the guess; a reply without one is told so."""
        match = re.search(r"^Action: guess (\d{1,6})$", reply, re.MULTILINE)
        if match is None:
            return Step("Write a line `Action: guess N`.", action=reply[:80], valid=False)
        guess = int(match[1])
        self.found = guess == self.task.number
        told = "Higher." if guess < self.task.number else "Lower."
        return Step("Yes." if self.found else told, done=self.found, action=match[0])

    async def score(self) -> Score:
        """Reward 1 for the number."""
        return Score(reward=float(self.found), success=self.found)

    def oracle(self) -> Iterator[str]:
        """Halve the interval."""
        low, high = 1, self.task.upper
        while True:
            middle = (low + high) // 2
            yield f"Thought: the middle of {low} and {high} is {middle}.\nAction: guess {middle}"
            low, high = (middle + 1, high) if middle < self.task.number else (low, middle - 1)


if __name__ == "__main__":
    import asyncio

    from agenttuning.core.rollout import rollout
    from agenttuning.policies.oracle import oracle_player

    for message in asyncio.run(rollout(GuessNumber(next(GuessNumber.load("test"))), oracle_player)).messages:
        print(f"{message.role}: {message.content}")
