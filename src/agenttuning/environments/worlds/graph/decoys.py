"""Relations that lead away from the answer: the company in which a gold relation is found."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.graph.official_ontology import attribute_type, read_domains, read_ontology
from agenttuning.environments.worlds.graph.triples import date, number

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from agenttuning.environments.worlds.graph.triples import Triple

FEWEST: Final = 20
MOST: Final = 60
"""Decoy relations of one set of things."""
_ATTRIBUTES: Final = 6
_CARRIERS: Final = 12
"""Things of a large set that carry its decoys."""
_STRANGERS: Final = 6
"""Invented things that decoys lead to; each has some relations of its own, to the others."""
_STRANGER_RELATIONS: Final = 10
_ANY: Final = ""


class Decoys:
    """Draws decoys for the sets of one question."""

    def __init__(self, draw: random.Random, folder: Path, *, gold: AbstractSet[str]) -> None:
        self._draw = draw
        self._folder = folder
        self._gold = gold
        self._strangers = [f"m.y{number}" for number in range(_STRANGERS)]

    def around(self, members: AbstractSet[str], types: Sequence[str]) -> set[Triple]:
        """Return decoy relations and attributes of a set, such as things of these types have."""
        relations, attributes = _by_type(self._folder)
        carriers = sorted(members)[:_CARRIERS]
        wanted = self._draw.randint(FEWEST, MOST)
        chosen = self._choose(relations, types, wanted)
        triples = {(self._draw.choice(carriers), name, self._draw.choice(self._strangers)) for name in chosen}
        for name in self._choose(attributes, types[:2], self._draw.randint(2, _ATTRIBUTES)):
            kind = attribute_type(self._folder, name)
            triples |= {(carrier, name, value(kind, self._draw.randint(1, 900))) for carrier in carriers}
        return triples

    def _choose(self, known: dict[str, tuple[str, ...]], types: Sequence[str], wanted: int) -> list[str]:
        """Draw names of the types in turn, then of the first one's subject, until there are enough."""
        chosen: dict[str, None] = {}
        for key in (*types, f"{types[0].partition('.')[0]}.", _ANY):
            if len(chosen) < wanted:
                free = [name for name in known.get(key, ()) if name not in self._gold and name not in chosen]
                chosen.update(dict.fromkeys(self._draw.sample(free, min(len(free), wanted - len(chosen)))))
        return list(chosen)

    def among_strangers(self) -> set[Triple]:
        """Return what leads on from the things that decoys lead to."""
        relations, _ = _by_type(self._folder)
        return {
            (stranger, name, self._draw.choice(self._strangers))
            for stranger in self._strangers
            for name in self._draw.sample(relations[_ANY], min(_STRANGER_RELATIONS, len(relations[_ANY])))
            if name not in self._gold
        }


def value(kind: str, number_: int) -> str:
    """Return a literal of an attribute's type; a greater number gives a greater literal."""
    if kind == "type.datetime":
        return date(f"{1000 + number_:04}-06-15")
    return number(number_ + 0.5 if kind == "type.float" else number_)


@lru_cache(maxsize=4)
def _by_type(folder: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return type, subject, or any -> its relations, and its attributes, each sorted."""
    domains = read_domains(folder)
    ontology = read_ontology(folder, parity="strict")
    tables = []
    for vocabulary in (ontology.relations, ontology.attributes):
        table: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(vocabulary & domains.keys()):
            for key in (domains[name], f"{name.partition('.')[0]}.", _ANY):
                table[key].append(name)
        tables.append({type_: tuple(names) for type_, names in table.items()})
    return tables[0], tables[1]
