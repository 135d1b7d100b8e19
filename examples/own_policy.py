"""A policy of your own: anything with a name, a sampling and `reply`.

This one plays ALFWorld's smallest rooms by taking the first listed action that it has not tried yet; it rarely wins,
and every episode says how it ended.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from agenttuning.core.environment import Environment
from agenttuning.core.records import Message, Reply, Sampling, Task
from agenttuning.core.rollout import rollouts
from agenttuning.environments import load_environment


class FirstUntried:
    """Tries what is listed, in order."""

    name = "first-untried"
    sampling: Sampling | None = None

    def __init__(self) -> None:
        self._tried: set[str] = set()

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the next action."""
        listed = re.findall(r"Actions: (.*)", messages[-1].content)
        actions = listed[-1].split(", ") if listed else ["look"]
        action = next((action for action in actions if action not in self._tried), actions[0])
        self._tried.add(action)
        return Reply(content=f"THOUGHT: not tried yet.\nACTION: {action}")


def player(environment: Environment[Task], *, sample: int) -> FirstUntried:
    """Give every episode a policy of its own, because this one remembers."""
    del environment, sample
    return FirstUntried()


async def main() -> None:
    """Play twenty tasks and count how they ended."""
    world = load_environment("alfworld")
    tasks = islice(world.load("test", world.config_type(difficulty="tiny")), 20)
    ended: Counter[str] = Counter()
    async for trajectory in rollouts(((world(task), "test", 0) for task in tasks), player, concurrency=8):
        ended["won" if trajectory.score.success else trajectory.stop.value] += 1
    print(dict(ended))


if __name__ == "__main__":
    asyncio.run(main())
