"""A small hand-made house that the engine's tests play in."""

from __future__ import annotations

import pytest

from agenttuning.environments.worlds.household.game import Game, Item, Receptacle

KITCHEN = Game(
    kind="pick_heat_then_place",
    task="put a hot mug in cabinet.",
    start=9,
    receptacles=(
        Receptacle(name="cabinet 1", type="cabinet", location=1, openable=True),
        Receptacle(name="countertop 1", type="countertop", location=2),
        Receptacle(name="fridge 1", type="fridge", location=3, openable=True),
        Receptacle(name="microwave 1", type="microwave", location=2, openable=True),
        Receptacle(name="sinkbasin 1", type="sinkbasin", location=4),
        Receptacle(name="sidetable 1", type="sidetable", location=5),
    ),
    items=(
        Item(
            name="apple 1",
            type="apple",
            inside=(1,),
            at=(2,),
            marks=("pickupable", "sliceable", "cleanable", "heatable"),
        ),
        Item(name="desklamp 1", type="desklamp", inside=(5,), at=(5,), marks=("toggleable",)),
        Item(name="knife 1", type="knife", inside=(1,), at=(2,), marks=("pickupable", "cleanable")),
        Item(name="mug 2", type="mug", inside=(2,), at=(3,), marks=("pickupable", "heatable", "coolable", "cleanable")),
        Item(name="mug 1", type="mug", inside=(1,), at=(2,), marks=("pickupable", "heatable", "coolable", "cleanable")),
    ),
    accepts={
        "cabinet": ("mug",),
        "countertop": ("apple", "knife", "mug"),
        "fridge": ("apple", "mug"),
        "microwave": ("apple", "mug"),
        "sinkbasin": ("apple", "knife", "mug"),
    },
    goal="(exists (?r - receptacle) (exists (?o - object) (and (heatable ?o) (objecttype ?o mugtype) "
    "(receptacletype ?r cabinettype) (ishot ?o) (inreceptacle ?o ?r))))",
)


@pytest.fixture
def kitchen() -> Game:
    """Return a kitchen where a hot mug is to be put into the cabinet."""
    return KITCHEN
