"""Speed of sandboxes: start, shell, programs beside it, stop; episodes a second; what a thousand episodes leave behind.

Run as `python benchmarks/sandbox.py [--episodes N] [--leaks N] [--rootfs FOLDER]`, as root and as an ordinary user.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable
from pathlib import Path

from agenttuning.environments.worlds.sandbox.opening import open_sandbox
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

Times = dict[str, list[float]]


async def timed(times: Times, name: str, work: Awaitable[object]) -> None:
    """Await something and note its milliseconds."""
    begun = time.perf_counter()
    await work
    times.setdefault(name, []).append(1000 * (time.perf_counter() - begun))


async def measure(settings: SandboxSettings, episodes: int) -> tuple[Times, object]:
    """Play episodes one after another, every part timed."""
    times: Times = {}
    facts: object = None
    for _ in range(episodes):
        sandbox = open_sandbox(settings)
        await timed(times, "start", sandbox.start())
        await timed(times, "shell opened, first command", sandbox.shell("cd /etc"))
        for _ in range(20):
            await timed(times, "shell round trip", sandbox.shell("x=1"))
        await timed(times, "shell: ls | wc -l", sandbox.shell("ls | wc -l"))
        await timed(times, "program: true", sandbox.execute(["true"]))
        await timed(times, "program: bash -c exit", sandbox.execute(["bash", "-c", "exit"]))
        await timed(times, "program: python3 -c pass", sandbox.execute(["python3", "-c", "pass"]))
        facts = sandbox.facts.model_dump(mode="json")
        await timed(times, "stop", sandbox.close())
    return times, facts


async def episode(settings: SandboxSettings) -> None:
    """Play what an average task does: an init script, four commands, a check."""
    sandbox = open_sandbox(settings)
    try:
        await sandbox.start()
        await sandbox.execute(["bash", "-c", "mkdir -p /srv/a; for i in 1 2 3; do echo $i > /srv/a/$i; done"])
        for command in ("cd /srv/a", "ls", "cat * | sort -n | tail -1", "wc -l * | tail -1"):
            await sandbox.shell(command)
        await sandbox.execute(["bash", "-c", "[ $(ls /srv/a | wc -l) = 3 ]"])
    finally:
        await sandbox.close()


async def rate(settings: SandboxSettings, episodes: int, at_once: int) -> float:
    """Return episodes a second at a concurrency."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            await episode(settings)

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(episodes)))
    return episodes / (time.perf_counter() - begun)


def footprint() -> dict[str, int]:
    """What leaks would make grow: our memory, descriptors, threads; the host's processes, mounts, groups, files."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    parents = [path.read_text().rpartition(")")[2].split()[1] for path in Path("/proc").glob("[0-9]*/stat")]
    groups = [path for path in Path("/sys/fs/cgroup").rglob("agenttuning-*") if f"-{os.getpid()}-" in path.name]
    return {
        "memory KiB": int(status["VmRSS"].split()[0]),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": int(status["Threads"]),
        "children": parents.count(str(os.getpid())),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "cgroups": len(groups),
        "files in /tmp of ours": len(list(Path("/tmp").glob("agenttuning-*"))),
        "namespaces": sum(1 for path in Path("/proc").glob("[0-9]*/comm") if path.read_text() == "bwrap\n"),
    }


async def leaks(settings: SandboxSettings, episodes: int) -> list[dict[str, int]]:
    """Return the footprint before and after each tenth of the episodes, four at a time."""
    await rate(settings, 20, 4)
    seen = [footprint()]
    for _ in range(10):
        await rate(settings, episodes // 10, 4)
        seen.append(footprint())
    return seen


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--leaks", type=int, default=0, help="episodes of the leak check")
    parser.add_argument("--rootfs", type=Path)
    chosen = parser.parse_args()
    settings = SandboxSettings(rootfs=chosen.rootfs)
    asyncio.run(episode(settings))
    times, facts = asyncio.run(measure(settings, chosen.episodes))
    shown = {
        name: {"median": round(statistics.median(all_), 2), "max": round(max(all_), 2)} for name, all_ in times.items()
    }
    rates = {at_once: round(asyncio.run(rate(settings, 5 * chosen.episodes, at_once)), 1) for at_once in (1, 4, 16)}
    result = {"user": os.geteuid(), "load": os.getloadavg()[0], "facts": facts, "ms": shown, "episodes/s": rates}
    if chosen.leaks:
        result["footprint"] = asyncio.run(leaks(settings, chosen.leaks))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
