"""A scene while it is being drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Record
from agenttuning.environments.worlds.laboratory import catalogue
from agenttuning.environments.worlds.laboratory.scene import Experiment, Milestone, Recipe, Scene, Thing

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from agenttuning.core.records import Difficulty


class Size(Record):
    """How large a scene is."""

    rooms: int
    distractors: int
    closed: bool
    """Doors are closed, and some things are in closed cupboards."""
    told: bool
    """The task text says in which rooms the things are."""


SIZES: Final[dict[Difficulty, Size]] = {
    "tiny": Size(rooms=1, distractors=1, closed=False, told=False),
    "standard": Size(rooms=4, distractors=4, closed=False, told=True),
    "hard": Size(rooms=6, distractors=8, closed=True, told=False),
}


class Draft:
    """Rooms around a hallway, and what has been put into them so far."""

    def __init__(self, stream: random.Random, size: Size) -> None:
        self.stream = stream
        self.size = size
        self.rooms = stream.sample(catalogue.ROOMS, size.rooms)
        self.things: dict[str, Thing] = {}
        self.recipes: list[Recipe] = []

    @property
    def small(self) -> bool:
        """Is there only one room."""
        return self.size.rooms == 1

    def put(self, name: str, where: str | None = None, **properties: object) -> Thing:
        """Put a thing somewhere, into any room by default."""
        assert name not in self.things, f"{name} is there already"
        place = where if where is not None else self.stream.choice(self.rooms)
        if where is None and self.size.closed and not properties.get("fixed") and self.stream.random() < 0.3:
            place = self._chest_in(place)
        thing = Thing.model_validate({"name": name, "where": place, **properties})
        self.things[name] = thing
        return thing

    def _chest_in(self, room: str) -> str:
        found = [thing.name for thing in self.things.values() if thing.where == room and thing.closed]
        if found:
            return found[0]
        name = self.fresh(catalogue.CHESTS)
        return self.put(name, room, holds=True, fixed=True, closed=True).name

    def fresh(self, nouns: Sequence[str], *, coloured: bool = True) -> str:
        """Return a name that nothing in the scene has: a colour and one of the nouns."""
        while True:
            noun = self.stream.choice(nouns)
            name = f"{self.stream.choice(catalogue.COLOURS)} {noun}" if coloured else noun
            if name not in self.things:
                return name

    def vessel(self, where: str | None = None) -> str:
        """Put an empty vessel somewhere and return its name."""
        return self.put(self.fresh(catalogue.VESSELS), where, holds=True).name

    def box(self) -> str:
        """Put a box somewhere and return its name."""
        return self.put(self.fresh(("box",)), self.stream.choice(self.rooms), holds=True, fixed=True).name

    def room_of(self, name: str) -> str:
        """Return the room that a thing is in."""
        place = name
        while place in self.things:
            place = self.things[place].where
        return place

    def told(self, name: str) -> str:
        """Name a thing, with its room where the agent is told it."""
        return f"the {name} in the {self.room_of(name)}" if self.size.told else f"the {name}"

    def finish(self, kind: str, goal: str, milestones: Sequence[Milestone], **places: str) -> Experiment:
        """Scatter what has nothing to do with the task, and close the draft."""
        for _ in range(self.size.distractors):
            self.put(self.fresh(catalogue.OBJECTS))
        things = list(self.things.values())
        self.stream.shuffle(things)
        hall = () if self.small else ("hallway",)
        scene = Scene(
            rooms=(*hall, *self.rooms),
            doors=tuple(("hallway", room) for room in self.rooms) if hall else (),
            doors_closed=self.size.closed,
            things=tuple(things),
            recipes=tuple(self.recipes),
        )
        return Experiment(
            kind=kind,
            goal=f"Your task is to {goal}",
            scene=scene,
            milestones=tuple(milestones),
            places=places,
            told=self.size.told or self.small,
        )
