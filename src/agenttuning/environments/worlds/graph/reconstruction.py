"""A small graph for one official question, rebuilt from its gold calls where no Freebase is at hand.

Going backwards from the gold answer, every call gets the triples that it needs: invented things in between, one more
thing on each side of an intersection, rivals for a superlative, as many things as a count says. Every set then gets
decoy relations of its own type, so that the gold relation is one of many. Seeded; the same for the same question.

What is measured on such a graph is labelled so: it is no AgentBench KG score.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.graph.actions import gold_programs
from agenttuning.environments.worlds.graph.decoys import Decoys, value
from agenttuning.environments.worlds.graph.official_ontology import attribute_type, read_domains, read_ontology
from agenttuning.environments.worlds.graph.programs import Count, Entity, Intersection, Join, Superlative, walk
from agenttuning.environments.worlds.graph.triples import literal_text, text_term

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.environments.worlds.graph.official import OfficialQuestion
    from agenttuning.environments.worlds.graph.programs import Program
    from agenttuning.environments.worlds.graph.triples import Triple

MAX_COUNT: Final = 2_000
"""Things made for a count; the largest in the data is 133."""


def rebuild(question: OfficialQuestion, *, folder: Path, seed: int = 0) -> tuple[Triple, ...]:
    """Return the triples on which the gold calls of a question give its gold answer.

    Raises:
        DataError: the gold calls cannot be read, or the tables of the vocabulary.
    """
    draw = random.Random(f"{seed}/{question.file}/{question.index}")
    programs = gold_programs(question.actions)
    builder = _Builder(draw, folder)
    builder.require(programs[-1], {text_term(value) for value in question.answer})
    inside = set(walk(programs[-1]))
    for program in programs[:-1]:
        if program not in inside:
            builder.require(program, {builder.thing()})
    return builder.finish(programs)


class _Builder:
    def __init__(self, draw: random.Random, folder: Path) -> None:
        self._draw = draw
        self._folder = folder
        self._ranges = read_ontology(folder, parity="repaired").ranges
        self._domains = read_domains(folder)
        self._triples: set[Triple] = set()
        self._members: defaultdict[Program, set[str]] = defaultdict(set)
        self._made = 0

    def thing(self) -> str:
        """Invent a thing."""
        self._made += 1
        return f"m.x{self._made}"

    def require(self, program: Program, targets: set[str]) -> None:
        """Make `targets` members of a set, and as little else as the kind of set allows."""
        known = self._members[program]
        known |= targets
        match program:
            case Entity():
                return
            case Join(relation, Entity(subject) as of):
                self._members[of].add(subject)
                self._triples |= {(subject, relation, target) for target in targets}
            case Join(relation, of):
                between = sorted(self._members[of])
                if not between:
                    between = [self.thing() for _ in range(self._draw.randint(1, min(3, len(targets) or 1)))]
                    self.require(of, set(between))
                for place, target in enumerate(sorted(targets)):
                    self._triples.add((between[place % len(between)], relation, target))
            case Intersection(left, right):
                self.require(left, targets | {self.thing()})
                self.require(right, targets | {self.thing()})
            case Superlative(of):
                rivals = {self.thing() for _ in range(self._draw.randint(1, 3))}
                self.require(of, targets | rivals)
                self._rank(program, targets, rivals)
            case Count(of):
                self._count(of, targets)

    def _count(self, of: Program, targets: set[str]) -> None:
        said = literal_text(next(iter(targets), ""))
        wanted = min(int(said), MAX_COUNT) if said.isdecimal() else 1
        self.require(of, {self.thing() for _ in range(wanted - len(self._members[of]))})

    def _rank(self, program: Superlative, best: set[str], rivals: set[str]) -> None:
        sign = -1 if program.highest else 1
        top = self._draw.randint(400, 600)
        kind = attribute_type(self._folder, program.attribute)
        for member in sorted(best | rivals):
            place = top if member in best else top + sign * self._draw.randint(1, 300)
            self._triples.add((member, program.attribute, value(kind, place)))

    def finish(self, programs: Sequence[Program]) -> tuple[Triple, ...]:
        """Add the decoys; return all triples, sorted."""
        parts = [part for program in programs for part in walk(program)]
        gold = {part.relation for part in parts if isinstance(part, Join)}
        gold |= {part.attribute for part in parts if isinstance(part, Superlative)}
        decoys = Decoys(self._draw, self._folder, gold=gold)
        self._triples |= decoys.among_strangers()
        for program, members in self._members.items():
            types = self._types(program, parts)
            if types and members:
                self._triples |= decoys.around(members, types)
        return tuple(sorted(self._triples))

    def _types(self, program: Program, parts: Sequence[Program]) -> list[str]:
        """Return the types of a set: what its next relations belong to, then what led there."""
        used = [part.relation for part in parts if isinstance(part, Join) and part.of == program]
        types = [self._domains[relation] for relation in used if relation in self._domains]
        if isinstance(program, Join) and program.relation in self._ranges:
            types.append(self._ranges[program.relation])
        return list(dict.fromkeys(types))
