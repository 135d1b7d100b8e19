"""Prepared replies as a policy that ends without a failure: the world is then judged as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.records import Reply
from agenttuning.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Player, Policy
    from agenttuning.core.records import Message, Task


def always(policy: Policy) -> Player:
    """Return a player that gives this policy to the one episode it is asked for."""

    def play(environment: Environment[Task], *, sample: int) -> Policy:
        del environment, sample
        return policy

    return play


class Replay:
    """Says prepared replies and then nothing more; the world is judged as it stands."""

    name = "replay"
    sampling = None

    def __init__(self, replies: Iterable[str]) -> None:
        self._left = iter(replies)

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the next reply.

        Raises:
            BudgetError: there is none.
        """
        del messages
        told = next(self._left, None)
        if told is None:
            raise BudgetError("all was said")
        return Reply(content=told)
