from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.household.catalogue import ACCEPTS, APPLIANCES, OPENABLE
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.explorer import Explorer
from agenttuning.environments.worlds.household.game import KINDS, Game
from agenttuning.environments.worlds.household.generator import SETTINGS, draw_game, layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.core.records import Difficulty

SAMPLES = {"tiny": 400, "standard": 60, "hard": 20}


def sample(split: str, difficulty: Difficulty, *, seed: int = 0) -> list[Game]:
    return [draw_game(i, split=split, difficulty=difficulty, seed=seed) for i in range(SAMPLES[difficulty])]


def layouts(games: Iterable[Game]) -> set[str]:
    return {layout(place.type for place in game.receptacles) for game in games}


@pytest.mark.parametrize("difficulty", SAMPLES)
def test_train_and_test_share_no_layout_whatever_the_seeds(difficulty: Difficulty) -> None:
    train = layouts(sample("train", difficulty))
    test = layouts(sample("test", difficulty)) | layouts(sample("test", difficulty, seed=7))
    assert len(train) > 15
    assert len(test) > 15
    assert not train & test


@pytest.mark.parametrize("difficulty", SAMPLES)
def test_every_game_is_open_at_first_and_the_explorer_wins_in_time(difficulty: Difficulty) -> None:
    setting = SETTINGS[difficulty]
    for game in sample("test", difficulty, seed=3):
        house = House(game)
        assert not house.won
        explorer = Explorer(house.introduction(), search=setting.search)
        turns = explorer.play(house.act, until=lambda house=house: house.won, limit=35)
        assert turns is not None
        assert setting.turns[0] <= turns <= setting.turns[1]


@pytest.mark.parametrize("difficulty", SAMPLES)
def test_the_task_types_take_turns(difficulty: Difficulty) -> None:
    kinds = Counter(game.kind for game in sample("train", difficulty))
    assert max(kinds.values()) - min(kinds.values()) <= 1
    assert set(kinds) == set(KINDS)


def test_a_task_depends_on_its_index_alone() -> None:
    alone = draw_game(17, split="train", difficulty="standard", seed=5)
    assert alone == sample("train", "standard", seed=5)[17]
    assert alone != draw_game(17, split="train", difficulty="standard", seed=6)


def test_tiny_rooms_are_small_and_names_short() -> None:
    for game in sample("train", "tiny"):
        kinds = [place.type for place in game.receptacles]
        assert 2 <= len(kinds) <= 4
        assert sum(kind in APPLIANCES for kind in kinds) <= 1
        assert [place.name for place in game.receptacles] == kinds
        alone = {kind for kind, count in Counter(item.type for item in game.items).items() if count == 1}
        assert all((item.name == item.type) == (item.type in alone) for item in game.items)


def test_standard_rooms_have_the_size_of_released_ones() -> None:
    games = sample("train", "standard")
    assert all(10 <= len(game.receptacles) <= 25 for game in games)
    assert all(" " in item.name for game in games for item in game.items)
    assert any(place.openable for game in games for place in game.receptacles)
    needed = [game.task.split()[2] for game in games]
    assert all(len(game.items) > 10 for game in games)
    assert len(set(needed)) > 5


@pytest.mark.parametrize("difficulty", SAMPLES)
def test_names_are_unique_and_things_lie_where_they_may(difficulty: Difficulty) -> None:
    for game in sample("train", difficulty):
        names = [place.name for place in game.receptacles] + [item.name for item in game.items]
        assert len(names) == len(set(names))
        for item in game.items:
            (home,) = item.inside
            place = game.receptacles[home]
            assert item.type == "desklamp" or item.type in ACCEPTS[place.type]
            assert item.at == (place.location,)
        assert all(place.type in OPENABLE for place in game.receptacles if place.openable)


def test_tiny_games_differ() -> None:
    games = sample("train", "tiny")
    assert len({game.model_dump_json() for game in games}) > 0.97 * len(games)
