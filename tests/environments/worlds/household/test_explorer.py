from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.errand import SENTENCES, read_errand
from agenttuning.environments.worlds.household.explorer import Explorer
from agenttuning.environments.worlds.household.generator import draw_game
from agenttuning.environments.worlds.household.wording import Wording
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenttuning.environments.worlds.household.game import Game

KINDS = [(kind, sentence) for kind, sentences in SENTENCES.items() for sentence in sentences]


@pytest.mark.parametrize(("kind", "sentence"), KINDS)
def test_every_released_sentence_is_understood(kind: str, sentence: str) -> None:
    errand = read_errand(sentence.format(item="mug", place="desk"))
    assert (errand.kind, errand.item, errand.place) == (kind, "mug", "desk")


def test_an_unknown_sentence_names_the_known_ones() -> None:
    with pytest.raises(DataError, match="known sentences"):
        read_errand("dance with the mug")


def commands(explorer: Explorer, act: Callable[[str], str], limit: int = 35) -> list[str]:
    played = []
    explorer.play(lambda command: played.append(command) or act(command), until=lambda: False, limit=limit)
    return played


def test_it_looks_where_the_thing_is_likely_and_open_first(kitchen: Game) -> None:
    played = commands(Explorer(House(kitchen).introduction()), House(kitchen).act)
    assert played == [
        "go to countertop 1", "take mug 1 from countertop 1", "go to microwave 1", "heat mug 1 with microwave 1",
        "go to cabinet 1", "open cabinet 1", "put mug 1 in/on cabinet 1",
    ]  # fmt: skip


def test_it_does_not_go_where_it_stands_already(kitchen: Game) -> None:
    """Countertop and microwave stand at one location, so the world knows no way from the one to the other."""
    house = House(kitchen)
    played = commands(Explorer(house.introduction(), available=house.admissible), house.act)
    assert played[2:4] == ["examine microwave 1", "heat mug 1 with microwave 1"]
    assert house.won


def test_it_knows_only_what_it_is_told() -> None:
    """Two houses that differ in what has not been seen yet get the same commands until the difference shows."""
    game = draw_game(0, split="train", difficulty="standard", seed=2)
    asked = read_errand(game.task).item
    emptied = game.model_copy(update={"items": tuple(item for item in game.items if item.type != asked)})
    full, empty = House(game), House(emptied)
    first = commands(Explorer(full.introduction()), full.act)
    second = commands(Explorer(empty.introduction()), empty.act)
    found = next(number for number, command in enumerate(first) if command.startswith("take "))
    assert first[:found] == second[:found]
    assert not any(command.startswith("take ") for command in second)


def test_it_ends_when_there_is_nowhere_left_to_look() -> None:
    said = "You are in the middle of a room. Looking quickly around you, you see a desk 1.\n\nYour task is to: "
    assert commands(Explorer(said + "put a mug in desk."), lambda _: "On the desk 1, you see nothing.") == [
        "go to desk 1"
    ]


@pytest.mark.parametrize("answer", ["Nothing happens.", "", "The desk 1 is closed.", "\x00" * 50])
def test_a_world_that_answers_nonsense_does_not_hold_it_for_ever(answer: str) -> None:
    said = "You are in the middle of a room. Looking quickly around you, you see a desk 1, and a shelf 1.\n\n"
    assert len(commands(Explorer(said + "Your task is to: put two mug in desk."), lambda _: answer, limit=100)) < 10


def test_thoughts_stand_before_the_moves_that_need_one(kitchen: Game) -> None:
    explorer = Explorer(House(kitchen).introduction())
    wording = Wording(explorer.errand, seed="1", brief=False)
    house, replies, plan = House(kitchen), [], explorer.plan()
    move = next(plan, None)
    while move is not None:
        replies.append(wording.reply(move))
        said = house.act(move.command)
        move = None if house.won else plan.send(said)
    thoughtful = [number for number, reply in enumerate(replies) if reply.startswith("THOUGHT: ")]
    assert thoughtful == [0, 1, 2, 4]
    assert all("ACTION: " in reply and "{" not in reply for reply in replies)


def test_thoughts_vary_with_the_seed_and_only_with_it(kitchen: Game) -> None:
    explorer = Explorer(House(kitchen).introduction())
    move = next(explorer.plan())
    worded = {str(seed): Wording(explorer.errand, seed=str(seed), brief=False).reply(move) for seed in range(20)}
    assert len(set(worded.values())) > 2
    assert all(Wording(explorer.errand, seed=seed, brief=False).reply(move) == text for seed, text in worded.items())
    assert len({Wording(explorer.errand, seed=seed, brief=True).reply(move) for seed in worded}) == 1
