"""A language model in one episode: the seed of every turn, and the history that it is shown."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from agenttuning.errors import ContextLimitError
from agenttuning.policies.example_guard import drop_pairs
from agenttuning.policies.history_guard import guard_history
from agenttuning.policies.plan_loop import PlanPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Policy
    from agenttuning.core.records import Message, Reply, Sampling, Task
    from agenttuning.policies.config import ModelConfig


class Model(Protocol):
    """A model that answers any conversation, whatever episode it belongs to."""

    @property
    def name(self) -> str:
        """The model's own name."""

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the next assistant turn; `sampling.seed` is this turn's own."""


class ModelPlayer:
    """Gives every episode the same model, with seeds of its own."""

    def __init__(self, model: Model, config: ModelConfig) -> None:
        self._model = model
        self._config = config

    def __call__(self, environment: Environment[Task], *, sample: int) -> Policy:
        """Return the policy of one episode."""
        episode = f"{environment.id}/{environment.task.id}/{sample}"
        policy = ModelPolicy(self._model, self._config, episode=episode, temperature=environment.temperature())
        return policy if self._config.plan is None else PlanPolicy(policy, self._config.plan)


class ModelPolicy:
    """One episode's view of a model."""

    def __init__(self, model: Model, config: ModelConfig, *, episode: str, temperature: float | None = None) -> None:
        self._model = model
        self._config = config
        self._episode = episode
        self._temperature = temperature
        self._dropped = 0
        self._next = 0

    @property
    def name(self) -> str:
        """The configured name, or the model's own."""
        return self._config.name or self._model.name

    @property
    def sampling(self) -> Sampling:
        """How tokens are drawn, with the base seed; a benchmark's own temperature is part of its version."""
        return self._config.sampling

    def _drawn(self) -> Sampling:
        if self._temperature is None:
            return self.sampling
        seed = 0 if self.sampling.seed is None else self.sampling.seed
        return self.sampling.model_copy(update={"temperature": self._temperature, "seed": seed})

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return the next assistant turn; raises what the model raises."""
        turn = max(self._next, sum(message.role == "assistant" for message in messages))
        self._next = turn + 1  # goes on where a dialogue starts anew
        drawn = self._drawn()
        sampling = drawn.model_copy(update={"seed": turn_seed(drawn, episode=self._episode, turn=turn)})
        if self._config.history_guard == "examples":
            return await self._fit(messages, sampling)
        seen = guard_history(messages) if self._config.history_guard else messages
        return await self._model.answer(seen, sampling=sampling)

    async def _fit(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """Show less and less until the model takes it; what was once too long is not shown again."""
        while True:
            seen = drop_pairs(messages, self._dropped)
            if seen is None:  # a dialogue that starts anew has less to lose
                self._dropped, seen = 0, tuple(messages)
            try:
                return await self._model.answer(seen, sampling=sampling)
            except ContextLimitError:
                if drop_pairs(messages, self._dropped + 1) is None:
                    raise
                self._dropped += 1


def turn_seed(sampling: Sampling, *, episode: str, turn: int) -> int | None:
    """Return the seed of one turn: the same for the same base seed, environment, task, sample and turn.

    None where nothing is drawn (greedy), and where no base seed asks for repeatable draws. Below 2**31, which every
    server takes.
    """
    if sampling.temperature == 0 or sampling.seed is None:
        return None
    named = hashlib.sha256(f"{sampling.seed}/{episode}/{turn}".encode()).digest()
    return int.from_bytes(named[:4], "big") >> 1
