"""The laboratory at work: what can be done, what comes of it, and the score.

`actions` maps every valid action to what it does, so that what is valid and what is understood can never differ.
Every action takes one tick of time, `wait` ten; looking costs nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.laboratory import physics, sight
from agenttuning.environments.worlds.laboratory.scene import INVENTORY, Milestone, Thing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agenttuning.environments.worlds.laboratory.scene import Experiment, State

UNKNOWN: Final = "No known action matches that input."
_WAIT_TICKS: Final = 10
_FREE: Final = frozenset({"look around", "inventory", "task"})


class Laboratory:
    """One experiment in progress; nothing is shared between two of them."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        scene = experiment.scene
        self.things: dict[str, Thing] = {thing.name: thing for thing in scene.things}
        self.room = scene.rooms[0]
        self.where: dict[str, str] = {thing.name: thing.where for thing in scene.things}
        self.temperature: dict[str, float] = {thing.name: thing.temperature for thing in scene.things}
        self.closed: set[str] = {thing.name for thing in scene.things if thing.closed}
        self.running: set[str] = {thing.name for thing in scene.things if thing.running}
        self.closed_doors: set[frozenset[str]] = {frozenset(door) for door in scene.doors if scene.doors_closed}
        self.links: list[frozenset[str]] = []
        self.growth: dict[str, int] = {}
        self.measured: dict[str, float] = {}
        self.focused: set[str] = set()
        self.moves = 0
        self.failed = False
        self._reached = 0

    @property
    def score(self) -> int:
        """From 0 to 100, or -100 after a focus on the wrong thing."""
        if self.failed:
            return -100
        return sum(milestone.points for milestone in self.experiment.milestones[: self._reached])

    @property
    def done(self) -> bool:
        """Is the experiment finished, one way or the other."""
        return self.failed or self._reached == len(self.experiment.milestones)

    def act(self, action: str) -> str:
        """Carry an action out and return what is seen of it."""
        effect = self.actions().get(action)
        if effect is None or self.done:
            return UNKNOWN
        said = effect()
        if action not in _FREE:
            self.moves += 1
            physics.tick(self, _WAIT_TICKS if action == "wait" else 1)
        self._advance()
        return said

    def _advance(self) -> None:
        milestones = self.experiment.milestones
        while self._reached < len(milestones) and self._holds(milestones[self._reached]):
            self._reached += 1

    def _holds(self, milestone: Milestone) -> bool:
        name, value = milestone.thing, milestone.value
        match milestone.what:
            case "focus":
                return name in self.focused
            case "inside":
                return self.where.get(name) == value
            case "state":
                return name in self.things and self.has_become(name, value)
            case "lit":
                return physics.lit(self, name)
            case "measured":
                return name in self.measured
            case "exists":
                return name in self.things
            case "running":
                return name in self.running
            case "linked":
                return physics.chained(self, name, value)

    def state(self, name: str) -> State:
        """Return the state of matter of a substance."""
        thing, degrees = self.things[name], self.temperature[name]
        assert thing.melts is not None, f"{name} is no substance"
        if degrees < thing.melts:
            return "solid"
        return "liquid" if degrees < thing.boils else "gas"

    def has_become(self, name: str, state: str) -> bool:
        """Tell whether a substance is in a state; what has boiled has melted too."""
        return self.state(name) == state or (state == "liquid" and self.state(name) == "gas")

    def flows(self, name: str) -> bool:
        """Tell whether a thing is a substance that is poured, not carried."""
        return self.things[name].melts is not None and self.state(name) != "solid"

    def contents(self, place: str) -> list[str]:
        """Return what lies directly in a room, a container or the inventory, in a fixed order."""
        return [name for name, where in self.where.items() if where == place]

    def visible(self, place: str) -> Iterator[str]:
        """Yield what can be seen at a place, through everything that is open."""
        for name in self.contents(place):
            yield name
            if name not in self.closed:
                yield from self.visible(name)

    def look(self) -> str:
        """Describe the room."""
        return sight.room(self)

    def carried(self) -> str:
        """Describe the inventory."""
        return sight.inventory(self)

    def within_reach(self) -> list[str]:
        """Return what the agent can see here, then what it carries."""
        return [*self.visible(self.room), *self.visible(INVENTORY)]

    def neighbours(self, room: str) -> list[str]:
        """Return the rooms behind the doors of a room."""
        pairs = self.experiment.scene.doors
        return [other for pair in pairs if room in pair for other in pair if other != room]

    def actions(self) -> dict[str, Callable[[], str]]:
        """Return every action that is valid now, in a fixed order, with what it does."""
        known: dict[str, Callable[[], str]] = {
            "look around": self.look,
            "inventory": self.carried,
            "task": lambda: self.experiment.goal,
            "wait": lambda: "You decide to wait for 10 iterations.",
            "wait1": lambda: "You decide to wait for 1 iteration.",
        }
        for room in self.neighbours(self.room):
            door = frozenset((self.room, room))
            if door in self.closed_doors:
                known[f"open door to {room}"] = partial(self._open_door, room)
            else:
                known[f"go to {room}"] = partial(self._go, room)
                known[f"close door to {room}"] = partial(self._close_door, room)
        reach = self.within_reach()
        for name in reach:
            known |= self._actions_on(self.things[name])
        known |= {
            action: effect for name in reach for other in reach if name != other
            for action, effect in self._actions_between(self.things[name], self.things[other])
        }  # fmt: skip
        return known

    def _actions_on(self, thing: Thing) -> dict[str, Callable[[], str]]:
        name = thing.name
        known: dict[str, Callable[[], str]] = {
            f"look at {name}": partial(sight.closely, self, name),
            f"focus on {name}": partial(self._focus, name),
        }
        if thing.closed:
            verb = "open" if name in self.closed else "close"
            known[f"{verb} {name}"] = partial(self._set_lid, name, verb)
        if thing.drives is not None:
            verb = "deactivate" if name in self.running else "activate"
            known[f"{verb} {name}"] = partial(self._set_power, name, verb)
        if thing.holds and name not in self.closed:
            known[f"look in {name}"] = partial(sight.closely, self, name)
            known[f"mix {name}"] = partial(self._mix, name)
        if self.where[name] == INVENTORY:
            known[f"put down {name}"] = partial(self._put, name, self.room, f"You put the {name} on the floor.")
        elif self._movable(thing):
            known[f"pick up {name}"] = partial(self._put, name, INVENTORY, f"You pick up the {name}.")
        if any(name in link for link in self.links):
            known[f"disconnect {name}"] = partial(self._disconnect, name)
        return known

    def _actions_between(self, thing: Thing, other: Thing) -> Iterator[tuple[str, Callable[[], str]]]:
        name, target = thing.name, other.name
        if (
            other.holds
            and target not in self.closed
            and self.where[name] != target
            and not self._encloses(name, target)
        ):
            if self.flows(thing.name):
                said = f"You pour the {name} into the {target}."
                yield f"pour {name} into {target}", partial(self._put, name, target, said)
            elif not thing.fixed:
                said = f"You move the {name} to the {target}."
                yield f"move {name} to {target}", partial(self._put, name, target, said)
        if thing.electric and other.electric and self._free_ends(name) and self._free_ends(target):
            yield f"connect {name} to {target}", partial(self._connect, name, target)
        if thing.thermometer:
            yield f"use {name} on {target}", partial(self._measure, name, target)

    def _movable(self, thing: Thing) -> bool:
        return not thing.fixed and not self.flows(thing.name)

    def _encloses(self, outer: str, inner: str) -> bool:
        place = inner
        while place in self.where:
            if place == outer:
                return True
            place = self.where[place]
        return False

    def _free_ends(self, name: str) -> bool:
        return sum(name in link for link in self.links) < 2

    def _go(self, room: str) -> str:
        self.room = room
        return f"You move to the {room}."

    def _open_door(self, room: str) -> str:
        self.closed_doors.discard(frozenset((self.room, room)))
        return "The door is now open."

    def _close_door(self, room: str) -> str:
        self.closed_doors.add(frozenset((self.room, room)))
        return "The door is now closed."

    def _set_lid(self, name: str, verb: str) -> str:
        if verb == "open":
            self.closed.discard(name)
        else:
            self.closed.add(name)
        return f"The {name} is now {'open' if verb == 'open' else 'closed'}."

    def _set_power(self, name: str, verb: str) -> str:
        if verb == "activate":
            self.running.add(name)
        else:
            self.running.discard(name)
        return f"The {name} is now {verb}d."

    def _put(self, name: str, place: str, said: str) -> str:
        self.where[name] = place
        self._drop_links(name)
        return said

    def _focus(self, name: str) -> str:
        self.focused.add(name)
        wanted = {milestone.thing for milestone in self.experiment.milestones if milestone.what == "focus"}
        self.failed = name not in wanted
        return f"You focus on the {name}."

    def _measure(self, name: str, target: str) -> str:
        degrees = self.measured[target] = self.temperature[target]
        return f"The {name} reads {degrees:.0f} degrees celsius."

    def _mix(self, name: str) -> str:
        inside = self.contents(name)
        for recipe in self.experiment.scene.recipes:
            if set(inside) == {recipe.first, recipe.second}:
                base = self.things[recipe.second]
                for gone in inside:
                    self.remove(gone)
                self.add(base.model_copy(update={"name": recipe.product, "where": name}))
                return f"Mixing the contents of the {name} makes {recipe.product}."
        return f"You mix the contents of the {name}; they stay as they are."

    def add(self, thing: Thing) -> None:
        """Put a new thing into the world."""
        self.things[thing.name] = thing
        self.where[thing.name] = thing.where
        self.temperature[thing.name] = thing.temperature

    def remove(self, name: str) -> None:
        """Take a thing out of the world."""
        for table in (self.things, self.where, self.temperature, self.growth):
            table.pop(name, None)

    def _connect(self, name: str, target: str) -> str:
        self.links.append(frozenset((name, target)))
        return f"The {name} is now connected to the {target}."

    def _disconnect(self, name: str) -> str:
        self._drop_links(name)
        return f"The {name} is now disconnected."

    def _drop_links(self, name: str) -> None:
        self.links = [link for link in self.links if name not in link]
