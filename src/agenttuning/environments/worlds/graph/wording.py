"""Programs in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.graph.programs import Count, Entity, Intersection, Join, Superlative

if TYPE_CHECKING:
    from agenttuning.environments.worlds.graph.programs import Program
    from agenttuning.environments.worlds.graph.scene import Scene


def question(program: Program, scene: Scene) -> str:
    """Ask for the answer of a program."""
    random = scene.random
    match program:
        case Count(Join() as of):
            text = _joined(of, scene, several=True)
            return random.choice((f"How many {text} are there?", f"What is the number of {text}?"))
        case Count(of):
            return f"How many things are {_inside(of, scene)}?"
        case Superlative(of):
            return f"Which of {phrase(of, scene)} {_extreme(program, scene)}?"
        case Intersection():
            return f"What is {_inside(program, scene)}?"
        case _:
            text = phrase(program, scene)
            if len(scene.graph.seen(program)) > 1:
                return random.choice((f"What are {text}?", f"Name {text}.", f"Find {text}."))
            return random.choice((f"What is {text}?", f"Name {text}.", f"Find {text}."))


def phrase(program: Program, scene: Scene) -> str:
    """Name the members of a set."""
    match program:
        case Entity(name):
            return scene.names[name]
        case Join():
            return f"the {_joined(program, scene, several=len(scene.graph.members(program)) > 1)}"
        case Superlative(of):
            return f"whichever of {phrase(of, scene)} {_extreme(program, scene)}"
        case _:
            return f"whatever is {_inside(program, scene)}"


def _joined(program: Join, scene: Scene, *, several: bool) -> str:
    said = scene.random.choice(scene.schema.relations[program.relation].wordings)
    return (said.several if several else said.one).format(x=phrase(program.of, scene))


def _extreme(program: Superlative, scene: Scene) -> str:
    measure = scene.schema.measure_names[program.attribute]
    return measure.highest if program.highest else measure.lowest


def _inside(program: Program, scene: Scene) -> str:
    match program:
        case Intersection(left, right):
            return f"both among {phrase(left, scene)} and among {phrase(right, scene)}"
        case _:
            return f"among {phrase(program, scene)}"
