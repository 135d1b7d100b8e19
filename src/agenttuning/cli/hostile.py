"""`agenttuning check ID --hostile N` and `--probes`: what a hostile model meets in one world, and what it wins."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.errors import DataError, RecipeError
from agenttuning.pipeline.conformance import shown
from agenttuning.pipeline.hostility.probe import LEARNED, ProbeReport, ProbeResult, learn, try_probe
from agenttuning.pipeline.hostility.probes import PROBED_TASKS, PROBES, general
from agenttuning.pipeline.hostility.suite import HostileReport, play_hostile
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from argparse import Namespace

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task

_TASKS, _SLOW_TASKS = 50, 6


def attack(kind: type[Environment[Task]], config: EnvironmentConfig, arguments: Namespace) -> int:
    """Play the hostile suite and print what came of it; the exit code is 1 when the world is not sound."""
    if arguments.hostile < 1:
        raise RecipeError(f"--hostile must be at least 1, got {arguments.hostile}")
    usual = _SLOW_TASKS if kind.slow_start else _TASKS
    split = arguments.split or "train"
    tasks = list(islice(kind.load(split, config), arguments.limit or usual))
    if not tasks:
        raise DataError(f"{kind.id} has no task in split {split!r}; choose another with --split")
    with progress(f"{kind.id} hostile", arguments.hostile) as advance:
        report = asyncio.run(play_hostile(kind, tasks, replies=arguments.hostile, seed=arguments.seed, advance=advance))
    if arguments.json:
        print(report.model_dump_json())
    else:
        _print(report)
    return 0 if report.sound else 1


def probe(kind: type[Environment[Task]], config: EnvironmentConfig, arguments: Namespace) -> int:
    """Try the probes of a world and print what they won; the exit code is 1 when one won more than it may."""
    most = arguments.limit or PROBED_TASKS.get(kind.id, 200)
    results = asyncio.run(_try_all(kind, config, most))
    if arguments.json:
        print(ProbeReport(results=results).model_dump_json())
        return 0 if all(result.held for result in results) else 1
    console = Console(highlight=False)
    for result in results:
        held = "" if result.held else "  [bold]more than it may[/bold]"
        leaked = f", told in {result.told} what is secret" if result.told else ""
        won = f"mean reward {result.reward:.3f} (at most {result.bound:g}), success {result.success:.1%}"
        console.print(f"{result.probe}: {won} on {result.tasks} tasks{leaked}{held}")
    return 0 if all(result.held for result in results) else 1


async def _try_all(kind: type[Environment[Task]], config: EnvironmentConfig, most: int) -> list[ProbeResult]:
    probes = PROBES.get(kind.id, general())
    with progress(f"{kind.id} probes", len(probes)) as advance:
        lore = await learn(kind, config, tasks=min(most, LEARNED))
        tasks = list(islice(kind.load("test", config), most))
        results = []
        for tried in probes:
            results.append(await try_probe(kind, tried, tasks, lore))
            advance()
    return results


def _print(report: HostileReport) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{report.environment}[/bold]  {report.replies} hostile replies in {report.episodes} episodes")
    console.print(f"  {report.crashes} crashes, {report.hangs} hangs, {len(report.leaks)} leaks")
    console.print(f"  slowest reply {report.slowest_seconds:.1f} s; {report.processor_seconds:.1f} s of processor time")
    ways = ", ".join(f"{way} {count}" for way, count in sorted(report.explained.items()))
    console.print(f"  {report.rewarded} episodes with a reward: {ways or 'none'}")
    told = {"left behind": report.leaks, "broke": report.faults, "unearned": report.unearned, "legal": report.legal}
    for title, lines in told.items():
        for line in shown(lines):
            console.print(f"  {title}: {line}", markup=False)
