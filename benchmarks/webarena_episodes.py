"""Latency, throughput and memory of WebArena on webarena-mini: real Chromium, own sites and a context per episode.

    python benchmarks/webarena_episodes.py [TASKS]

Reset is: fill the sites' database, serve them, open a context and its first tabs, read the tree. Step is: one action of
the oracle, until the page rests, and the tree after it. Both one episode at a time; rates from the same plays, several
at a time. CPU time and memory are those of all processes of the browser, its driver and ours.
Beside it stands browsergym-core 0.14.3 on the official sites, as stated (not measured here, and those sites answer
slower than ours): 5 to 10 s for a reset, 1 to 3 s for a step.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from itertools import islice

from miniwob_pages import memory, milliseconds, spent

from agenttuning.core.rollout import rollouts
from agenttuning.environments.held_out.webarena import Webarena
from agenttuning.environments.worlds.browser.owner import shared_browser
from agenttuning.environments.worlds.webarena.task import WebarenaConfig, WebarenaTask
from agenttuning.policies.oracle import oracle_player

WIDTHS = (1, 2, 4)
PEER_RESET, PEER_STEP = 5.0, 1.0
PAGES = 6


async def latency(tasks: list[WebarenaTask]) -> tuple[list[float], list[float], int]:
    """Return the seconds of each reset and of each step, and the episodes won."""
    resets: list[float] = []
    steps: list[float] = []
    won = 0
    for task in tasks:
        async with Webarena(task) as environment:
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


async def rate(tasks: list[WebarenaTask], width: int) -> tuple[float, float]:
    """Return the episodes per second, and per second of CPU time."""
    began, used = time.perf_counter(), spent()
    entries = ((Webarena(task), "test", 0) for task in tasks)
    count = 0
    async for trajectory in rollouts(entries, oracle_player, concurrency=width):
        count += trajectory.failure is None
    return count / (time.perf_counter() - began), count / (spent() - used)


async def page_memory(task: WebarenaTask) -> tuple[float, float]:
    """Return the memory of everything without an episode, and what each of several live ones adds, in MB."""
    before = memory()
    environments = [Webarena(task) for _ in range(PAGES)]
    for environment in environments:
        await environment.start()
    added = memory() - before
    for environment in environments:
        await environment.close()
    return before, added / PAGES


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    tasks = list(islice(Webarena.load("test", WebarenaConfig()), count))
    began = time.perf_counter()
    browser = shared_browser()
    print(f"Chromium {browser.version}: start {time.perf_counter() - began:.2f} s")
    asyncio.run(latency(tasks[:2]))
    idle, each = asyncio.run(page_memory(tasks[0]))
    print(f"memory: {idle:.0f} MB without an episode (PSS, all processes), {each:.0f} MB for each of {PAGES} live ones")
    resets, steps, won = asyncio.run(latency(tasks))
    print(f"{won} of {count} won; reset {milliseconds(resets)}; step {milliseconds(steps)} ({len(steps)} steps)")
    for width in WIDTHS:
        by_wall, by_cpu = asyncio.run(rate(tasks, width))
        print(f"{width} at a time: {by_wall:.2f} episodes/s, {by_cpu:.2f} per CPU second")
    reset, step = PEER_RESET / statistics.median(resets), PEER_STEP / statistics.median(steps)
    print(f"ratio to the least that browsergym-core states: reset {reset:.0f}, step {step:.0f}")


if __name__ == "__main__":
    main()
