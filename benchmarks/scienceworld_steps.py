"""Step and reset latency, episodes per second of a core, and memory of both backends of ScienceWorld.

    python benchmarks/scienceworld_steps.py [EPISODES]

The laboratory is measured in CPU time of this process; the simulator (with Java and the extra `scienceworld`) in wall
time, one Java machine at a time, against `ScienceWorldEnv.step` of the package itself, which lists all valid actions
at every step. Episodes are the first of the official selection whose gold path is short.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import statistics
import sys
import time
from itertools import islice
from pathlib import Path

from agenttuning.environments.worlds.laboratory.engine import Laboratory
from agenttuning.environments.worlds.laboratory.expert import Expert
from agenttuning.environments.worlds.laboratory.generator import draw_experiment
from agenttuning.environments.worlds.science.jvm import JavaMachine, missing_parts
from agenttuning.environments.worlds.science.official import episodes
from agenttuning.environments.worlds.science.simulator import open_simulator

Times = dict[str, list[float]]


def measure_laboratory(episodes_each: int) -> None:
    """Print steps, draws and expert episodes per second of CPU time."""
    for difficulty in ("tiny", "standard", "hard"):
        began = time.process_time()
        drawn = [draw_experiment(n, split="train", difficulty=difficulty, seed=0) for n in range(episodes_each)]
        drawing = time.process_time() - began
        steps, began = 0, time.process_time()
        for experiment in drawn:
            laboratory = Laboratory(experiment)
            for move in Expert(laboratory).plan():
                laboratory.act(move.action)
                steps += 1
                if laboratory.done:
                    break
        spent = time.process_time() - began
        print(
            f"laboratory, {difficulty}: {1e3 * spent / steps:.3f} ms/step, {episodes_each / (spent + drawing):,.0f} "
            f"episodes/s per core (drawn and played), draw {1e3 * drawing / episodes_each:.2f} ms"
        )


async def measure_simulator(count: int) -> Times:
    """Return seconds of every start, load, raw step, and listing of valid actions of our client."""
    times: Times = {name: [] for name in ("start", "load", "step", "valid", "episode")}
    began = time.perf_counter()
    machine = JavaMachine()
    simulator = await open_simulator(machine)
    times["start"].append(time.perf_counter() - began)
    try:
        for task, variation in chosen(count):
            opened = time.perf_counter()
            await simulator.load(task, variation)
            times["load"].append(time.perf_counter() - opened)
            for action in gold(task, variation):
                began = time.perf_counter()
                await simulator.act(action)
                times["step"].append(time.perf_counter() - began)
            times["episode"].append(time.perf_counter() - opened)
            began = time.perf_counter()
            await simulator.valid()
            times["valid"].append(time.perf_counter() - began)
        resident = sum(map(memory, group_members(machine.pid)))
        print(f"simulator: {resident / 1024:.0f} MB resident per machine, its shell included")
        await simulator.leave()
    finally:
        machine.close()
    return times


def measure_package(count: int) -> Times:
    """Return the same of the package's own client, whose step lists the valid actions."""
    package = importlib.import_module("scienceworld")
    times: Times = {name: [] for name in ("start", "load", "step", "episode")}
    began = time.perf_counter()
    world = package.ScienceWorldEnv("", envStepLimit=1000)
    times["start"].append(time.perf_counter() - began)
    for task, variation in chosen(count):
        opened = time.perf_counter()
        world.load(task, variation, "easy")
        world.reset()
        times["load"].append(time.perf_counter() - opened)
        for action in gold(task, variation):
            began = time.perf_counter()
            world.step(action)
            times["step"].append(time.perf_counter() - began)
        times["episode"].append(time.perf_counter() - opened)
    world.close()
    return times


def chosen(count: int) -> list[tuple[str, int]]:
    """Return test episodes of many tasks whose gold path has at most 40 moves."""
    short = [(task.name, number) for task, number in episodes("test") if len(task.gold[number]) <= 40]
    return list(islice(short[:: max(len(short) // count, 1)], count))


def gold(name: str, variation: int) -> tuple[str, ...]:
    """Return the gold path of an episode."""
    return next(task.gold[number] for task, number in episodes("test") if (task.name, number) == (name, variation))


def group_members(group: int) -> list[int]:
    """Return the processes of a group."""
    processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [process for process in processes if os.getpgid(process) == group]


def memory(process: int) -> int:
    """Return the resident memory of a process in kB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def show(name: str, times: Times) -> None:
    """Print the median and the 95th percentile of every kind of call."""
    for kind, values in times.items():
        ordered = sorted(values)
        worst = ordered[int(0.95 * (len(ordered) - 1))]
        print(f"{name}, {kind}: median {1e3 * statistics.median(ordered):.1f} ms, 95 % {1e3 * worst:.1f} ms")
    print(f"{name}: {len(times['episode']) / sum(times['episode']):.2f} episodes/s with one machine")


def main(count: int) -> None:
    """Print the figures."""
    measure_laboratory(200)
    if reason := missing_parts():
        print(f"no simulator: {reason}")
        return
    ours = asyncio.run(measure_simulator(count))
    show("simulator, our client", ours)
    theirs = measure_package(count)
    show("simulator, the package's client", theirs)
    ratio = statistics.fmean(theirs["step"]) / statistics.fmean(ours["step"])
    print(f"mean step: {1e3 * statistics.fmean(ours['step']):.1f} ms against {ratio:.1f} times as much")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
