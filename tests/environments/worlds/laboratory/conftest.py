"""A small hand-made laboratory that the engine's tests work in."""

from __future__ import annotations

import pytest

from agenttuning.environments.worlds.laboratory.engine import Laboratory
from agenttuning.environments.worlds.laboratory.scene import Experiment, Milestone, Recipe, Scene, Thing

SCENE = Scene(
    rooms=("kitchen", "hallway", "cellar"),
    doors=(("kitchen", "hallway"), ("hallway", "cellar")),
    things=(
        Thing(name="stove", where="kitchen", fixed=True, holds=True, drives=300.0),
        Thing(name="freezer", where="kitchen", fixed=True, holds=True, drives=-40.0, running=True),
        Thing(name="cup", where="kitchen", holds=True),
        Thing(name="water", where="cup", melts=0.0, boils=100.0),
        Thing(name="jar", where="cupboard", holds=True),
        Thing(name="cupboard", where="kitchen", fixed=True, holds=True, closed=True),
        Thing(name="salt", where="jar", melts=800.0),
        Thing(name="thermometer", where="kitchen", thermometer=True),
        Thing(name="battery", where="cellar", electric="battery"),
        Thing(name="bulb", where="cellar", electric="bulb"),
        Thing(name="wire", where="cellar", electric="wire"),
        Thing(name="comb", where="cellar", electric="part", conducts=False),
        Thing(name="pot", where="cellar", holds=True),
        Thing(name="soil", where="cellar", melts=1500.0),
        Thing(name="pea seed", where="cellar", life="plant", species="pea"),
    ),
    recipes=(Recipe(first="salt", second="water", product="salt water"),),
)


@pytest.fixture
def laboratory() -> Laboratory:
    milestones = (
        Milestone(what="focus", thing="water", points=30),
        Milestone(what="state", thing="water", value="gas", points=70),
    )
    goal = "Your task is to boil the water. First focus on it."
    return Laboratory(Experiment(kind="boil", goal=goal, scene=SCENE, milestones=milestones))
