"""The engine against TextWorld 1.7.0 on released games: admissible commands, text and victory, step by step."""

from __future__ import annotations

import json
import os
import random
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import pytest

from agenttuning.environments.worlds.household.archive import GameFile, games
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.problem import compile_game, speak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agenttuning.environments.worlds.household.game import Dialect

pytestmark = [pytest.mark.textworld, pytest.mark.slow]


class TheirState(Protocol):
    """What TextWorld tells after a step."""

    feedback: str
    admissible_commands: list[str]
    won: bool


class TheirWorld(Protocol):
    """What the comparison uses of a TextWorld environment."""

    def reset(self) -> TheirState: ...

    def step(self, command: str) -> tuple[TheirState, float, bool]: ...

    def close(self) -> None: ...


GAMES = int(os.environ.get("AGENTTUNING_TEXTWORLD_GAMES", "4"))
"""Games per split and dialect; TextWorld takes seconds for each."""
WANDERING = 12
"""Random steps before the walkthrough."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dialect", ["agentbench", "alfworld-0.4"])
@pytest.mark.parametrize("split", ["train", "valid_seen", "dev"])
def test_engine_agrees_with_textworld(
    split: str, dialect: Dialect, tmp_path: Path, official_data: Callable[[str], Path]
) -> None:
    textworld = pytest.importorskip("textworld", reason="needs the extra [textworld]: alfworld and textworld")
    wrappers = pytest.importorskip("alfworld.agents.environment.alfred_tw_env")
    folder = official_data("alfworld")
    for file in islice(games(folder, split), GAMES):
        path = tmp_path / "game.tw-pddl"
        path.write_bytes(file.data if dialect == "alfworld-0.4" else _in_old_dialect(file, folder))
        infos = textworld.EnvInfos(won=True, admissible_commands=True)
        theirs = textworld.start(str(path), infos, wrappers=[wrappers.AlfredDemangler(), wrappers.AlfredInfos])
        _compare(theirs, file, dialect)
        theirs.close()


def _compare(theirs: TheirWorld, file: GameFile, dialect: Dialect) -> None:
    game = compile_game(file.data, name=file.name)
    house = House(game, dialect=dialect)
    state = theirs.reset()
    assert house.introduction() == state.feedback.strip()
    stream = random.Random(file.name)
    script = iter([speak(command, dialect=dialect) for command in game.walkthrough])
    for turn in range(WANDERING + len(game.walkthrough)):
        mine = house.admissible()
        assert mine == sorted(set(state.admissible_commands)), (file.name, turn)
        command = stream.choice(mine) if turn < WANDERING else next(script)
        if command not in mine:
            return  # the random steps left the script's path: a thing is in hand, or somewhere else
        said = house.act(command)
        state, _, _ = theirs.step(command)
        assert said.strip() == state.feedback.strip(), (file.name, turn, command)
        assert house.won == state.won, (file.name, turn, command)
        if house.won:
            return


def _in_old_dialect(file: GameFile, folder: Path) -> bytes:
    game = json.loads(file.data)
    task = game["grammar"].split("Your task is to: ")[1].split('"')[0]
    grammar = (folder / "logic" / "alfred.twl2").read_text("utf-8")
    game["grammar"] = grammar.replace("UNKNOWN GOAL.", task)
    game["pddl_domain"] = (folder / "logic" / "alfred.pddl").read_text("utf-8")
    game["walkthrough"] = list(compile_game(file.data, name=file.name).walkthrough)
    return json.dumps(game).encode()
