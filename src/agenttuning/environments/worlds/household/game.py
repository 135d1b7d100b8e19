"""A household game as one frozen record: official files are compiled into it, our generator draws it."""

from __future__ import annotations

from typing import Literal

from agenttuning.core.records import Record

Dialect = Literal["agentbench", "alfworld-0.4"]
"""How the world speaks: as in AgentBench and AgentInstruct (`put a in/on b`), or as in the games distributed now."""

Kind = Literal[
    "pick_and_place",
    "pick_clean_then_place",
    "pick_heat_then_place",
    "pick_cool_then_place",
    "look_at_obj",
    "pick_two_obj",
]
"""The six task types, by AgentBench's names."""

KINDS: tuple[Kind, ...] = (
    "pick_and_place",
    "pick_clean_then_place",
    "pick_heat_then_place",
    "pick_cool_then_place",
    "look_at_obj",
    "pick_two_obj",
)


class Receptacle(Record):
    """A place that things are in or on."""

    name: str
    type: str
    """Lower-cased PDDL type without its `Type`, such as `sinkbasin`."""
    location: int | None
    """Number of the location it stands at."""
    openable: bool = False
    opened: bool = False


class Item(Record):
    """A thing."""

    name: str
    type: str
    inside: tuple[int, ...] = ()
    """Indices of the receptacles it is in or on; released games have things in two."""
    at: tuple[int, ...] = ()
    """Numbers of the locations it is at."""
    marks: tuple[str, ...] = ()
    """Lower-cased unary predicates that hold at the start: `pickupable`, `cleanable`, `iscool` ..."""


class Game(Record):
    """Everything that an episode needs. Receptacles and items stand in the order in which texts list them."""

    kind: Kind
    task: str
    """What is asked, as the world says it after `Your task is to: `."""
    start: int
    """Number of the location where the agent stands at first."""
    receptacles: tuple[Receptacle, ...]
    items: tuple[Item, ...]
    accepts: dict[str, tuple[str, ...]]
    """For each receptacle type the item types that may be put there."""
    goal: str
    """PDDL formula; an entity named in it is written `item:3` or `receptacle:0`."""
    walkthrough: tuple[str, ...] = ()
    """Winning commands in the dialect of `agentbench`; empty where none is known."""
    native: Dialect = "agentbench"
    """The dialect that the source file speaks."""
