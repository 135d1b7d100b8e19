"""One generated graph: things with names, relations in both directions, measures."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import TYPE_CHECKING

from agenttuning.core.records import digest
from agenttuning.environments.worlds.graph.evaluation import Graph
from agenttuning.environments.worlds.graph.names import draw
from agenttuning.environments.worlds.graph.triples import date, number

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.graph.schema import Kind, Link, Measure, Schema
    from agenttuning.environments.worlds.graph.triples import Triple


class Scene:
    """A drawn graph; `test` decides which names may stand in it."""

    def __init__(self, schema: Schema, random: random.Random, *, test: bool) -> None:
        self.schema, self.random, self.test = schema, random, test
        self.names: dict[str, str] = {}
        """Id -> name, for the things that have one."""
        self._by_type: defaultdict[str, list[str]] = defaultdict(list)
        self._taken: set[str] = set()
        for kind in schema.kinds:
            self._by_type[kind.type] = self._things(kind)
        triples = {triple for link in schema.links for triple in self._linked(link)}
        triples.update(triple for measure in schema.measures for triple in self._measured(measure))
        self.triples = tuple(sorted(triples))
        self.graph = Graph(self.triples)

    def _things(self, kind: Kind) -> list[str]:
        made = []
        for _ in range(self.random.randint(kind.few, kind.many)):
            name = draw(kind.name or "product", self.random, test=self.test, taken=self._taken)
            self._taken.add(name)
            made.append(f"m.{digest(f'{kind.type}/{name}')}")
            if kind.name is not None:
                self.names[made[-1]] = name
        return made

    def _linked(self, link: Link) -> list[Triple]:
        triples: list[Triple] = []
        for subject in self._by_type[link.forward.domain]:
            others = [thing for thing in self._by_type[link.forward.range] if thing != subject]
            count = min(self.random.randint(link.low, link.high), len(others))
            for value in self.random.sample(others, count):
                triples += [(subject, link.forward.name, value), (value, link.backward.name, subject)]
        return triples

    def _measured(self, measure: Measure) -> list[Triple]:
        return [(subject, measure.name, self._value(measure)) for subject in self._by_type[measure.domain]]

    def _value(self, measure: Measure) -> str:
        whole = self.random.randint(measure.low, measure.high)
        match measure.kind:
            case "integer":
                return number(whole)
            case "decimal":
                return number(whole + self.random.randint(1, 9) / 10)
            case "date":
                day = datetime.date(whole, 1, 1) + datetime.timedelta(days=self.random.randrange(365))
                return date(day.isoformat())
