"""A fixed list of replies as a policy: for tests, examples and replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.records import Reply
from agenttuning.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Player
    from agenttuning.core.records import Message, Task
    from agenttuning.policies.config import ScriptedConfig


def scripted_player(config: ScriptedConfig) -> Player:
    """Return a player that starts the script anew in every episode."""

    def play(environment: Environment[Task], *, sample: int) -> ScriptedPolicy:
        del environment, sample
        return ScriptedPolicy(config.replies, name=config.name)

    return play


class ScriptedPolicy:
    """Gives its replies in order."""

    sampling = None

    def __init__(self, replies: Sequence[str], *, name: str = "scripted") -> None:
        self.name = name
        self._replies = tuple(replies)
        self._given = 0

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the next reply.

        Raises:
            PolicyError: the script is over.
        """
        del messages
        if self._given == len(self._replies):
            raise PolicyError(f"the script of {len(self._replies)} replies is over, and the episode is not")
        self._given += 1
        return Reply(content=self._replies[self._given - 1])
