"""What the agent is shown: the room, one thing from near, what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.laboratory import physics
from agenttuning.environments.worlds.laboratory.scene import INVENTORY

if TYPE_CHECKING:
    from agenttuning.environments.worlds.laboratory.engine import Laboratory


def room(laboratory: Laboratory) -> str:
    """Describe the room and its doors."""
    seen = _listing(laboratory, laboratory.room)
    here = f"You are in the {laboratory.room}. You see: {seen}."
    doors = [
        f"{other} ({'closed' if frozenset((laboratory.room, other)) in laboratory.closed_doors else 'open'})"
        for other in laboratory.neighbours(laboratory.room)
    ]
    return f"{here} Doors lead to: {', '.join(doors)}." if doors else here


def inventory(laboratory: Laboratory) -> str:
    """Describe what is carried."""
    return f"You carry: {_listing(laboratory, INVENTORY)}."


def closely(laboratory: Laboratory, name: str) -> str:
    """Describe one thing."""
    return f"You see {_described(laboratory, name)}."


def _listing(laboratory: Laboratory, place: str) -> str:
    return ", ".join(_described(laboratory, name) for name in laboratory.contents(place)) or "nothing"


def _described(laboratory: Laboratory, name: str) -> str:
    thing = laboratory.things[name]
    marks: list[str] = []
    if thing.melts is not None:
        marks.append(laboratory.state(name))
    if thing.drives is not None:
        marks.append("on" if name in laboratory.running else "off")
    if thing.electric == "bulb":
        marks.append("on" if physics.lit(laboratory, name) else "off")
    if name in laboratory.closed:
        marks.append("closed")
    elif thing.holds and laboratory.contents(name):
        marks.append(f"holding {_listing(laboratory, name)}")
    label = name if thing.melts is not None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return f"{label} ({', '.join(marks)})" if marks else label
