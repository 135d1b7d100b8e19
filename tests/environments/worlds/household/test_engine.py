from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.household.engine import UNKNOWN, House
from agenttuning.environments.worlds.household.generator import draw_game

if TYPE_CHECKING:
    import random

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.household.game import Game


def play(house: House, *commands: str) -> str:
    for command in commands:
        assert command in house.admissible(), command
        said = house.act(command)
    return said


def test_the_introduction_lists_every_receptacle(kitchen: Game) -> None:
    assert House(kitchen).introduction() == (
        "-= Welcome to TextWorld, ALFRED! =-\n\nYou are in the middle of a room. Looking quickly around you, you see "
        "a cabinet 1, a countertop 1, a fridge 1, a microwave 1, a sinkbasin 1, and a sidetable 1.\n\n"
        "Your task is to: put a hot mug in cabinet."
    )


def test_a_winning_walk_in_the_old_dialect(kitchen: Game) -> None:
    house = House(kitchen)
    assert play(house, "go to countertop 1") == (
        "You arrive at loc 2. On the countertop 1, you see a apple 1, a knife 1, and a mug 1."
    )
    assert play(house, "take mug 1 from countertop 1") == "You pick up the mug 1 from the countertop 1."
    assert play(house, "heat mug 1 with microwave 1") == "You heat the mug 1 using the microwave 1."
    assert play(house, "go to cabinet 1") == "You arrive at loc 1. The cabinet 1 is closed."
    assert play(house, "open cabinet 1") == "You open the cabinet 1. The cabinet 1 is open. In it, you see nothing."
    assert not house.won
    assert play(house, "put mug 1 in/on cabinet 1") == "You put the mug 1 in/on the cabinet 1."
    assert house.won


def test_the_new_dialect_says_move_and_names_the_receptacle(kitchen: Game) -> None:
    house = House(kitchen, dialect="alfworld-0.4")
    assert play(house, "go to countertop 1").startswith("You arrive at countertop 1. On the countertop 1, you see")
    play(house, "take mug 1 from countertop 1")
    assert "put mug 1 in/on countertop 1" not in house.admissible()
    assert play(house, "move mug 1 to countertop 1") == "You move the mug 1 to the countertop 1."
    assert play(house, "help").startswith("\nAvailable commands:")


def test_the_old_dialect_has_no_help(kitchen: Game) -> None:
    assert House(kitchen).act("help") == UNKNOWN


def test_commands_in_the_middle_of_the_room(kitchen: Game) -> None:
    assert House(kitchen).admissible() == [
        "go to cabinet 1", "go to countertop 1", "go to fridge 1", "go to microwave 1", "go to sidetable 1",
        "go to sinkbasin 1", "inventory", "look",
    ]  # fmt: skip


def test_commands_where_two_receptacles_stand(kitchen: Game) -> None:
    house = House(kitchen)
    play(house, "go to microwave 1")
    assert house.admissible() == [
        "examine countertop 1", "examine microwave 1", "go to cabinet 1", "go to fridge 1", "go to sidetable 1",
        "go to sinkbasin 1", "inventory", "look", "open microwave 1", "take apple 1 from countertop 1",
        "take knife 1 from countertop 1", "take mug 1 from countertop 1",
    ]  # fmt: skip


def test_a_thing_is_examined_only_in_the_hand(kitchen: Game) -> None:
    house = House(kitchen)
    play(house, "go to countertop 1")
    assert house.act("examine mug 1") == UNKNOWN
    play(house, "take mug 1 from countertop 1")
    assert play(house, "examine mug 1") == "There's nothing special about mug 1."


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (["heat"], "This is a hot mug 1."),
        (["cool"], "This is a cold mug 1."),
        (["clean"], "This is a clean mug 1."),
        (["heat", "clean"], "This is a hot and clean mug 1."),
        (["heat", "cool"], "This is a cold mug 1."),
        (["cool", "clean"], "This is a cool and clean mug 1."),
    ],
)
def test_what_was_done_to_a_thing_is_told(kitchen: Game, done: list[str], told: str) -> None:
    house = House(kitchen)
    play(house, "go to countertop 1", "take mug 1 from countertop 1")
    for treatment in done:
        device = {"heat": "microwave 1", "cool": "fridge 1", "clean": "sinkbasin 1"}[treatment]
        if f"go to {device}" in house.admissible():
            play(house, f"go to {device}")
        play(house, f"{treatment} mug 1 with {device}")
    assert play(house, "examine mug 1") == told


