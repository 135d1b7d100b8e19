"""Many episodes in one process: is memory flat, are files and processes given back, how fast does it go.

    python benchmarks/long_haul.py [--episodes 100000] [--worlds card_game alfworld database] [--difficulty tiny]

Every world's episodes go through `rollouts`, as those of a run do, played by the world's own oracle. Printed by the
tenth: resident memory, objects that Python holds, open files, threads, children and the rate. The first tenth warms up;
the rest must stay within 5 % of it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import sys
import threading
import time
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollouts
from agenttuning.environments import load_environment
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task

GROWTH = 0.05
"""That is allowed after the warm-up."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Reading:
    """The process at one moment."""

    episodes: int
    megabytes: float
    objects: int
    files: int
    threads: int
    children: int
    rate: float

    def row(self) -> str:
        """Return it as a line of the table."""
        cells = f"{self.episodes:9,d} {self.megabytes:9.1f} {self.objects:9,d} {self.files:6d} {self.threads:8d}"
        return f"{cells} {self.children:9d} {self.rate:11.1f}"


def read(episodes: int, *, rate: float) -> Reading:
    """Look at this process, after a collection: what is left then is held."""
    gc.collect()
    return Reading(
        episodes=episodes,
        megabytes=int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20,
        objects=len(gc.get_objects()),
        files=sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1,
        threads=threading.active_count(),
        children=len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        rate=rate,
    )


def episodes(world: str, difficulty: str, wanted: int) -> Iterator[tuple[Environment[Task], str, int]]:
    """Yield so many episodes of a world, its train tasks from the first on and again from there."""
    kind = load_environment(world)
    config = kind.config_type.model_validate({"difficulty": difficulty})
    endless = ((kind(task), "train", sample) for sample in count() for task in kind.load("train", config))
    return islice(endless, wanted)


async def haul(world: str, *, difficulty: str, wanted: int, concurrency: int) -> list[Reading]:
    """Play them all; print and return a reading for every tenth."""
    print(f"\n{world}, {difficulty}, {wanted:,} episodes, {concurrency} at once")
    print(" episodes  RSS (MB)   objects  files  threads  children  episodes/s")
    readings, done, won, broken, began = [], 0, 0, 0, time.monotonic()
    every = max(1, wanted // 10)
    async for one in rollouts(episodes(world, difficulty, wanted), oracle_player, concurrency=concurrency):
        done += 1
        won += one.score.success
        broken += one.failure is not None
        if done % every == 0:
            readings.append(read(done, rate=every / (time.monotonic() - began)))
            print(readings[-1].row(), flush=True)
            began = time.monotonic()
    print(f"success {won / done:.2%}, broken {broken}")
    return readings


def verdict(readings: list[Reading]) -> bool:
    """Compare everything after the first tenth with it."""
    first, *rest = readings
    growth = max(reading.megabytes for reading in rest) / first.megabytes - 1
    files = max(reading.files for reading in rest) - first.files
    children = max(reading.children for reading in rest)
    sound = growth < GROWTH and files <= 0 and children == 0
    told = "flat" if sound else "NOT FLAT"
    print(f"memory {growth:+.2%} (allowed {GROWTH:.0%}), files {files:+d}, children {children}: {told}")
    return sound


def main() -> int:
    """Exit with 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=100_000, help="of each world; at least 20")
    parser.add_argument("--worlds", nargs="+", default=["card_game", "alfworld", "database"])
    parser.add_argument("--difficulty", default="tiny")
    parser.add_argument("--concurrency", type=int, default=16)
    told = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, load {os.getloadavg()[0]:.1f}")
    sound = True
    for world in told.worlds:
        readings = asyncio.run(
            haul(world, difficulty=told.difficulty, wanted=told.episodes, concurrency=told.concurrency)
        )
        sound &= verdict(readings)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
