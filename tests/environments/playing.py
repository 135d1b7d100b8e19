"""Plays an episode with prepared replies."""

import asyncio
from collections.abc import Iterator

from agenttuning.core.environment import Environment
from agenttuning.core.records import Message, Reply, Task, Trajectory
from agenttuning.core.rollout import rollout


class Script:
    """Says prepared replies, the last one again and again."""

    name = "script"
    sampling = None

    def __init__(self, replies: Iterator[str]) -> None:
        self.replies, self.last = replies, ""

    async def reply(self, messages: tuple[Message, ...]) -> Reply:
        self.last = next(self.replies, self.last)
        return Reply(content=self.last)


def play(environment: Environment[Task], *replies: str) -> Trajectory:
    """Play to the end, whoever ends it."""
    return asyncio.run(rollout(environment, lambda _environment, *, sample: Script(iter(replies))))
