"""An expert who carries out every kind of experiment, one move at a time, by what the laboratory shows.

Where the task does not say in which room things are, the expert looks into one room after another and opens what is
closed; what it has seen it remembers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from agenttuning.environments.worlds.laboratory.scene import INVENTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agenttuning.environments.worlds.laboratory.engine import Laboratory

Moment = Literal[
    "act", "search", "go", "open", "focus", "carry", "start", "wait", "measure", "answer", "wire", "look", "mix", "add",
    "plant",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """One action, and the moment that a thought about it belongs to; no thought for `act`."""

    action: str
    moment: Moment = "act"
    slots: dict[str, str] = field(default_factory=dict)


class Expert:
    """Knows what each kind of experiment needs."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        self._experiment = laboratory.experiment
        self._places = laboratory.experiment.places
        self._seen: set[str] = set()
        """Rooms that were looked at."""

    def plan(self) -> Iterator[Move]:
        """Yield the moves; each is carried out before the next is asked for."""
        kind = self._experiment.kind
        plans: dict[str, Callable[[], Iterator[Move]]] = {
            "find-living": self._find,
            "melt": self._change,
            "boil": self._change,
            "freeze": self._change,
            "measure-temperature": self._measure,
            "power-bulb": self._light,
            "test-conductivity": self._conduct,
            "chemistry-mix": self._mix,
            "grow-plant": self._grow,
            "lifespan-longest": self._lifespan,
            "lifespan-shortest": self._lifespan,
        }
        return plans[kind]()

    def _room_of(self, name: str) -> str:
        place = name
        while place in self._laboratory.where:
            place = self._laboratory.where[place]
        return self._laboratory.room if place == INVENTORY else place

    def _reach(self, name: str, *, sought: str = "") -> Iterator[Move]:
        """Go where a thing is, and open what it is in; look for it where its room is not told.

        Args:
            name: the thing.
            sought: what the task calls it, where the task does not name it.
        """
        if sought or not self._experiment.told:
            yield from self._search(name, sought or f"the {name}")
        yield from self._go(self._room_of(name))
        yield from self._uncover(name)

    def _uncover(self, name: str) -> Iterator[Move]:
        place = self._laboratory.where[name]
        while place in self._laboratory.where:
            if place in self._laboratory.closed:
                yield Move(f"open {place}", "open", {"thing": place})
                yield Move(f"look in {place}")
            place = self._laboratory.where[place]

    def _search(self, name: str, sought: str) -> Iterator[Move]:
        laboratory, rooms = self._laboratory, self._experiment.scene.rooms
        if len(rooms) == 1:
            return
        for room in sorted(rooms, key=lambda other: (other != laboratory.room, rooms.index(other))):
            if self._room_of(name) in self._seen or name in laboratory.within_reach():
                return
            if room in self._seen:
                continue
            yield from self._go(room, sought=sought)
            for place in laboratory.contents(room):
                if place in laboratory.closed and name not in laboratory.within_reach():
                    yield Move(f"open {place}", "open", {"thing": place})
                    yield Move(f"look in {place}")

    def _go(self, room: str, *, sought: str = "") -> Iterator[Move]:
        """Walk through the hallway, opening doors; look around in a room that is new."""
        laboratory = self._laboratory
        here = laboratory.room
        thought: Moment = "search" if sought else "go"
        if room != here:
            between = [] if room in laboratory.neighbours(here) else [self._experiment.scene.rooms[0]]
            for step in [*between, room]:
                if frozenset((laboratory.room, step)) in laboratory.closed_doors:
                    yield Move(f"open door to {step}", thought, {"thing": sought, "room": room})
                    thought = "act"
                yield Move(f"go to {step}", thought, {"thing": sought, "room": room})
                thought = "act"
        if room not in self._seen and len(self._experiment.scene.rooms) > 1 and (room != here or sought):
            self._seen.add(room)
            if room != self._experiment.scene.rooms[0]:
                yield Move("look around")

    def _focus(self, name: str, moment: Moment = "focus", **slots: str) -> Iterator[Move]:
        yield Move(f"focus on {name}", moment, {"thing": name, **slots})

    def _carry(self, name: str, target: str, moment: Moment = "carry") -> Iterator[Move]:
        """Bring a thing, or the vessel that a liquid is in, to a container and put it in."""
        yield from self._reach(name)
        flows = self._laboratory.flows(name)
        carried = self._laboratory.where[name] if flows else name
        slots = {"thing": name, "place": target}
        near = target in self._laboratory.within_reach()
        if (
            not near
            and self._laboratory.where[carried] != INVENTORY
            and f"pick up {carried}" in self._laboratory.actions()
        ):
            yield Move(f"pick up {carried}", moment, slots)
        yield from self._reach(target)
        verb = f"pour {name} into {target}" if flows else f"move {name} to {target}"
        yield Move(verb, moment if near else "act", slots)

    def _find(self) -> Iterator[Move]:
        target, wanted = self._places["target"], self._places["wanted"]
        yield from self._reach(target, sought=wanted)
        yield from self._focus(target, "answer", reason=f"it is {wanted}")
        yield from self._carry(target, self._places["box"])

    def _change(self) -> Iterator[Move]:
        target, carried, device = self._places["target"], self._places["carried"], self._places["device"]
        if target != carried:
            yield from self._reach(target)
            yield from self._focus(target)
        yield from self._carry(carried, device)
        slots = {"thing": target, "device": device, "verb": self._places["verb"]}
        yield Move(f"activate {device}", "start", slots)
        moment: Moment = "wait"
        while not self._laboratory.has_become(target, self._places["state"]):
            yield Move("wait", moment, slots)
            moment = "act"

    def _measure(self) -> Iterator[Move]:
        meter, target, limit = self._places["meter"], self._places["target"], self._places["limit"]
        yield from self._reach(meter)
        yield from self._focus(meter)
        yield Move(f"pick up {meter}")
        yield from self._reach(target)
        yield Move(f"use {meter} on {target}", "measure", {"thing": target})
        degrees = self._laboratory.measured[target]
        answer = self._places["answer"]
        compared = f"{degrees:.0f} degrees is {'above' if degrees > float(limit) else 'below'} {limit}"
        yield from self._reach(answer)
        yield from self._focus(answer, "answer", reason=compared)

    def _wire(self, *parts: str) -> Iterator[Move]:
        moment: Moment = "wire"
        for one, other in zip(parts, (*parts[1:], parts[0]), strict=True):
            yield Move(f"connect {one} to {other}", moment, {"thing": parts[-1]})
            moment = "act"

    def _light(self) -> Iterator[Move]:
        bulb = self._places["bulb"]
        yield from self._reach(bulb)
        yield from self._focus(bulb)
        yield from self._wire(self._places["battery"], self._places["first"], bulb, self._places["second"])

    def _conduct(self) -> Iterator[Move]:
        target, bulb = self._places["target"], self._places["bulb"]
        yield from self._reach(target)
        yield from self._focus(target)
        yield Move(f"pick up {target}")
        yield from self._reach(bulb)
        battery, wires = self._places["battery"], [self._places[name] for name in ("first", "second", "third")]
        yield from self._wire(battery, wires[0], target, wires[1], bulb, wires[2])
        yield Move(f"look at {bulb}", "look", {"thing": bulb})
        shines = self._laboratory.things[target].conducts
        answer = self._places["yes" if shines else "no"]
        reason = f"the {bulb} is {'on, so the' if shines else 'off, so no'} current goes through the {target}"
        yield from self._reach(answer)
        yield from self._focus(answer, "answer", reason=reason)

    def _mix(self) -> Iterator[Move]:
        bowl, product = self._places["bowl"], self._places["product"]
        for name in (self._places["first"], self._places["second"]):
            yield from self._carry(name, bowl, "add")
        yield Move(f"mix {bowl}", "mix", {"thing": product, "place": bowl})
        yield from self._focus(product, "answer", reason="it is made")

    def _grow(self) -> Iterator[Move]:
        pot, seed, species = self._places["pot"], self._places["seed"], self._places["species"]
        for name in ("soil", seed, "water"):
            yield from self._carry(name, pot, "plant")
        moment: Moment = "wait"
        while (flower := f"flowering {species}") not in self._laboratory.things:
            yield Move("wait", moment, {"thing": species})
            yield Move(f"look in {pot}")
            moment = "act"
        yield from self._focus(flower, "answer", reason="it flowers now")

    def _lifespan(self) -> Iterator[Move]:
        target, extreme = self._places["target"], self._places["extreme"]
        yield from self._reach(target, sought="" if self._experiment.told else "the animals")
        verb = "live longest" if extreme == "longest" else "live shortest"
        yield from self._focus(target, "answer", reason=f"of these animals it {verb.replace('live', 'lives')}")
