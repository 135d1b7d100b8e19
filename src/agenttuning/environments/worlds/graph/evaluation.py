"""Programs evaluated by hand, in memory: how tasks are made, and what the stores are compared with."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.graph.programs import (
    Count,
    Entity,
    Intersection,
    Join,
    Superlative,
    entities,
)
from agenttuning.environments.worlds.graph.triples import literal_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.environments.worlds.graph.programs import Program
    from agenttuning.environments.worlds.graph.triples import Triple


class Graph:
    """Triples by subject and property."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._objects: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for subject, relation, value in triples:
            self._objects[subject][relation].add(value)

    def objects(self, subject: str, relation: str) -> set[str]:
        """Return what a property of one thing leads to."""
        return self._objects[subject][relation] if relation in self._objects.get(subject, {}) else set()

    def properties(self, program: Program) -> set[str]:
        """Return every property of the members that the tools see."""
        seen = {program.id} if isinstance(program, Entity) else self.seen(program)
        return {relation for member in seen for relation in self._objects.get(member, {})}

    def seen(self, program: Program) -> set[str]:
        """Return the members less the entities that the program mentions, which never are an answer."""
        found = self.members(program)
        return found if isinstance(program, Superlative) else found.difference(entities(program))

    def answer(self, program: Program) -> set[str]:
        """Return what the program's answer is, as the repaired queries give it."""
        return {str(len(self.seen(program.of)))} if isinstance(program, Count) else self.seen(program)

    def members(self, program: Program) -> set[str]:
        """Return every member of a set."""
        match program:
            case Entity(subject):
                return {subject}
            case Join(relation, of):
                return {value for member in self.members(of) for value in self.objects(member, relation)}
            case Intersection(left, right):
                return self.members(left) & self.members(right)
            case Superlative(of, attribute, highest):
                return self._best(self.members(of), attribute, highest=highest)
            case Count():
                raise ValueError("a number has no members")

    def _best(self, members: set[str], attribute: str, *, highest: bool) -> set[str]:
        values = {member: [_order(value) for value in self.objects(member, attribute)] for member in members}
        every = [value for found in values.values() for value in found]
        if not every:
            return set()
        best = max(every) if highest else min(every)
        return {member for member, found in values.items() if best in found}


def _order(value: str) -> tuple[float, str]:
    text = literal_text(value)
    try:
        return float(text), ""
    except ValueError:
        return 0.0, text
