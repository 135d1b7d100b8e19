"""The environment's own solution as a policy: the embedded teacher, and the proof that a task can be solved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from agenttuning.core.records import Reply
from agenttuning.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Task


def oracle_player(environment: Environment[Task], *, sample: int) -> OraclePolicy:
    """Return the oracle of this environment; every sample is played alike."""
    del sample
    return OraclePolicy(environment)


class OraclePolicy:
    """Reads the environment's oracle one reply per turn, so that it sees the world as it then stands."""

    name = "oracle"
    sampling = None

    def __init__(self, environment: Environment[Task]) -> None:
        self._environment = environment
        self._replies: Iterator[str] | AsyncIterator[str] | None = None

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the oracle's next reply.

        Raises:
            PolicyError: the environment has no oracle, or its oracle ended before the episode did.
        """
        del messages
        if self._replies is None:
            self._replies = self._environment.oracle()
        replies = self._replies
        if replies is None:
            raise PolicyError(f"environment {self._environment.id!r} has no oracle; choose another policy for it")
        content = await anext(replies, None) if isinstance(replies, AsyncIterator) else next(replies, None)
        if content is None:
            raise PolicyError(f"the oracle of {self._environment.id!r} ended before task {self._environment.task.id!r}")
        return Reply(content=content)
