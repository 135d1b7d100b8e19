"""What can be done in a laboratory, and what comes of it."""

from __future__ import annotations

import random

import pytest

from agenttuning.environments.worlds.laboratory.engine import UNKNOWN, Laboratory
from agenttuning.environments.worlds.laboratory.generator import draw_experiment


def do(laboratory: Laboratory, *actions: str) -> str:
    said = ""
    for action in actions:
        said = laboratory.act(action)
        assert said != UNKNOWN, action
    return said


def test_a_room_is_described_with_all_that_is_open(laboratory: Laboratory) -> None:
    assert laboratory.act("look around") == (
        "You are in the kitchen. You see: a stove (off), a freezer (on), a cup (holding water (liquid)), "
        "a cupboard (closed), a thermometer. Doors lead to: hallway (open)."
    )
    assert laboratory.act("inventory") == "You carry: nothing."
    assert laboratory.act("task") == "Your task is to boil the water. First focus on it."
    assert laboratory.moves == 0


def test_what_is_closed_hides_its_contents(laboratory: Laboratory) -> None:
    assert "look at jar" not in laboratory.actions()
    assert (
        do(laboratory, "open cupboard", "look in cupboard")
        == "You see a cupboard (holding a jar (holding salt (solid)))."
    )
    assert do(laboratory, "close cupboard", "look around").count("salt") == 0
    assert laboratory.act("look at salt") == UNKNOWN


def test_boiling_water_wins_once_it_was_focused_on(laboratory: Laboratory) -> None:
    do(laboratory, "move cup to stove", "activate stove", "wait")
    assert laboratory.state("water") == "gas"
    assert (laboratory.score, laboratory.done) == (0, False)
    do(laboratory, "focus on water")
    assert (laboratory.score, laboratory.done) == (100, True)
    assert laboratory.act("wait") == UNKNOWN


def test_heat_comes_from_devices_that_are_on_and_goes_slowly_into_the_air(laboratory: Laboratory) -> None:
    do(laboratory, "move cup to stove", "wait1")
    assert laboratory.temperature["water"] == pytest.approx(20.0)
    do(laboratory, "activate stove", "wait1", "deactivate stove")
    hot = laboratory.temperature["water"]
    assert 100 < hot < 300
    do(laboratory, "wait")
    assert 20 < laboratory.temperature["water"] < hot
    do(laboratory, "move cup to freezer", "wait", "wait")
    assert laboratory.state("water") == "solid"
    assert do(laboratory, "use thermometer on water").endswith("degrees celsius.")


def test_a_wrong_focus_ends_the_experiment(laboratory: Laboratory) -> None:
    do(laboratory, "focus on stove")
    assert (laboratory.score, laboratory.done) == (-100, True)


def test_liquids_are_poured_and_solids_are_moved(laboratory: Laboratory) -> None:
    do(laboratory, "open cupboard")
    actions = laboratory.actions()
    assert "pour water into jar" in actions
    assert "move water to jar" not in actions
    assert "pick up water" not in actions
    assert "move salt to cup" in actions
    assert "move stove to cup" not in actions
    assert "move cup to cup" not in actions


def test_a_vessel_cannot_go_into_what_it_holds(laboratory: Laboratory) -> None:
    do(laboratory, "open cupboard", "move jar to cup")
    assert "move cup to jar" not in laboratory.actions()
    do(laboratory, "pick up cup", "go to hallway")
    assert laboratory.act("inventory") == "You carry: a cup (holding water (liquid), a jar (holding salt (solid)))."


def test_mixing_follows_the_recipe_and_nothing_else(laboratory: Laboratory) -> None:
    assert do(laboratory, "mix cup").endswith("they stay as they are.")
    said = do(laboratory, "open cupboard", "move salt to cup", "mix cup")
    assert said == "Mixing the contents of the cup makes salt water."
    assert laboratory.contents("cup") == ["salt water"]
    assert "water" not in laboratory.things


def test_a_bulb_shines_in_a_closed_circle_that_conducts(laboratory: Laboratory) -> None:
    do(laboratory, "go to hallway", "go to cellar", "connect battery to wire", "connect wire to bulb")
    assert do(laboratory, "look at bulb") == "You see a bulb (off)."
    do(laboratory, "connect bulb to battery")
    assert do(laboratory, "look at bulb") == "You see a bulb (on)."
    assert "connect battery to comb" not in laboratory.actions()
    do(laboratory, "disconnect bulb", "connect bulb to comb", "connect bulb to wire", "connect comb to battery")
    assert do(laboratory, "look at bulb") == "You see a bulb (off)."
    do(laboratory, "disconnect comb", "connect bulb to battery")
    assert do(laboratory, "look at bulb") == "You see a bulb (on)."
    do(laboratory, "pick up wire")
    assert laboratory.links == [frozenset(("bulb", "battery"))]


def test_a_seed_grows_in_soil_with_water_only(laboratory: Laboratory) -> None:
    do(
        laboratory,
        "pick up cup",
        "go to hallway",
        "go to cellar",
        "move pea seed to pot",
        "pour water into pot",
        "wait",
    )
    assert "pea seed" in laboratory.things
    do(laboratory, "move soil to pot", "wait")
    assert do(laboratory, "look in pot") == "You see a pot (holding water (liquid), soil (solid), a pea seedling)."
    do(laboratory, "wait")
    assert "flowering pea" in laboratory.contents("pot")
    assert "pea seedling" not in laboratory.things


def test_closed_doors_are_opened_first() -> None:
    laboratory = Laboratory(draw_experiment(0, split="train", difficulty="hard", seed=0))
    room = laboratory.neighbours("hallway")[0]
    assert laboratory.act(f"go to {room}") == UNKNOWN
    do(laboratory, f"open door to {room}", f"go to {room}", "close door to hallway")
    assert "hallway (closed)" in laboratory.look()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_done_every_valid_action_works_and_the_score_stays_in_its_bounds(seed: int) -> None:
    stream = random.Random(seed)
    laboratory = Laboratory(draw_experiment(seed, split="train", difficulty="hard", seed=seed))
    best = 0
    for _ in range(60):
        actions = [action for action in laboratory.actions() if not action.startswith("focus")]
        before = laboratory.moves
        do(laboratory, stream.choice(actions))
        assert laboratory.moves - before in (0, 1)
        assert best <= laboratory.score <= 100
        best = laboratory.score
        carried = set(laboratory.visible("inventory"))
        assert carried <= set(laboratory.within_reach())
        if laboratory.done:
            break
