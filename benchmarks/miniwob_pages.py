"""Latency, throughput and memory of MiniWoB++: the pages in Chromium, and the embedded forms.

    python benchmarks/miniwob_pages.py [SEEDS]

Reset is: open a context and a page, load, start the episode, read the HTML. Step is: one action and the HTML after it.
Both come from oracle plays of all pages that have one, one at a time; rates from the same plays, several at a time.
CPU time is that of all processes of the browser, its driver and ours. The peer is the gymnasium environment of the
`miniwob` wheel (one browser per environment, through chromedriver), which resets on a page that is loaded already.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollouts
from agenttuning.environments.held_out.miniwob import Miniwob, MiniwobConfig
from agenttuning.environments.worlds.browser.owner import shared_browser
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from agenttuning.environments.held_out.miniwob import MiniwobTask

WIDTHS = (1, 2, 4, 8)
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family() -> list[int]:
    """Return this process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [os.getpid()]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def spent() -> float:
    """Return the CPU seconds of the family, its dead included."""
    total = 0
    for process in family():
        try:
            total += sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return total / _TICKS


def memory() -> float:
    """Return the family's memory in MB, shared pages divided among those who share them."""
    total = 0
    for process in family():
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


async def latency(tasks: list[MiniwobTask]) -> tuple[list[float], list[float], int]:
    """Return the seconds of each reset and of each step, and the episodes won."""
    resets: list[float] = []
    steps: list[float] = []
    won = 0
    for task in tasks:
        async with Miniwob(task) as environment:
            replies = environment.oracle()
            assert replies is not None, task.id
            began = time.perf_counter()
            await environment.start()
            resets.append(time.perf_counter() - began)
            for reply in replies:
                began = time.perf_counter()
                step = await environment.step(reply)
                steps.append(time.perf_counter() - began)
                if step.done:
                    break
            won += (await environment.score()).success
    return resets, steps, won


async def rate(tasks: list[MiniwobTask], width: int) -> tuple[float, float]:
    """Return the episodes per second, and per second of CPU time."""
    began, used = time.perf_counter(), spent()
    entries = ((Miniwob(task), "test", 0) for task in tasks)
    count = 0
    async for trajectory in rollouts(entries, oracle_player, concurrency=width):
        count += trajectory.failure is None
    return count / (time.perf_counter() - began), count / (spent() - used)


async def page_memory(task: MiniwobTask, count: int) -> tuple[float, float]:
    """Return the memory of everything without a page, and what each of several open pages adds."""
    before = memory()
    environments = [Miniwob(task) for _ in range(count)]
    for environment in environments:
        await environment.start()
    added = memory() - before
    for environment in environments:
        await environment.close()
    return before, added / count


def milliseconds(seconds: list[float]) -> str:
    """Return median and 95th percentile."""
    ordered = sorted(seconds)
    return f"p50 {1e3 * statistics.median(ordered):.1f} ms, p95 {1e3 * ordered[int(0.95 * len(ordered))]:.1f} ms"


def peer(page: str, count: int) -> tuple[float, float]:
    """Return the seconds to make the wheel's own environment, and the median reset on its loaded page."""
    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    gymnasium = importlib.import_module("gymnasium")
    gymnasium.register_envs(importlib.import_module("miniwob"))
    began = time.perf_counter()
    environment = gymnasium.make(f"miniwob/{page}-v1")
    try:
        environment.reset(seed=0)
        made = time.perf_counter() - began
        resets = []
        for seed in range(count):
            began = time.perf_counter()
            environment.reset(seed=seed)
            resets.append(time.perf_counter() - began)
    finally:
        environment.close()
    return made, statistics.median(resets)


def _playable(config: MiniwobConfig) -> list[MiniwobTask]:
    return [task for task in Miniwob.load("test", config) if Miniwob(task).oracle() is not None]


def main() -> None:
    """Print the figures."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    forms = _playable(MiniwobConfig())[:300]
    asyncio.run(latency(forms[:5]))
    resets, steps, won = asyncio.run(latency(forms))
    print(f"forms: {won} of {len(forms)} won; reset {milliseconds(resets)}; step {milliseconds(steps)}")
    print(f"forms: {asyncio.run(rate(forms, 1))[1]:,.0f} episodes per CPU second")
    began = time.perf_counter()
    browser = shared_browser()
    print(f"Chromium {browser.version}: start {time.perf_counter() - began:.2f} s")
    tasks = [task for task in _playable(MiniwobConfig(backend="chromium")) if task.seed < seeds]
    asyncio.run(latency(tasks[:2]))
    idle, each = asyncio.run(page_memory(tasks[0], 8))
    print(f"pages: {idle:.0f} MB without a page (PSS, all processes), {each:.0f} MB for each of 8 open pages")
    resets, steps, won = asyncio.run(latency(tasks))
    print(f"pages: {won} of {len(tasks)} won; reset {milliseconds(resets)}; step {milliseconds(steps)}")
    for width in WIDTHS:
        by_wall, by_cpu = asyncio.run(rate(tasks, width))
        print(f"pages, {width} at a time: {by_wall:.1f} episodes/s, {by_cpu:.1f} per CPU second")
    if shutil.which("chromedriver") is None:
        print("no peer: chromedriver not found; install Debian's package chromium-driver")
        return
    made, again = peer("login-user", 20)
    ours = statistics.median(resets)
    print(f"the wheel's gymnasium environment: make {made:.2f} s, reset {1e3 * again:.1f} ms, no HTML")
    print(f"ratio: a new page of ours {made / ours:.1f} times as fast as a new one of theirs")


if __name__ == "__main__":
    main()
