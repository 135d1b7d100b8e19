"""Make the packaged file of ScienceWorld's tasks: splits, gold paths of the test episodes, demonstrations.

    python scripts/build_scienceworld.py src/agenttuning/environments/worlds/science/scienceworld-1.2.3.json.xz

Needs the extra `scienceworld` and Java; takes about half an hour on one core. Gold is worked out in one Java machine
and played in another, because a machine that has worked out gold once stays slow.
"""

from __future__ import annotations

import asyncio
import lzma
import sys
from pathlib import Path

from agenttuning.environments.worlds.science.jvm import JavaMachine
from agenttuning.environments.worlds.science.official import (
    Catalogue,
    Demonstration,
    OfficialTask,
    Turn,
    selection,
)
from agenttuning.environments.worlds.science.simulator import Simulator, open_simulator

CANDIDATES = 4
"""Train variations of which the shortest that wins is the demonstration."""


async def describe(number: int, name: str, expert: Simulator, player: Simulator) -> OfficialTask:
    """Return what the file says of one task."""
    await player.load(name, 0)
    splits = {split: tuple(await player.variations(split)) for split in ("Train", "Dev", "Test")}
    gold = {variation: await solution(expert, name, variation) for variation in selection(number, splits["Test"])}
    shown = [
        await demonstrate(player, name, variation, await solution(expert, name, variation))
        for variation in splits["Train"][:CANDIDATES]
    ]
    won = [one for one in shown if one is not None]
    if not won:
        raise SystemExit(f"{name}: none of the first {CANDIDATES} train variations is won by its gold path")
    print(f"{number:2} {name}: {sum(map(len, gold.values()))} moves of gold", file=sys.stderr, flush=True)
    return OfficialTask(
        name=name,
        train=splits["Train"],
        dev=splits["Dev"],
        test=splits["Test"],
        gold=gold,
        demonstration=min(won, key=lambda one: len(one.turns)),
    )


async def solution(expert: Simulator, name: str, variation: int) -> tuple[str, ...]:
    """Let the simulator work out a gold path."""
    await expert.load(name, variation, gold=True)
    return tuple(await expert.gold())


async def demonstrate(player: Simulator, name: str, variation: int, path: tuple[str, ...]) -> Demonstration | None:
    """Play a gold path and write down what is seen; None when it does not reach 100."""
    goal, seen = await player.load(name, variation)
    turns = []
    for action in path:
        turns.append(Turn(observation=seen.observation, action=action))
        seen = await player.act(action)
        if seen.done:
            break
    return Demonstration(variation=variation, goal=goal, turns=tuple(turns)) if seen.score == 100 else None


async def build() -> bytes:
    """Return the content of the file."""
    machines = JavaMachine(), JavaMachine()
    try:
        expert, player = [await open_simulator(machine, call_seconds=600.0) for machine in machines]
        names = await player.task_names()
        tasks = [await describe(number, name, expert, player) for number, name in enumerate(names)]
    finally:
        for machine in machines:
            machine.close()
    text = Catalogue(tasks=tuple(tasks)).model_dump_json()
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(asyncio.run(build()))
