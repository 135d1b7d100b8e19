"""Anything that answers a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Reply, Sampling, Task


class Policy(Protocol):
    """Answers one conversation after another; a served or local model answers many at once."""

    @property
    def name(self) -> str:
        """The model or teacher, as it stands in every number that it makes."""

    @property
    def sampling(self) -> Sampling | None:
        """How tokens are drawn; None where no tokens are (oracle, script, human)."""

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the next assistant turn.

        Raises:
            PolicyError: no answer could be had; the episode ends as a failure of this side.
            ContextLimitError: the conversation does not fit; the episode stops and is scored.
            BudgetError: the allowance is used up; the episode stops and is scored.
        """


class Player(Protocol):
    """Gives every episode its policy: a model is the same for all, an oracle belongs to one world."""

    def __call__(self, environment: Environment[Task], *, sample: int) -> Policy:
        """Return the policy that plays this episode; `sample` numbers repeated plays of one task from 0."""
