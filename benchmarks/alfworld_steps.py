"""Steps per second of the household engine against TextWorld 1.7.0, on the same released games in the same run.

A step is: find the admissible commands, carry one out, ask whether the task is done. Needs released games
(`python benchmarks/alfworld_steps.py FOLDER`; without a folder generated games are played and there is no peer).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.household.archive import GameFile, games
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.generator import draw_game
from agenttuning.environments.worlds.household.problem import compile_game, speak

if TYPE_CHECKING:
    from agenttuning.environments.worlds.household.game import Game

OUR_GAMES = 20
THEIR_GAMES = 5


def measure_ours(compiled: list[Game], *, repeats: int) -> float:
    """Return CPU seconds per step over walkthroughs, or over the first admissible commands of generated games."""
    steps, spent = 0, 0.0
    for _ in range(repeats):
        for game in compiled:
            house = House(game, dialect="alfworld-0.4")
            script = [speak(command, dialect="alfworld-0.4") for command in game.walkthrough] or ["look"] * 10
            began = time.process_time()
            for number, command in enumerate(script):
                commands = house.admissible()
                house.act(command if game.walkthrough else commands[number % len(commands)])
                _ = house.won
            spent += time.process_time() - began
            steps += len(script)
    return spent / steps


def measure_theirs(files: list[GameFile]) -> float:
    """Return CPU seconds per step of TextWorld over the same walkthroughs."""
    textworld = importlib.import_module("textworld")
    wrappers = importlib.import_module("alfworld.agents.environment.alfred_tw_env")
    steps, spent = 0, 0.0
    for file in files:
        script = [
            speak(command, dialect="alfworld-0.4") for command in compile_game(file.data, name=file.name).walkthrough
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "game.tw-pddl"
            path.write_bytes(file.data)
            infos = textworld.EnvInfos(won=True, admissible_commands=True)
            world = textworld.start(str(path), infos, wrappers=[wrappers.AlfredDemangler(), wrappers.AlfredInfos])
            world.reset()
            began = time.process_time()
            for command in script:
                world.step(command)
            spent += time.process_time() - began
            steps += len(script)
            world.close()
    return spent / steps


def measure_generator() -> None:
    """Print generated tasks per second of CPU time for each difficulty."""
    for difficulty, count in (("tiny", 600), ("standard", 120), ("hard", 40)):
        began = time.process_time()
        for index in range(count):
            draw_game(index, split="train", difficulty=difficulty, seed=0)
        print(f"generator, {difficulty}: {count / (time.process_time() - began):,.0f} tasks/s")


def main(folder: Path | None) -> None:
    """Print the figures."""
    measure_generator()
    if folder is None:
        drawn = [draw_game(index, split="train", difficulty="standard", seed=0) for index in range(OUR_GAMES)]
        print(f"household engine, generated games: {1e3 * measure_ours(drawn, repeats=10):.4f} ms/step")
        print("no peer: give a folder with released ALFWorld games as the argument")
        return
    files = list(islice(games(folder, "test"), OUR_GAMES))
    ours = measure_ours([compile_game(file.data, name=file.name) for file in files], repeats=10)
    print(f"household engine: {1e3 * ours:.4f} ms/step, {1 / ours:,.0f} steps/s")
    missing = [name for name in ("textworld", "alfworld") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"no peer: {' and '.join(missing)} not installed; pip install 'agenttuning[textworld]'")
        return
    theirs = measure_theirs(files[:THEIR_GAMES])
    print(f"TextWorld 1.7.0: {1e3 * theirs:.1f} ms/step, {1 / theirs:,.1f} steps/s; ratio {theirs / ours:,.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