def test_slicing_needs_the_knife_in_hand_and_the_food_here(kitchen: Game) -> None:
    house = House(kitchen)
    play(house, "go to countertop 1", "take knife 1 from countertop 1")
    assert play(house, "slice apple 1 with knife 1") == "You sliced the apple 1 with the knife 1."
    play(house, "go to fridge 1")
    assert house.act("slice apple 1 with knife 1") == UNKNOWN
    play(house, "go to countertop 1", "put knife 1 in/on countertop 1", "take apple 1 from countertop 1")
    assert play(house, "examine apple 1") == "This is a sliced apple 1."


def test_a_lamp_can_only_be_turned_on(kitchen: Game) -> None:
    house = House(kitchen)
    play(house, "go to sidetable 1")
    assert play(house, "use desklamp 1") == play(house, "use desklamp 1") == "You turn on the desklamp 1."
    assert "take desklamp 1 from sidetable 1" not in house.admissible()


def test_look_tells_the_floor_only_after_a_take(kitchen: Game) -> None:
    house = House(kitchen)
    assert house.act("look").endswith("Looking quickly around you, you see nothing.")
    facing = "You are facing the countertop 1, and microwave 1. Next to it, you see "
    play(house, "go to countertop 1")
    assert play(house, "look") == facing + "nothing."
    play(house, "open microwave 1", "take mug 1 from countertop 1", "put mug 1 in/on microwave 1")
    assert play(house, "look") == facing + "a mug 1."
    play(house, "take mug 1 from microwave 1", "put mug 1 in/on countertop 1")
    assert play(house, "look") == facing + "a mug 1."


def test_a_closed_receptacle_hides_and_keeps(kitchen: Game) -> None:
    house = House(kitchen)
    play(house, "go to fridge 1")
    assert house.act("take mug 2 from fridge 1") == UNKNOWN
    play(house, "open fridge 1", "take mug 2 from fridge 1")
    assert play(house, "close fridge 1") == "You close the fridge 1."
    assert house.act("put mug 2 in/on fridge 1") == UNKNOWN
    assert "cool mug 2 with fridge 1" in house.admissible()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 50), st.sampled_from(["tiny", "standard"]), st.randoms(use_true_random=False))
def test_wherever_one_wanders_the_world_stays_whole(index: int, difficulty: Difficulty, stream: random.Random) -> None:
    house = House(draw_game(index, split="train", difficulty=difficulty, seed=1))
    for _ in range(25):
        commands = house.admissible()
        assert commands == sorted(set(commands))
        before = house.held
        command = stream.choice(commands)
        said = house.act(command)
        assert said != UNKNOWN
        assert house.held is None or not house.inside[house.held]
        assert sum(len(places) == 1 for places in house.inside) == len(house.inside) - (house.held is not None)
        if command.startswith("take "):
            item, _, place = command.removeprefix("take ").partition(" from ")
            assert house.act("inventory") == f"You are carrying: a {item}."
            back = f"put {item} in/on {place}"
            if back in house.admissible():
                house.act(back)
                assert house.held is None
                assert house.act(command) == said
        elif not command.startswith("put "):
            assert house.held == before


@given(st.text(max_size=40))
def test_an_unknown_command_changes_nothing(text: str) -> None:
    house = House(draw_game(3, split="train", difficulty="tiny", seed=1))
    commands = house.admissible()
    if text not in commands:
        assert house.act(text) == UNKNOWN
    assert House(house.game).admissible() == commands
