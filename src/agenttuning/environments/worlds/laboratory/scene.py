"""What a laboratory experiment is made of: plain, frozen records that a task carries and a `Laboratory` plays."""

from __future__ import annotations

from typing import Literal

from agenttuning.core.records import Record

ROOM_TEMPERATURE = 20.0
"""Degrees Celsius of the air, and of everything that has no other temperature."""
INVENTORY = "inventory"
"""Where a thing is that the agent carries."""

State = Literal["solid", "liquid", "gas"]


class Thing(Record):
    """Anything that can be seen; its name is unique in a scene."""

    name: str
    where: str
    """A room, a container, or `inventory`."""
    fixed: bool = False
    """Cannot be carried or moved."""
    holds: bool = False
    """Other things go into it."""
    closed: bool = False
    """A container that must be opened before its contents are seen."""
    life: Literal["", "animal", "plant"] = ""
    years: float | None = None
    """Typical life span, for what lives."""
    melts: float | None = None
    """Melting point in degrees Celsius; what has one is a substance."""
    boils: float = 5000.0
    """Boiling point in degrees Celsius, of a substance."""
    temperature: float = ROOM_TEMPERATURE
    drives: float | None = None
    """The temperature that a device brings its contents to while it is on."""
    running: bool = False
    """A device that is on from the beginning."""
    electric: Literal["", "battery", "bulb", "wire", "part"] = ""
    """What has two ends to connect."""
    conducts: bool = True
    """Lets a current through, for what is electric."""
    species: str = ""
    """The plant that grows from it, for a seed."""
    thermometer: bool = False


class Recipe(Record):
    """Two substances that become a third when their container is mixed."""

    first: str
    second: str
    product: str


class Scene(Record):
    """The world before the first action."""

    rooms: tuple[str, ...]
    """The first is where the agent stands."""
    doors: tuple[tuple[str, str], ...] = ()
    """Pairs of rooms."""
    doors_closed: bool = False
    things: tuple[Thing, ...]
    recipes: tuple[Recipe, ...] = ()


Happening = Literal["focus", "inside", "state", "lit", "measured", "exists", "running", "linked"]


class Milestone(Record):
    """Something worth points once; milestones are reached in their order."""

    what: Happening
    thing: str
    value: str = ""
    """A container for `inside`, a state for `state`, another electric thing for `linked`."""
    points: int


class Experiment(Record):
    """One task: what is to be done, where, and what is worth how much."""

    kind: str
    goal: str
    """The sentences that tell the agent its task."""
    scene: Scene
    milestones: tuple[Milestone, ...]
    """Their points add up to 100."""
    places: dict[str, str] = {}
    """Roles of the things that matter, such as `target`, `device`, `box`."""
    told: bool = True
    """Does the task text say in which room the things are."""
