"""Released games: all of those that lie beside the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agenttuning.core.records import digest
from agenttuning.environments.worlds.household.archive import games
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.explorer import Explorer
from agenttuning.environments.worlds.household.problem import compile_game, speak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agenttuning.environments.worlds.household.game import Dialect, Game

SIZES = {"train": 593, "valid_seen": 140, "dev": 20}


@pytest.fixture(scope="module", params=SIZES)
def compiled(request: pytest.FixtureRequest, official_data: Callable[[str], Path]) -> tuple[str, list[Game]]:
    folder = official_data("alfworld")
    return request.param, [compile_game(file.data, name=file.name) for file in games(folder, request.param)]


def walk(game: Game, dialect: Dialect) -> tuple[bool, str]:
    house = House(game, dialect=dialect)
    texts = [house.introduction()]
    for command in game.walkthrough:
        spoken = speak(command, dialect=dialect)
        assert spoken in house.admissible()
        texts += [*house.admissible(), house.act(spoken)]
    return house.won, "\n".join(texts)


@pytest.mark.parametrize("dialect", ["agentbench", "alfworld-0.4"])
def test_every_walkthrough_wins(compiled: tuple[str, list[Game]], dialect: Dialect) -> None:
    split, found = compiled
    assert len(found) == SIZES[split]
    assert all(walk(game, dialect)[0] for game in found)


def test_the_exploring_expert_wins_nearly_all_within_35_turns(compiled: tuple[str, list[Game]]) -> None:
    split, found = compiled
    won = 0
    for game in found:
        house = House(game)
        explorer = Explorer(house.introduction(), available=house.admissible)
        won += explorer.play(house.act, until=lambda house=house: house.won, limit=35) is not None
    assert won >= 0.95 * SIZES[split]


def test_released_games_are_of_the_new_dialect_and_begin_unsolved(compiled: tuple[str, list[Game]]) -> None:
    _, found = compiled
    assert {game.native for game in found} == {"alfworld-0.4"}
    assert not any(House(game).won for game in found)


def test_the_texts_of_all_dev_walkthroughs_are_those_on_record(official_data: Callable[[str], Path]) -> None:
    """Digest of texts and commands that a run against TextWorld 1.7.0 confirmed."""
    found = [compile_game(file.data, name=file.name) for file in games(official_data("alfworld"), "dev")]
    told = {
        dialect: digest("\n".join(walk(game, dialect)[1] for game in found))
        for dialect in ("agentbench", "alfworld-0.4")
    }
    assert told == {"agentbench": "9750d0ff70c516ac", "alfworld-0.4": "c78151fa2c03f605"}
