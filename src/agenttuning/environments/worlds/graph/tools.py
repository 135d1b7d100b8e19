"""The seven tools of the benchmark, over the variables of one episode.

A variable is a type and a program. Nothing is looked up before a list of relations or attributes, or the answer, is
asked for. `get_neighbors`, `argmax` and `argmin` take only what the list of the same set has shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.graph.programs import Count, Entity, Intersection, Join, Superlative, weight
from agenttuning.environments.worlds.graph.queries import answer_query, property_query
from agenttuning.environments.worlds.graph.store import QueryRefusedError
from agenttuning.environments.worlds.graph.triples import NAMESPACE, plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from agenttuning.environments.worlds.graph.ontology import Ontology
    from agenttuning.environments.worlds.graph.programs import Program
    from agenttuning.environments.worlds.graph.queries import Parity
    from agenttuning.environments.worlds.graph.store import SparqlStore

_ID: Final = {"strict": re.compile(r"[mf]\.\w+"), "repaired": re.compile(r"[mfg]\.\w+")}
MAX_WEIGHT: Final = 40
"""Heavier programs are refused: gold ones reach 20, and a query of 130 patterns crashes Virtuoso's compiler."""
NUMBER_TYPE: Final = "type.int"


class ToolError(Exception):
    """A call that cannot be executed; the protocol has its own words for it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A set of things, or a number, by the program that finds it."""

    type: str
    program: Program


Argument = Variable | str


class Toolbox:
    """The tools, with the variables made so far and the lists already shown."""

    def __init__(
        self, store: SparqlStore, *, ontology: Ontology, parity: Parity, known: AbstractSet[str] = frozenset()
    ) -> None:
        self.variables: list[Variable] = []
        self._store = store
        self._ontology = ontology
        self._parity = parity
        self._known = known
        self._relations: dict[Program, list[str]] = {}
        self._attributes: dict[Program, list[str]] = {}
        self.functions: Mapping[str, Callable[[Sequence[Argument]], Awaitable[str]]] = {
            "get_relations": self._get_relations,
            "get_neighbors": self._get_neighbors,
            "intersection": self._intersection,
            "get_attributes": self._get_attributes,
            "argmax": self._argmax,
            "argmin": self._argmin,
            "count": self._count,
        }

    async def call(self, name: str, arguments: Sequence[Argument]) -> str:
        """Execute a tool and return its observation.

        Raises:
            ToolError: it cannot be executed.
            WorldError: the store is gone.
        """
        try:
            return await self.functions[name](arguments)
        except QueryRefusedError as error:
            raise ToolError(str(error)) from error

    async def answer(self, variable: Variable) -> list[str]:
        """Return the members of a set, or the one number.

        Raises:
            QueryRefusedError: the program has no answer.
            WorldError: the store is gone.
        """
        values = await self._store.column(answer_query(variable.program, parity=self._parity))
        return sorted({plain(value) for value in values})

    async def _get_relations(self, arguments: Sequence[Argument]) -> str:
        program = self._set(*_exactly(arguments, 1))
        shown = await self._properties(program, self._ontology.relations)
        self._relations[program] = shown
        return f"Observation: [{', '.join(shown)}]"

    async def _get_neighbors(self, arguments: Sequence[Argument]) -> str:
        of, relation = _exactly(arguments, 2)
        program = self._set(of)
        if not isinstance(relation, str) or relation not in self._relations.get(program, ()):
            raise ToolError("the relation was not shown for this set")
        if relation not in self._ontology.ranges:
            raise ToolError("nothing is known of what the relation leads to")
        return self._new(Variable(self._ontology.ranges[relation], Join(relation, program)))

    async def _intersection(self, arguments: Sequence[Argument]) -> str:
        left, right = (_variable(argument) for argument in _exactly(arguments, 2))
        if self._parity == "strict" and left.type != right.type:
            raise ToolError("the types differ")
        return self._new(Variable(left.type, Intersection(left.program, right.program)))

    async def _get_attributes(self, arguments: Sequence[Argument]) -> str:
        program = _variable(*_exactly(arguments, 1)).program
        shown = await self._properties(program, self._ontology.attributes)
        self._attributes[program] = shown
        return f"Observation: [{', '.join(shown)}]"

    async def _argmax(self, arguments: Sequence[Argument]) -> str:
        return self._superlative(arguments, highest=True)

    async def _argmin(self, arguments: Sequence[Argument]) -> str:
        return self._superlative(arguments, highest=False)

    def _superlative(self, arguments: Sequence[Argument], *, highest: bool) -> str:
        of, attribute = _exactly(arguments, 2)
        variable = _variable(of)
        if not isinstance(attribute, str) or attribute not in self._attributes.get(variable.program, ()):
            raise ToolError("the attribute was not shown for this set")
        return self._new(Variable(variable.type, Superlative(variable.program, attribute, highest)))

    async def _count(self, arguments: Sequence[Argument]) -> str:
        program = _variable(*_exactly(arguments, 1)).program
        return self._new(Variable(NUMBER_TYPE, Count(program)))

    def _set(self, argument: Argument) -> Program:
        if isinstance(argument, Variable):
            return argument.program
        if not _ID[self._parity].fullmatch(argument) and (self._parity == "strict" or argument not in self._known):
            raise ToolError("neither a variable nor an entity")
        return Entity(argument)

    async def _properties(self, program: Program, vocabulary: AbstractSet[str]) -> list[str]:
        found = await self._store.column(property_query(program, parity=self._parity))
        names = {value.removeprefix(NAMESPACE) for value in found if value.startswith(NAMESPACE)}
        return sorted(names & vocabulary)

    def _new(self, variable: Variable) -> str:
        if weight(variable.program) > MAX_WEIGHT:
            raise ToolError(f"the query of this set would have more than {MAX_WEIGHT} patterns")
        self.variables.append(variable)
        number = len(self.variables) - 1
        if isinstance(variable.program, Count):
            return f"Observation: variable #{number}, which is a number"
        return f"Observation: variable #{number}, which are instances of {variable.type}"


def _exactly(arguments: Sequence[Argument], count: int) -> Sequence[Argument]:
    if len(arguments) != count:
        raise ToolError(f"{count} arguments are needed")
    return arguments


def _variable(argument: Argument) -> Variable:
    if isinstance(argument, str):
        raise ToolError("a variable is needed")
    return argument
