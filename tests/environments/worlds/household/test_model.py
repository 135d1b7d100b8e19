"""The engine beside a second, plain household: what may be said, what is answered, when the task is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.worlds.household.conftest import KITCHEN
from tests.environments.worlds.household.model import Model

from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.explorer import Explorer
from agenttuning.environments.worlds.household.game import KINDS, Dialect, Game
from agenttuning.environments.worlds.household.generator import SETTINGS, draw_game

if TYPE_CHECKING:
    import random

    from agenttuning.core.records import Difficulty

DIALECTS: tuple[Dialect, ...] = ("agentbench", "alfworld-0.4")


def agree(house: House, model: Model) -> list[str]:
    """Return the admissible commands, after both households have named the same."""
    commands = house.admissible()
    assert commands == sorted(command for command in model.all_commands() if model.allows(command))
    assert house.won == model.won()
    return commands


def both_act(house: House, model: Model, command: str) -> None:
    ours, theirs = house.act(command), model.act(command)
    assert ours == theirs or (command == "help" and ours.startswith(theirs)), command


def eager(commands: list[str], stream: random.Random) -> str:
    """Choose a command, rather one that changes something than a look or a walk."""
    doing = [
        command for command in commands if command.split()[0] not in ("go", "look", "inventory", "examine", "help")
    ]
    return stream.choice(doing if doing and stream.random() < 0.6 else commands)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 200), st.sampled_from(["tiny", "tiny", "standard"]), st.sampled_from(DIALECTS),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_both_households_agree_wherever_one_wanders(
    index: int, difficulty: Difficulty, dialect: Dialect, stream: random.Random
) -> None:
    game = draw_game(index, split="train", difficulty=difficulty, seed=4)
    house, model = House(game, dialect=dialect), Model(game, dialect=dialect)
    for _ in range(25 if difficulty == "tiny" else 12):
        both_act(house, model, eager(agree(house, model), stream))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(DIALECTS), st.randoms(use_true_random=False))
def test_both_households_agree_in_the_kitchen(dialect: Dialect, stream: random.Random) -> None:
    """Two receptacles at one location, a knife, a lamp, two mugs."""
    house, model = House(KITCHEN, dialect=dialect), Model(KITCHEN, dialect=dialect)
    for _ in range(40):
        both_act(house, model, eager(agree(house, model), stream))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_task_is_done_with_the_experts_last_move_and_not_before(kind: str, dialect: Dialect) -> None:
    for index in range(KINDS.index(kind), 60, 6):
        game = draw_game(index, split="test", difficulty="tiny", seed=9)
        house, model = House(game, dialect=dialect), Model(game, dialect=dialect)
        explorer = Explorer(house.introduction(), dialect=dialect, search="listed", available=house.admissible)
        plan, said = explorer.plan(), None
        while not house.won:
            assert not model.won()
            move = next(plan) if said is None else plan.send(said)
            assert model.allows(move.command)
            said = house.act(move.command)
            assert model.act(move.command) == said
        assert model.won()


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_expert_wins_every_kind_of_task_in_both_dialects(difficulty: Difficulty) -> None:
    setting = SETTINGS[difficulty]
    for index in range(24 if difficulty == "tiny" else 12):
        game = draw_game(index, split="train", difficulty=difficulty, seed=12)
        for dialect in DIALECTS:
            house = House(game, dialect=dialect)
            explorer = Explorer(
                house.introduction(), dialect=dialect, search=setting.search, available=house.admissible
            )
            turns = explorer.play(house.act, until=lambda house=house: house.won, limit=setting.turns[1])
            assert turns is not None, (game.task, dialect)


@pytest.mark.parametrize(
    "command", ["go to", "take mug 1", "TAKE mug 1 from countertop 1", " look", "look ", "put mug 1"]
)
def test_what_is_nearly_a_command_is_none(kitchen: Game, command: str) -> None:
    house = House(kitchen)
    house.act("go to countertop 1")
    before = house.admissible()
    assert house.act(command) == "Nothing happens."
    assert house.admissible() == before


def test_a_thing_that_no_place_accepts_stays_in_the_hand(kitchen: Game) -> None:
    house = House(kitchen.model_copy(update={"accepts": {}}))
    for command in ("go to countertop 1", "take mug 1 from countertop 1", "go to sinkbasin 1"):
        house.act(command)
    assert not [command for command in house.admissible() if command.startswith("put ")]
    assert house.act("clean mug 1 with sinkbasin 1") == "You clean the mug 1 using the sinkbasin 1."


@pytest.mark.parametrize(("first", "last"), [("heat", "cool"), ("cool", "heat"), ("clean", "heat"), ("cool", "clean")])
def test_the_last_of_two_treatments_stays_and_heat_ends_cold(first: str, last: str) -> None:
    house, model = House(KITCHEN), Model(KITCHEN, dialect="agentbench")
    device = {"heat": "microwave 1", "cool": "fridge 1", "clean": "sinkbasin 1"}
    walk = ["go to countertop 1", "take mug 1 from countertop 1"]
    for verb in (first, last):
        walk += [f"go to {device[verb]}", f"{verb} mug 1 with {device[verb]}"]
    for command in (*walk, "examine mug 1"):
        if command in house.admissible():
            both_act(house, model, command)
    assert house.marks[4] & {"ishot", "iscool", "isclean"} == model.marks["mug 1"] & {"ishot", "iscool", "isclean"}
    assert len(house.marks[4] & {"ishot", "iscool"}) == 1
