"""Seeded questions over generated graphs: chains of one to four relations, sets, superlatives, counts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.graph.actions import gold_calls
from agenttuning.environments.worlds.graph.full_schema import FULL
from agenttuning.environments.worlds.graph.programs import (
    Count,
    Entity,
    Intersection,
    Join,
    Superlative,
    entities,
    parts,
)
from agenttuning.environments.worlds.graph.scene import Scene
from agenttuning.environments.worlds.graph.tiny_schema import TINY
from agenttuning.environments.worlds.graph.wording import question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.graph.programs import Program
    from agenttuning.environments.worlds.graph.triples import Triple

MAX_ANSWERS: Final = 8
_TRIES: Final = 40
"""Programs tried on one graph before another is drawn."""
_PARTNERS: Final = 8
"""Sets tried as the other side of an intersection."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question over one graph."""

    shape: str
    text: str
    entities: Mapping[str, str]
    """Name -> id, in the order of the question."""
    triples: tuple[Triple, ...]
    actions: tuple[str, ...]
    """The gold calls, by id."""
    answer: tuple[str, ...]


def questions(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[Question]:
    """Yield the questions of a split; the same arguments give the same questions."""
    return (_question(difficulty, seed=seed, test=test, index=index) for index in range(count))


def _question(difficulty: Difficulty, *, seed: int, test: bool, index: int) -> Question:
    draw = random.Random(f"graph/{difficulty}/{seed}/{test}/{index}")
    shape = draw.choice(_SHAPES[difficulty])
    while True:
        scene = Scene(TINY if difficulty == "tiny" else FULL, draw, test=test)
        for _ in range(_TRIES):
            program = _MAKERS[shape](scene)
            if program is not None and _sound(program, scene):
                return _worded(shape, program, scene)


def _worded(shape: str, program: Program, scene: Scene) -> Question:
    text = question(program, scene)
    named = sorted(((scene.names[name], name) for name in entities(program)), key=lambda pair: text.index(pair[0]))
    return Question(
        shape=shape,
        text=text,
        entities=dict(named),
        triples=scene.triples,
        actions=gold_calls(program),
        answer=tuple(sorted(scene.graph.answer(program))),
    )


def _chain(scene: Scene, hops: int) -> Program | None:
    """Walk some relations from a thing with a name, never straight back."""
    program: Program = Entity(scene.random.choice(list(scene.names)))
    back = ""
    for _ in range(hops):
        known = sorted((scene.graph.properties(program) & scene.schema.relations.keys()) - {back})
        if not known:
            return None
        relation = scene.random.choice(known)
        program = Join(relation, program)
        back = _inverse(scene, relation)
    return program


def _inverse(scene: Scene, relation: str) -> str:
    for link in scene.schema.links:
        if relation == link.forward.name:
            return link.backward.name
        if relation == link.backward.name:
            return link.forward.name
    return ""


def _both(scene: Scene, left: int, right: int) -> Program | None:
    first = _chain(scene, left)
    if first is None:
        return None
    for _ in range(_PARTNERS):
        second = _chain(scene, right)
        if second is None or set(entities(first)) & set(entities(second)):
            continue
        sets = [scene.graph.seen(program) for program in (first, second)]
        common = sets[0] & sets[1]
        if common and all(len(common) < len(members) for members in sets):
            return Intersection(first, second)
    return None


def _superlative(scene: Scene, program: Program | None) -> Program | None:
    """Compare the members of a set, of which one must be the best."""
    if program is None or len(scene.graph.members(program)) < 2:
        return None
    known = sorted(scene.graph.properties(program) & scene.schema.measure_names.keys())
    if not known:
        return None
    best = Superlative(program, scene.random.choice(known), scene.random.random() < 0.5)
    return best if len(scene.graph.answer(best)) == 1 else None


def _then(scene: Scene, program: Program | None) -> Program | None:
    """Follow one more relation."""
    if program is None:
        return None
    known = sorted(scene.graph.properties(program) & scene.schema.relations.keys())
    return Join(scene.random.choice(known), program) if known else None


def _counted(program: Program | None) -> Program | None:
    return None if program is None else Count(program)


def _sound(program: Program, scene: Scene) -> bool:
    """Say whether the tools show every step, and the answer is neither empty nor long."""
    for part in parts(program):
        if not _shown(part, scene):
            return False
    answer = scene.graph.answer(program)
    return answer.isdisjoint(("0", "1")) and 0 < len(answer) <= MAX_ANSWERS and answer.isdisjoint(entities(program))


def _shown(program: Program, scene: Scene) -> bool:
    if isinstance(program, Entity):
        return True
    if not scene.graph.seen(program):
        return False
    if isinstance(program, Join) and program.relation not in scene.graph.properties(program.of):
        return False
    return all(_shown(part, scene) for part in parts(program))


_MAKERS: Final[Mapping[str, Callable[[Scene], Program | None]]] = {
    "one hop": lambda scene: _chain(scene, 1),
    "two hops": lambda scene: _chain(scene, 2),
    "three hops": lambda scene: _chain(scene, 3),
    "four hops": lambda scene: _chain(scene, 4),
    "count": lambda scene: _counted(_chain(scene, 1)),
    "count after two": lambda scene: _counted(_chain(scene, 2)),
    "superlative": lambda scene: _superlative(scene, _chain(scene, 1)),
    "superlative after two": lambda scene: _superlative(scene, _chain(scene, 2)),
    "both": lambda scene: _both(scene, 1, 1),
    "both after two": lambda scene: _both(scene, 2, 1),
    "both after two each": lambda scene: _both(scene, 2, 2),
    "count of both": lambda scene: _counted(_both(scene, 2, 1)),
    "superlative of both": lambda scene: _superlative(scene, _both(scene, 1, 1)),
    "superlative, then on": lambda scene: _then(scene, _superlative(scene, _chain(scene, 1))),
    "both, then on": lambda scene: _then(scene, _both(scene, 1, 1)),
}
_SHAPES: Final[Mapping[Difficulty, tuple[str, ...]]] = {
    "tiny": ("one hop", "two hops", "count", "superlative"),
    "standard": ("one hop", "two hops", "three hops", "count", "superlative", "both", "both after two"),
    "hard": (
        *("three hops", "four hops", "both after two each", "both, then on", "count after two", "count of both"),
        *("superlative after two", "superlative of both", "superlative, then on"),
    ),
}
