"""The gold calls as replies: a thought and a call each, then the last variable as the answer."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.graph.actions import read_action
from agenttuning.environments.worlds.graph.protocol import Call, entity_id, read_calls
from agenttuning.environments.worlds.graph.thoughts import think

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agenttuning.environments.worlds.graph.queries import Parity


class Oracle:
    """Speaks the gold calls of one question."""

    def __init__(
        self, actions: Sequence[str], *, entities: Mapping[str, str], parity: Parity, seed: str, short: bool
    ) -> None:
        self._actions = actions
        self._entities = entities
        self._parity = parity
        self._draw = random.Random(f"thoughts/{seed}")
        self._short = short

    def replies(self, made: Callable[[], int]) -> Iterator[str]:
        """Yield the replies; `made` tells how many variables there are by then."""
        for action in self._actions:
            call = read_action(action)
            spoken = [self._spoken(argument) for argument in call.arguments or ()]
            yield f"Thought: {self._think(call.function, spoken)}\nAction: {call.function}({', '.join(spoken)})"
        last = f"#{max(made() - 1, 0)}"
        yield f"Thought: {self._think('final', [last])}\nFinal Answer: {last}"

    def _think(self, function: str, arguments: Sequence[str]) -> str:
        return think(function, arguments, draw=self._draw, short=self._short)

    def _spoken(self, argument: str) -> str:
        """Return the name by which the question knows an id, where the parser can read that name."""
        for name, known in self._entities.items():
            read = read_calls(f"Action: get_relations({name})", names=self._entities, parity=self._parity)
            meant = entity_id(name, self._entities, parity=self._parity)
            if known == argument == meant and read == [Call("get_relations", (name,))]:
                return name
        return argument
