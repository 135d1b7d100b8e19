"""Self-Instruct: a teacher proposes tasks of a world, and execution decides (paper 2.1; arXiv 2212.10560).

A proposal is task, set-up, reference solution and check. It is kept when the check holds after the reference and not
before it, when the same teacher, shown the task alone, comes to the same result in the real world (the second pass),
and when it is no near-duplicate of a train task or of one accepted before. All of it runs where episodes run: in the
sandbox, or in the confined database; nothing that a teacher wrote is evaluated in this process.
"""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from agenttuning.core.records import Stop
from agenttuning.core.rollout import rollout
from agenttuning.errors import BudgetError, StageError
from agenttuning.pipeline.construction.blocks import read_block
from agenttuning.pipeline.construction.near_duplicates import KnownTexts
from agenttuning.pipeline.construction.proof import prove
from agenttuning.pipeline.construction.rejects import Reason, Refusal, Reject
from agenttuning.pipeline.construction.settling import Outcome
from agenttuning.policies.attempts import UnusableAnswerError
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task
    from agenttuning.pipeline.construction.settings import SelfInstruct
    from agenttuning.pipeline.construction.teacher import Teacher

_TRIALS: Final = 5


class Proposer(Protocol):
    """How tasks of one world are asked for and read."""

    kind: type[Environment[Task]]
    required: tuple[str, ...]
    """The parts of a proposal."""

    def request(self, examples: Sequence[Task]) -> str:
        """Return the prompt for one proposal."""

    def text(self, task: Task) -> str:
        """Return what two tasks are compared by."""

    async def make(self, parts: Mapping[str, str], *, name: str, source: str) -> Task | Refusal:
        """Return the task that the parts describe, with what its check finds by execution."""


class Proposals:
    """The proposals of one world as attempts; implements `settling.Source`."""

    def __init__(
        self,
        proposer: Proposer,
        settings: SelfInstruct,
        *,
        world: EnvironmentConfig,
        split: str,
        teacher: Teacher,
    ) -> None:
        self._proposer, self._settings, self._teacher = proposer, settings, teacher
        self._world = proposer.kind.id
        self.name = f"{self._world}.self_instruct"
        self.task_type = proposer.kind.task_type
        self.size, self.concurrency = settings.proposals, settings.concurrency
        self._seeds = list(islice(proposer.kind.load(split, world), settings.seeds))
        self._known = KnownTexts(map(proposer.text, self._seeds), similarity=settings.similarity)
        self._accepted = KnownTexts(similarity=settings.similarity)

    async def check_world(self) -> None:
        """Play a seed before anything is paid for; of the first few one must work, as some may need more than others.

        Raises:
            StageError: this machine cannot run the world.
        """
        failed = ""
        for task in self._seeds[:_TRIALS]:
            played = await rollout(self._proposer.kind(task), oracle_player)
            if played.failure is None:
                return
            failed = played.failure.message
        raise StageError(
            f"{self._world} does not work on this machine, so no proposal can be checked: "
            f"{failed or 'its train split is empty'}; see `agenttuning doctor`"
        )

    def admit(self, task: Task) -> Refusal | None:
        """Take up a task that resembles none before it."""
        text = self._proposer.text(task)
        nearest = self._accepted.nearest(text)
        if nearest is not None:
            return Refusal(Reason.NEAR_DUPLICATE, nearest)
        self._accepted.add(text)
        return None

    def reject(self, task: Task, refusal: Refusal) -> Reject:
        """Write down that a task was not taken up."""
        return self._reject(task.id, refusal, self._proposer.text(task))

    def _reject(self, name: str, refusal: Refusal, content: str) -> Reject:
        return Reject.of(refusal, environment=self._world, source="self_instruct", name=name, content=content)

    async def attempt(self, number: int) -> Outcome | None:
        """Ask for a proposal and put it to the test."""
        name, place = f"self-instruct-{number}", f"{self.name}/{number}"
        draw = random.Random(f"{self._teacher.seed}/{place}")
        examples = draw.sample(self._seeds, min(self._settings.examples, len(self._seeds)))
        request = self._proposer.request(examples)
        try:
            answered = await self._teacher.ask(request, place=place, sampling=self._settings.sampling)
            if isinstance(answered, Refusal):
                return Outcome.of(number, rejects=(self._reject(name, answered, ""),))
            made = await self._examine(answered, name)
        except BudgetError:
            return None
        if isinstance(made, Refusal):
            return Outcome.of(number, rejects=(self._reject(name, made, answered),))
        return Outcome.of(number, tasks=(made,))

    async def _examine(self, answered: str, name: str) -> Task | Refusal:
        parts = read_block(answered, required=self._proposer.required)
        if isinstance(parts, Refusal):
            return parts
        made = await self._proposer.make(parts, name=name, source=f"self-instruct by {self._teacher.name}")
        if isinstance(made, Refusal):
            return made
        nearest = self._known.nearest(self._proposer.text(made))
        if nearest is not None:
            return Refusal(Reason.NEAR_DUPLICATE, nearest)
        return await prove(self._proposer.kind, made) or await self._solve(made) or made

    async def _solve(self, task: Task) -> Refusal | None:
        """Have the teacher solve the task unseen.

        Raises:
            BudgetError: the allowance is used up.
        """
        played = await rollout(self._proposer.kind(task), self._teacher.player())
        if played.stop == Stop.BUDGET:
            raise BudgetError("the allowance is used up")
        if played.failure is not None and played.failure.error != UnusableAnswerError.__name__:
            silent = played.failure.side == "policy"
            return Refusal(Reason.NO_ANSWER if silent else Reason.WORLD_FAILS, played.failure.message)
        if not played.score.success:
            return Refusal(Reason.SOLVER_DISAGREES, f"stop {played.stop}; {played.messages[-1].content[-300:]}")
        return None
