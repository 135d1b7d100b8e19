"""What one episode costs in each world: processor time, memory, bytes, calls; and what a million cost.

Each world is measured in a process of its own, with the oracle as the policy.

    python benchmarks/capacity.py                prints the table of docs/scale.md
    python benchmarks/capacity.py chat database  these worlds
    python benchmarks/capacity.py --write        all, and writes it into docs/scale.md
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import zlib
from itertools import islice
from pathlib import Path

from agenttuning.core.records import Record
from agenttuning.core.rollout import rollout
from agenttuning.environments import environment_ids, load_environment
from agenttuning.policies.oracle import oracle_player

EPISODES, SLOW_EPISODES = 500, {"operating_system": 24, "webarena": 8}
LIVE, SLOW_LIVE = 400, {"operating_system": 8, "webarena": 4}
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- costs: benchmarks/capacity.py --write -->", "<!-- end of the costs -->"
HEAD = (
    "| world | episodes | turns each | processor time per turn | memory, live | record | zlib | "
    "1 M trajectories: cores for a day, disk | 1,000 live: memory |\n| --- |" + " ---: |" * 8
)
_TICK = os.sysconf("SC_CLK_TCK")


class Cost(Record):
    """What was measured in one world."""

    world: str
    episodes: int
    turns: float
    """Of each episode."""
    turn_seconds: float
    """Processor time of a turn, set-up and judgement shared out among the turns."""
    live_bytes: float
    """Of one more open episode."""
    record_bytes: float
    packed_bytes: float


def family() -> list[int]:
    """Return this process and all under it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
    found, more = set[int](), {os.getpid()}
    while more:
        found |= more
        more = {pid for pid, parent in parents.items() if parent in found} - found
    return sorted(found)


def processor_seconds() -> float:
    """Return the processor time of the family, its ended children included."""
    total = 0.0
    for pid in family():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / _TICK
    return total


def memory_bytes() -> int:
    """Return the memory of the family, shared pages counted in part."""
    total = 0
    for pid in family():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


async def measure(world: str) -> Cost:
    """Hold episodes open, then play them one after another."""
    kind = load_environment(world)
    number = SLOW_EPISODES.get(world, EPISODES)
    tasks = list(islice(kind.load("train"), number))
    await rollout(kind(tasks[0]), oracle_player)
    held = tasks[: SLOW_LIVE.get(world, LIVE)]
    before = memory_bytes()
    worlds = [kind(task) for task in held]
    for open_world in worlds:
        await open_world.start()
        replies = open_world.oracle()
        assert replies is not None
        reply = await anext(replies) if hasattr(replies, "__anext__") else next(replies)
        await open_world.step(reply)
    live = (memory_bytes() - before) / len(held)
    for open_world in worlds:
        await open_world.close()
    began, turns, written, packed = processor_seconds(), 0, 0, 0
    for task in tasks:
        played = await rollout(kind(task), oracle_player)
        line = played.model_dump_json(exclude_defaults=True).encode() + b"\n"
        turns += played.turns
        written += len(line)
        packed += len(zlib.compress(line, 6))
    spent = processor_seconds() - began
    return Cost(
        world=world,
        episodes=number,
        turns=turns / number,
        turn_seconds=spent / turns,
        live_bytes=max(live, 0.0),
        record_bytes=written / number,
        packed_bytes=packed / number,
    )


def row(cost: Cost) -> str:
    """Return a world's line of the table."""
    days = 1e6 * cost.turns * cost.turn_seconds / 86_400
    cells = (
        f"`{cost.world}`",
        cost.episodes,
        f"{cost.turns:.1f}",
        f"{1000 * cost.turn_seconds:.2f} ms",
        f"{cost.live_bytes / 2**20:.2f} MiB",
        f"{cost.record_bytes / 1e3:.1f} kB",
        f"{cost.packed_bytes / 1e3:.1f} kB",
        f"{days:.2f}, {cost.record_bytes / 1e3:.1f} GB",
        f"{1000 * cost.live_bytes / 2**30:.2f} GiB",
    )
    return f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    """Measure each world in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", nargs="*", default=environment_ids())
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(asyncio.run(measure(arguments.worlds[0])).model_dump_json())
        return 0
    rows = []
    for world in arguments.worlds:
        ran = subprocess.run([sys.executable, __file__, world, "--one"], stdout=subprocess.PIPE, text=True, check=True)
        rows.append(row(Cost.model_validate_json(ran.stdout)))
        print(rows[-1], flush=True)
    if arguments.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text("\n".join((f"{before}{BEGIN}", HEAD, *rows, f"{END}{rest.partition(END)[2]}")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
