"""A model that plans before it acts and checks what it is about to do: the agent of the original MiniWoB++ evaluation.

Three calls make the plan: propose, criticise, improve. Two or more make each turn: an action is proposed by the plan,
grounded in what is seen, and repaired while it breaks the grammar. The plan's numbered lines plus one are the turns
that it may take. Of every answer, what follows its first backtick is dropped. The world sees one thought and one action
per turn, and only these are kept; the calls between them count in the usage.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Message, Reply, Usage
from agenttuning.errors import BudgetError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.policy import Policy
    from agenttuning.core.records import Sampling
    from agenttuning.policies.config import PlanLoop

_PLAN: Final = (
    "Do not act yet. Write a plan for this task first: numbered lines, each the one action of one turn, in the forms "
    "given above."
)
_CRITICISE: Final = "What is wrong with this plan? Think of what the task asks, what you see, and the forms of actions."
_IMPROVE: Final = "Write the plan again without these faults: numbered lines, one action each, nothing else."
_PROPOSE: Final = "This is your plan:\n{plan}\n\nBy the plan, which action comes next? Write that one action only."
_GROUND: Final = "Does it fit what you see now? Write the one action that does, in one of the forms given above."
_REPAIR: Final = "That has none of the forms given above. Write one action in one of these forms, and nothing else."
_STEP: Final = re.compile(r"^\s*\d+[.)]", re.MULTILINE)
_MARK: Final = re.compile(r"^\s*action:\s*", re.IGNORECASE | re.MULTILINE)


class PlanPolicy:
    """One episode of a model that plans."""

    def __init__(self, model: Policy, loop: PlanLoop) -> None:
        self._model = model
        self._loop = loop
        self._grammar = re.compile(loop.action_pattern)
        self._plan: str | None = None
        self._turns = 0
        self._usage = Usage()

    @property
    def name(self) -> str:
        """The model's, and that it plans: a number made in this way is no other's."""
        return f"{self._model.name}, plan loop"

    @property
    def sampling(self) -> Sampling | None:
        """The model's."""
        return self._model.sampling

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return one thought and one action; the first call makes the plan.

        Raises:
            PolicyError: no call brought an action of the grammar.
            BudgetError: the plan's lines are used up.
        """
        self._usage = Usage()
        if self._plan is None:
            self._plan = await self._make_plan(messages)
        if self._turns > len(_STEP.findall(self._plan)):
            raise BudgetError(f"the plan has {self._turns - 1} lines, and {self._turns} actions are done")
        self._turns += 1
        proposed, action = await self._act(_asking(messages, _PROPOSE.format(plan=self._plan)))
        return Reply(content=f"Thought: by my plan, {proposed}\nAction: {action}", usage=self._usage)

    async def _make_plan(self, messages: Sequence[Message]) -> str:
        talk = _asking(messages, _PLAN)
        plan = await self._say(talk)
        for _ in range(self._loop.criticisms):
            talk = _asking([*talk, _said(plan)], _CRITICISE)
            talk = _asking([*talk, _said(await self._say(talk))], _IMPROVE)
            plan = await self._say(talk)
        return plan

    async def _act(self, talk: list[Message]) -> tuple[str, str]:
        """Return the action as first proposed, and as it stands after grounding and repair."""
        proposed = action = _line(await self._say(talk))
        if self._loop.ground:
            talk = _asking([*talk, _said(action)], _GROUND)
            action = _line(await self._say(talk))
        for _ in range(self._loop.repairs):
            if self._grammar.fullmatch(action):
                break
            talk = _asking([*talk, _said(action)], _REPAIR)
            action = _line(await self._say(talk))
        if not self._grammar.fullmatch(action):
            raise PolicyError(f"no action of the grammar after {self._loop.repairs} repairs, last {action[:80]!r}")
        return proposed, action

    async def _say(self, talk: Sequence[Message]) -> str:
        reply = await self._model.reply(talk)
        self._usage += reply.usage
        return reply.content.strip("` \n").split("`", 1)[0].strip()


def _asking(messages: Sequence[Message], question: str) -> list[Message]:
    """Put a question to the conversation: a turn of its own, or the end of the user's last."""
    if messages[-1].role == "user":
        asked = messages[-1].model_copy(update={"content": f"{messages[-1].content}\n\n{question}"})
        return [*messages[:-1], asked]
    return [*messages, Message(role="user", content=question)]


def _said(text: str) -> Message:
    return Message(role="assistant", content=text)


def _line(text: str) -> str:
    """Return the action's one line, less a mark before it."""
    mark = _MARK.search(text)
    rest = text[mark.end() :] if mark else text
    return rest.strip().split("\n", 1)[0].strip()
