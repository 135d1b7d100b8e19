"""What an executor is told: how many episodes may live at once and where, and how their players are opened."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from agenttuning.core.records import Record
from agenttuning.errors import RecipeError
from agenttuning.policies import HumanConfig, LocalConfig, ModelConfig, OpenAIConfig, TgiConfig, open_player
from agenttuning.policies.episode import ModelPlayer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from agenttuning.core.policy import Player
    from agenttuning.policies import Desk, PolicyConfig

ExecutorName = Literal["local", "ray"]
PolicyT = TypeVar("PolicyT", bound=Record)


@dataclass(frozen=True, slots=True)
class Seats:
    """How many episodes may live at once, and where."""

    concurrency: int
    """Episodes in flight, all worlds and processes together."""
    executor: ExecutorName = "local"
    processes: int = 0
    """Processes that host worlds: of this machine (0: this one alone) or Ray actors (0: one per CPU of the cluster)."""

    @property
    def here(self) -> bool:
        """Does everything play in this process."""
        return self.executor == "local" and self.processes == 0


class Opens(Protocol):
    """Opens the players of a stage; may be sent to another process."""

    @property
    def policies(self) -> Sequence[PolicyConfig]:
        """Everyone who may play."""

    def open(self, desk: Desk) -> AbstractAsyncContextManager[Player]:
        """Open the player of every episode; language models are opened by the desk."""


@dataclass(frozen=True)
class Candidate:
    """One model under evaluation."""

    policy: PolicyConfig

    @property
    def policies(self) -> tuple[PolicyConfig, ...]:
        """It alone."""
        return (self.policy,)

    @asynccontextmanager
    async def open(self, desk: Desk) -> AsyncIterator[Player]:
        """Open it; raises what `open_player` raises."""
        if isinstance(self.policy, OpenAIConfig | TgiConfig | LocalConfig):
            async with desk(self.policy) as model:
                yield ModelPlayer(model, self.policy)
        else:
            async with open_player(self.policy) as player:
                yield player


def seeded(policy: PolicyT, seed: int) -> PolicyT:
    """Give random draws the run's seed, where they have none of their own."""
    if not isinstance(policy, ModelConfig) or policy.sampling.seed is not None or policy.sampling.temperature == 0:
        return policy
    return policy.model_copy(update={"sampling": policy.sampling.model_copy(update={"seed": seed})})


def check_seats(seats: Seats, opens: Opens) -> None:
    """Return when everyone who plays can play there.

    Raises:
        RecipeError: a person was asked to sit in many processes.
    """
    if not seats.here and any(isinstance(policy, HumanConfig) for policy in opens.policies):
        raise RecipeError(
            f"policy 'human' plays at this terminal, not with executor = {seats.executor!r} and "
            f"processes = {seats.processes}; set executor = 'local' and processes = 0"
        )
