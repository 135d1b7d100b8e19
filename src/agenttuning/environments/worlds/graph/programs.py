"""Programs: what a variable of the dialogue stands for, in the benchmark's functions.

    Entity(m.x)                     one known thing
    Join(relation, of)              everything that `relation` leads to from a member of `of`
    Intersection(left, right)       the members of both
    Superlative(of, attribute)      the members of `of` whose attribute is the highest, or the lowest
    Count(of)                       how many members `of` has

Two variables with the same program are the same variable.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """One known thing."""

    id: str


@dataclass(frozen=True, slots=True)
class Join:
    """Everything that a relation leads to from the members of a set."""

    relation: str
    of: Program


@dataclass(frozen=True, slots=True)
class Intersection:
    """The members of two sets."""

    left: Program
    right: Program


@dataclass(frozen=True, slots=True)
class Superlative:
    """The members with the highest (or lowest) value of an attribute; ties all count."""

    of: Program
    attribute: str
    highest: bool


@dataclass(frozen=True, slots=True)
class Count:
    """The number of members."""

    of: Program


Program = Entity | Join | Intersection | Superlative | Count


def parts(program: Program) -> tuple[Program, ...]:
    """Return the programs that a program is made of."""
    match program:
        case Entity():
            return ()
        case Intersection(left, right):
            return (left, right)
        case _:
            return (program.of,)


def walk(program: Program) -> list[Program]:
    """Return the program and everything inside it, the outermost first."""
    return [program, *(inner for part in parts(program) for inner in walk(part))]


def weight(program: Program) -> int:
    """Return how many patterns the query of a program has; the set of a superlative stands in it twice."""
    inner = sum(weight(part) for part in parts(program))
    return 2 * inner + 2 if isinstance(program, Superlative) else inner + 1


def entities(program: Program) -> tuple[str, ...]:
    """Return the entities that a program mentions, sorted."""
    return tuple(sorted({part.id for part in walk(program) if isinstance(part, Entity)}))
