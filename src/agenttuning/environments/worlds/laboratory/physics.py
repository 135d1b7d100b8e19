"""What happens by itself: warmth spreads, seeds grow, currents flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.laboratory.scene import ROOM_TEMPERATURE, Thing

if TYPE_CHECKING:
    from agenttuning.environments.worlds.laboratory.engine import Laboratory

_DEVICE_RATE: Final = 0.2
"""Share of the difference to a running device's temperature that is made up in one tick."""
_AIR_RATE: Final = 0.01
_SPROUTS: Final = 8
_BLOOMS: Final = 20
"""Ticks of growth, in soil and with water."""


def tick(laboratory: Laboratory, ticks: int) -> None:
    """Let time pass."""
    for _ in range(ticks):
        for name in list(laboratory.things):
            goal, rate = _surroundings(laboratory, name)
            laboratory.temperature[name] += (goal - laboratory.temperature[name]) * rate
        for thing in [thing for thing in laboratory.things.values() if thing.species]:
            _grow(laboratory, thing)


def _surroundings(laboratory: Laboratory, name: str) -> tuple[float, float]:
    """Return the temperature around a thing and how fast it takes effect."""
    place = laboratory.where[name]
    while place in laboratory.things:
        drives = laboratory.things[place].drives
        if drives is not None and place in laboratory.running:
            return drives, _DEVICE_RATE
        place = laboratory.where[place]
    return ROOM_TEMPERATURE, _AIR_RATE


def _grow(laboratory: Laboratory, plant: Thing) -> None:
    """Let a seed or a young plant grow while soil and water are in its pot; it changes its name as it does."""
    beside = laboratory.contents(laboratory.where[plant.name])
    if "soil" not in beside or "water" not in beside:
        return
    age = laboratory.growth[plant.name] = laboratory.growth.get(plant.name, 0) + 1
    if age not in (_SPROUTS, _BLOOMS):
        return
    blooms = age == _BLOOMS
    grown = plant.model_copy(
        update={
            "name": f"flowering {plant.species}" if blooms else f"{plant.species} seedling",
            "where": laboratory.where[plant.name],
            "species": "" if blooms else plant.species,
            "life": "plant",
        }
    )
    laboratory.remove(plant.name)
    laboratory.add(grown)
    laboratory.growth[grown.name] = age


def chain(laboratory: Laboratory, name: str) -> tuple[list[str], bool]:
    """Return the electric things from one on, as far as they are connected, and whether they close a circle."""
    passed: list[str] = [name]
    links = list(laboratory.links)
    while True:
        link = next((link for link in links if passed[-1] in link), None)
        if link is None:
            return passed, False
        links.remove(link)
        (other,) = link - {passed[-1]}
        if other == name:
            return passed, True
        passed.append(other)


def lit(laboratory: Laboratory, name: str) -> bool:
    """Tell whether a bulb is part of a closed circle with a battery in which everything conducts."""
    passed, closed = chain(laboratory, name)
    things = [laboratory.things[part] for part in passed]
    return closed and all(thing.conducts for thing in things) and any(thing.electric == "battery" for thing in things)


def chained(laboratory: Laboratory, name: str, other: str) -> bool:
    """Tell whether two things are part of one closed circle."""
    passed, closed = chain(laboratory, name)
    return closed and other in passed
