"""What the generated graphs are about: types, the relations between them both ways, and their measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from agenttuning.environments.worlds.graph.ontology import Ontology

if TYPE_CHECKING:
    from agenttuning.environments.worlds.graph.names import NameKind

ValueKind = Literal["integer", "decimal", "date"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of thing, and how many of them a graph holds."""

    type: str
    name: NameKind | None
    """How its members are called; None for things without a name."""
    few: int
    many: int


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to say what a relation leads to; `{x}` is what it starts from."""

    one: str
    several: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation in one direction."""

    name: str
    domain: str
    range: str
    wordings: tuple[Wording, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A relation and its inverse; each member of the first type leads to `low` to `high` of the second."""

    forward: Relation
    backward: Relation
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A number or date that members of a type have, and what it is to have the highest or the lowest."""

    name: str
    domain: str
    kind: ValueKind
    low: int
    high: int
    highest: str
    lowest: str


@dataclass(frozen=True)
class Schema:
    """All of it."""

    kinds: tuple[Kind, ...]
    links: tuple[Link, ...]
    measures: tuple[Measure, ...]

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """Return every relation of both directions by its name."""
        return {relation.name: relation for link in self.links for relation in (link.forward, link.backward)}

    @cached_property
    def measure_names(self) -> dict[str, Measure]:
        """Return every measure by its name."""
        return {measure.name: measure for measure in self.measures}

    @cached_property
    def ontology(self) -> Ontology:
        """Return the tools' vocabulary."""
        return Ontology(
            relations=frozenset(self.relations),
            attributes=frozenset(self.measure_names),
            ranges={name: relation.range for name, relation in self.relations.items()},
        )


def _relation(name: str, domain: str, range_: str, *wordings: str) -> Relation:
    said = tuple(Wording(*wording.split("|")) for wording in wordings)
    return Relation(f"{domain}.{name}", domain, range_, said)


def link(
    there: tuple[str, ...], back: tuple[str, ...], *, between: tuple[str, str], count: tuple[int, int] = (1, 1)
) -> Link:
    """Build a relation and its inverse from their names and wordings, such as `author of {x}|authors of {x}`."""
    domain, range_ = between
    return Link(_relation(there[0], domain, range_, *there[1:]), _relation(back[0], range_, domain, *back[1:]), *count)
