"""Episodes per second of the Operating System world at concurrency 1, 4 and 16, and what many episodes leave behind.

    python benchmarks/operating_system.py [EPISODES [ROOTFS]]

An episode is: start a sandbox, prepare the problem and its gold, play the oracle's commands, judge, end the sandbox.
After each round it prints what is left: memory and open files of this process, processes, mounts, temporary files.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from agenttuning.core.rollout import rollouts
from agenttuning.environments.held_in.operating_system import OperatingSystem, OperatingSystemConfig
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings
from agenttuning.policies.oracle import oracle_player


class Left(NamedTuple):
    """What could leak."""

    memory_mib: int
    open_files: int
    processes: int
    """Descendants of this process."""
    mounts: int
    temporary_files: int

    @classmethod
    def now(cls) -> Left:
        """Count."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            memory_mib=pages * os.sysconf("SC_PAGE_SIZE") >> 20,
            open_files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            processes=len(_descendants(os.getpid())),
            mounts=len(Path("/proc/self/mountinfo").read_text().splitlines()),
            temporary_files=sum(1 for _ in Path(tempfile.gettempdir()).iterdir()),
        )


def _descendants(process: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []
    return [each for child in children for each in (child, *_descendants(child))]


async def play(tasks: int, *, concurrency: int, config: OperatingSystemConfig) -> float:
    """Return the episodes per second; every one of them must be won."""
    chosen = islice(OperatingSystem.load("train", config), tasks)
    entries = ((OperatingSystem(task), "train", 0) for task in chosen)
    begun = time.perf_counter()
    async for trajectory in rollouts(entries, oracle_player, concurrency=concurrency):
        assert trajectory.score.success, trajectory
    return tasks / (time.perf_counter() - begun)


def main() -> None:
    """Print the rates and the leftovers; temporary files go to a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        measure()


def measure() -> None:
    """Play the rounds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    sandbox = SandboxSettings(rootfs=Path(sys.argv[2])) if len(sys.argv) > 2 else SandboxSettings()
    config = OperatingSystemConfig(sandbox=sandbox)
    asyncio.run(play(20, concurrency=4, config=config))
    user = "root" if os.geteuid() == 0 else "an ordinary user"
    print(f"{count} standard tasks as {user}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"before          {Left.now()}")
    for concurrency in (1, 4, 16):
        rate = asyncio.run(play(count, concurrency=concurrency, config=config))
        print(f"{concurrency:3} at a time {rate:8.1f} episodes/s   {Left.now()}")


if __name__ == "__main__":
    main()
