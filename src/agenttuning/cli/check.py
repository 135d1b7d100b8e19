"""`agenttuning check ID`: the conformance suite on one environment, on its own tasks or on official data."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.analysis.statistics import rate_interval
from agenttuning.cli.hostile import attack, probe
from agenttuning.cli.settings import configure_world
from agenttuning.environments import load_environment
from agenttuning.errors import DataError, MissingExtraError, RecipeError
from agenttuning.pipeline.conformance import Report, Tally, broken_laws, has_oracle, play_noise, play_oracle, shown
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from argparse import Namespace

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task

EMBEDDED_LIMIT, SLOW_LIMIT = 200, 70
"""Tasks of each split of a generator, unless --limit says otherwise; the second where every episode opens a page."""


def main(arguments: Namespace) -> int:
    """Print the report; the exit code is 1 when a law is broken or noise wins."""
    kind = load_environment(arguments.id)
    config = configure_world(kind, arguments.overrides, official=arguments.official)
    if arguments.hostile is not None:
        return attack(kind, config, arguments)
    if arguments.probes:
        return probe(kind, config, arguments)
    report = asyncio.run(check(kind, config, split=arguments.split, limit=arguments.limit))
    if arguments.json:
        print(report.model_dump_json())
    else:
        _print(report)
    excused = ("oracle on", "... and ")  # lost plays are counted, and told of one by one only at first
    broken = [line for line in report.failures if not any(words in line for words in excused)]
    bad = report.noise.success or report.noise.crashes or broken
    must_win = config.official is None and not kind.expert_oracle
    return 1 if bad or (must_win and report.oracle.success < report.oracle.n) else 0


async def check(
    kind: type[Environment[Task]], config: EnvironmentConfig, *, split: str | None, limit: int | None
) -> Report:
    """Run the suite: every oracle on all tasks, then noise, then the laws.

    A benchmark that comes installed is played as well, unless a split, a limit or a setting asks for a part.
    """
    usual = SLOW_LIMIT if kind.slow_start else EMBEDDED_LIMIT
    most = limit if limit is not None or config.official is not None else usual
    tasks = _load(kind, config, split, most)
    inspection = kind.inspect(config)
    source = ", ".join(sorted({task.source for task in tasks}))
    if inspection is not None and inspection.unplayed:
        return Report(environment=kind.id, source=source, tasks=len(tasks), oracle=Tally(), inspection=inspection)
    oracles: dict[str, Tally] = {}
    left_out: dict[str, int] = {}
    failures: list[str] = []
    ruled = tasks[: 1 if kind.slow_start else 3]
    variants = dict(kind.oracles if config.official is not None else {}) or {"oracle": {}}
    if split is None and limit is None and config == kind.config_type():
        variants |= kind.installed
    for name, settings in variants.items():
        variant = config.model_copy(update=settings)
        try:
            if name in kind.installed:
                played = _load(kind, variant, "test", None)
            else:
                played = _load(kind, variant, split, most) if settings else tasks
            solved = [task for task in played if has_oracle(kind(task))]
            with progress(f"{kind.id} {name}", len(solved)) as advance:
                tally, lost = await play_oracle(map(kind, solved), advance, may_lose=kind.expert_oracle)
        except (DataError, MissingExtraError) as error:
            failures.append(f"oracle on {name!r} left out: {error}")
            continue
        oracles[name] = tally
        if len(solved) < len(played):
            left_out[name] = len(played) - len(solved)
        failures += [f"{name}: {line}" for line in lost]
        if name in kind.installed:
            ruled += solved[:3]
    noise, loud = await play_noise(kind, tasks)
    laws = [line for task in ruled for line in await broken_laws(kind, task)]
    oracle = next(iter(oracles.values()), Tally())
    return Report(
        environment=kind.id,
        source=source,
        inspection=inspection,
        tasks=len(tasks),
        oracle=oracle,
        win_rate_ci=rate_interval(oracle.success, oracle.n) if kind.expert_oracle and oracle.n else None,
        oracles=oracles if len(oracles) > 1 else {},
        without_oracle=left_out,
        noise=noise,
        failures=[*laws, *shown(loud), *shown(failures)],
    )


def _load(kind: type[Environment[Task]], config: EnvironmentConfig, split: str | None, most: int | None) -> list[Task]:
    if most is not None and most < 1:
        raise RecipeError(f"--limit must be at least 1, got {most}")
    splits = list(kind.splits(config)) if split is None else [split]
    found = {task.id: task for name in splits for task in islice(kind.load(name, config), most)}
    tasks = list(found.values())
    if not tasks:
        raise DataError(f"{kind.id} found no task in {config.official or 'its generator'}, splits {splits}")
    return tasks


def _print(report: Report) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{report.environment}[/bold]  {report.tasks} tasks of {report.source}")
    if report.inspection is not None:
        for what, count in report.inspection.counts.items():
            console.print(f"  {what}: {count}")
        if report.inspection.unplayed:
            console.print(f"  {report.inspection.unplayed}", markup=False)
            return
    for name, tally in (report.oracles or {"oracle": report.oracle}).items():
        extras = "".join(f", {metric} {value:.3f}" for metric, value in tally.metrics.items())
        console.print(f"  {name}: {tally.success} of {tally.n} won{extras}")
        if more := report.without_oracle.get(name):
            console.print(f"    {more} more tasks have no oracle")
    if report.win_rate_ci:
        low, high = report.win_rate_ci
        console.print(f"  an expert that may lose: 95 % interval of its win rate {low:.1%} to {high:.1%}")
    noise = report.noise
    console.print(f"  noise: {noise.success} of {noise.n} won, {noise.crashes} crashes")
    for line in report.failures:
        console.print(f"  {line}", markup=False)
