"""Programs as SPARQL 1.1: full IRIs and nothing beyond the standard, so that every store reads the same text.

The answer of a program never is an entity that the program mentions, and never a text in another language than
English: both are the benchmark's filters.

`strict` writes superlatives as the benchmark does: one, whose inner query holds the whole program, so that relations
followed after it narrow the comparison; a second one, or counting its members, cannot be written. `repaired` compares
the members of the set it was asked of, whatever comes after, and lets a member that the question names compete.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.graph.programs import (
    Count,
    Entity,
    Intersection,
    Join,
    Superlative,
    entities,
    walk,
)
from agenttuning.environments.worlds.graph.store import QueryRefusedError
from agenttuning.environments.worlds.graph.triples import iri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.graph.programs import Program

Parity = Literal["strict", "repaired"]
"""`strict` keeps every quirk of the benchmark's code that changes a score; `repaired` has none of them."""
_ENGLISH: Final = "FILTER(!isLiteral(?x) || lang(?x) = '' || langMatches(lang(?x), 'en'))"


def answer_query(program: Program, *, parity: Parity) -> str:
    """Return the query whose only column is the program's answer.

    Raises:
        QueryRefusedError: the program has no query.
    """
    if isinstance(program, Count):
        return f"SELECT (COUNT(DISTINCT ?x) AS ?value) WHERE {{ {_body(program.of, parity=parity, counted=True)} }}"
    return f"SELECT DISTINCT ?x WHERE {{ {_body(program, parity=parity)} }}"


def property_query(program: Program, *, parity: Parity) -> str:
    """Return the query whose only column is every property that leads out of the program's members.

    Raises:
        QueryRefusedError: the program has no query.
    """
    if isinstance(program, Entity):
        return f"SELECT DISTINCT ?property WHERE {{ {iri(program.id)} ?property ?object . }}"
    members = f"SELECT DISTINCT ?x WHERE {{ {_body(program, parity=parity)} }}"
    return f"SELECT DISTINCT ?property WHERE {{ ?x ?property ?object . {{ {members} }} }}"


def _body(program: Program, *, parity: Parity, counted: bool = False) -> str:
    inside = walk(program)
    superlatives = sum(isinstance(part, Superlative) for part in inside)
    if any(isinstance(part, Count) for part in inside):
        raise QueryRefusedError("a number has no members")
    if parity == "strict" and superlatives > (0 if counted else 1):
        raise QueryRefusedError("a superlative can neither be counted nor hold another one")
    if parity == "strict" and superlatives:
        return _whole(program, next(part for part in inside if isinstance(part, Superlative)))
    lines = [*_members(program, "?x", count()), _ENGLISH]
    if not isinstance(program, Superlative):
        lines += _others(program)
    return " ".join(lines)


def _others(program: Program) -> list[str]:
    return [f"FILTER(?x != {iri(name)})" for name in entities(program)]


def _members(program: Program, name: str, fresh: Iterator[int]) -> list[str]:
    """Return the patterns that bind a variable to the members of a set."""
    match program:
        case Join(relation, Entity(subject)):
            return [f"{iri(subject)} {iri(relation)} {name} ."]
        case Join(relation, of):
            before = f"?x{next(fresh)}"
            return [_set(of, before, fresh), f"{before} {iri(relation)} {name} ."]
        case Intersection(left, right):
            return [_set(left, name, fresh), _set(right, name, fresh)]
        case Superlative(of, attribute, highest):
            value, rival = f"?value{next(fresh)}", f"?x{next(fresh)}"
            pattern = f"{iri(attribute)} {value} ."
            rivals = f"{_set(of, rival, fresh)} {rival} {pattern}"
            return [_set(of, name, fresh), f"{name} {pattern}", _first(value, rivals, highest=highest)]
        case Entity(subject):
            return [f"VALUES {name} {{ {iri(subject)} }}"]
        case Count():
            raise QueryRefusedError("a number has no members")


def _set(program: Program, name: str, fresh: Iterator[int]) -> str:
    """Return one pattern for a set; each member comes once, or the ways to reach them would multiply."""
    patterns = _members(program, name, fresh)
    if len(patterns) == 1:
        return patterns[0]
    return f"{{ SELECT DISTINCT {name} WHERE {{ {' '.join(patterns)} }} }}"


def _first(value: str, rivals: str, *, highest: bool) -> str:
    order = "DESC" if highest else "ASC"
    return f"{{ SELECT {value} WHERE {{ {rivals} }} ORDER BY {order}({value}) LIMIT 1 }}"


def _whole(program: Program, superlative: Superlative) -> str:
    """Return the benchmark's form: the whole program stands outside and again, with the filters, inside."""
    patterns = " ".join(_flat(program, "?x", count()))
    inside = " ".join([patterns, _ENGLISH, *_others(program)])
    return f"{patterns} {_first('?value', inside, highest=superlative.highest)}"


def _flat(program: Program, name: str, fresh: Iterator[int]) -> list[str]:
    """Return patterns in which the superlative's value is a variable of the whole query."""
    if not any(isinstance(part, Superlative) for part in walk(program)):
        return [_set(program, name, fresh)]
    match program:
        case Superlative(of, attribute):
            return [*_flat(of, name, fresh), f"{name} {iri(attribute)} ?value ."]
        case Join(relation, of):
            before = f"?x{next(fresh)}"
            return [*_flat(of, before, fresh), f"{before} {iri(relation)} {name} ."]
        case Intersection(left, right):
            return [*_flat(left, name, fresh), *_flat(right, name, fresh)]
        case _:
            raise QueryRefusedError("a number has no members")
