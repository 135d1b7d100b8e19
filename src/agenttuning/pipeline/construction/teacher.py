"""The model that proposes tasks, solves them, and writes thoughts; what it answers is kept in the run's call log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Message
from agenttuning.errors import BudgetError, PolicyError, boundary
from agenttuning.pipeline.construction.rejects import Reason, Refusal
from agenttuning.policies.attempts import UnusableAnswerError
from agenttuning.policies.episode import ModelPlayer, turn_seed

if TYPE_CHECKING:
    from agenttuning.core.records import Sampling
    from agenttuning.policies import ModelConfig
    from agenttuning.policies.episode import Model

_UNUSABLE: Final = {
    "a tool call": Reason.TOOL_CALL,
    "a refusal": Reason.REFUSAL,
    "no text": Reason.EMPTY,
    "an overlong text": Reason.OVERLONG,
}


@dataclass(frozen=True, slots=True)
class Teacher:
    """An open model and how it is asked."""

    model: Model
    config: ModelConfig
    seed: int
    """The run's; every request derives its own from it and from its place."""

    @property
    def name(self) -> str:
        """As it stands in every number."""
        return self.config.name or self.model.name

    async def ask(self, request: str, *, place: str, sampling: Sampling) -> str | Refusal:
        """Ask once; two places that ask the same draw apart.

        Raises:
            BudgetError: the allowance is used up.
        """
        base = self._seeded(sampling)
        own = base.model_copy(update={"seed": turn_seed(base, episode=place, turn=0)})
        try:
            with boundary("policy"):
                return (await self.model.answer((Message(role="user", content=request),), sampling=own)).content
        except BudgetError:
            raise
        except UnusableAnswerError as error:
            return Refusal(_UNUSABLE.get(error.reason, Reason.NO_BLOCK), str(error))
        except PolicyError as error:
            return Refusal(Reason.NO_ANSWER, str(error))

    def player(self) -> ModelPlayer:
        """Return the teacher as a player of episodes."""
        sampling = self._seeded(self.config.sampling)
        return ModelPlayer(self.model, self.config.model_copy(update={"sampling": sampling}))

    def _seeded(self, sampling: Sampling) -> Sampling:
        """Give random draws the run's seed, where they have none of their own."""
        if sampling.seed is not None or sampling.temperature == 0:
            return sampling
        return sampling.model_copy(update={"seed": self.seed})
