"""One dialogue of the benchmark's protocol of 2023: a reply goes in, an observation or the answer comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.graph.protocol import (
    entity_id,
    final_index,
    read_calls,
    variable_index,
)
from agenttuning.environments.worlds.graph.store import QueryRefusedError
from agenttuning.environments.worlds.graph.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.environments.worlds.graph.protocol import Call
    from agenttuning.environments.worlds.graph.queries import Parity
    from agenttuning.environments.worlds.graph.tools import Argument, Toolbox

_BAD_INDEX: Final = "Invalid variable id! Need to recheck the action."
_NO_ACTION: Final = "No executable function found! Need to recheck the action."
_NO_FUNCTION: Final = "Function is not executed!"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one reply led to."""

    observation: str
    action: str = ""
    valid: bool = False
    answer: tuple[str, ...] | None = None
    """The final answer; None while the dialogue goes on."""


class Session:
    """The protocol around a toolbox."""

    def __init__(self, tools: Toolbox, *, entities: Mapping[str, str], parity: Parity) -> None:
        self.tools = tools
        self._entities = entities
        self._parity = parity

    async def take(self, text: str) -> Turn:
        """Apply one reply, already cut to what counts of it.

        Raises:
            WorldError: the store is gone.
        """
        index = final_index(text)
        if index is not None:
            return await self._answer(index)
        calls = read_calls(text, names=self._entities, parity=self._parity)
        if calls is None:
            return Turn(_NO_ACTION)
        turn = Turn(_NO_FUNCTION)
        for call in calls:
            turn = await self._execute(call)
            if turn.valid:
                break
        return turn

    async def _answer(self, index: int) -> Turn:
        action = f"Final Answer: #{index}"
        if index >= len(self.tools.variables):
            return Turn(_BAD_INDEX, action=action)
        try:
            answer = tuple(await self.tools.answer(self.tools.variables[index]))
        except QueryRefusedError:
            answer = ()
        return Turn("", action=action, valid=True, answer=answer)

    async def _execute(self, call: Call) -> Turn:
        if call.function not in self.tools.functions or call.arguments is None:
            text = f"I may make a syntax error when calling {call.function} (e.g., unmatched parenthesis). "
            return Turn(f"{text}I need to fix it and reuse the tool", action=call.function)
        action = f"{call.function}({', '.join(call.arguments)})"
        try:
            observation = await self.tools.call(call.function, self._resolved(call.arguments))
        except (ToolError, LookupError):
            return Turn(f"{action} cannot be executed. {_ADVICE.get(call.function, _MISTAKE)}", action=action)
        return Turn(observation, action=action, valid=True)

    def _resolved(self, arguments: Sequence[str]) -> list[Argument]:
        resolved: list[Argument] = []
        for argument in arguments:
            index = variable_index(argument, made=len(self.tools.variables), parity=self._parity)
            if index is None:
                resolved.append(entity_id(argument, self._entities, parity=self._parity))
            else:
                resolved.append(self.tools.variables[index])
        return resolved


_MISTAKE: Final = "You may make a mistake and need to fix it."
_ADVICE: Final[Mapping[str, str]] = {
    "intersection": "The two variables are not of the same type. You may further explore them by call get_relations"
}
