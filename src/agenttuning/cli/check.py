"""`agenttuning check ID`: the conformance suite on one environment, on its own tasks or on official data."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.cli.settings import configure_world
from agenttuning.environments import load_environment
from agenttuning.errors import DataError, MissingExtraError, RecipeError
from agenttuning.pipeline.conformance import Report, Tally, broken_laws, has_oracle, play_noise, play_oracle, shown
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task

EMBEDDED_LIMIT = 200
"""Tasks of each split of a generator, unless --limit says otherwise."""


def main(arguments: Namespace) -> int:
    """Print the report; the exit code is 1 when a law is broken or noise wins."""
    kind = load_environment(arguments.id)
    config = configure_world(kind, arguments.overrides, official=arguments.official)
    variants = kind.oracles if config.official is not None or kind.packaged else {}
    report = asyncio.run(check(kind, config, split=arguments.split, limit=arguments.limit, variants=variants))
    if arguments.json:
        print(report.model_dump_json())
    else:
        _print(report)
    bad = report.noise.success or report.noise.crashes or any("oracle on" not in line for line in report.failures)
    return 1 if bad or (config.official is None and report.oracle.success < report.oracle.n) else 0


async def check(
    kind: type[Environment[Task]],
    config: EnvironmentConfig,
    *,
    split: str | None,
    limit: int | None,
    variants: Mapping[str, Mapping[str, str]] | None = None,
) -> Report:
    """Run the suite: every variant's oracle on all tasks, then noise, then the laws."""
    tasks = _load(kind, config, split, limit)
    oracles: dict[str, Tally] = {}
    failures: list[str] = []
    for name, settings in (variants or {"oracle": {}}).items():
        variant = config.model_copy(update=settings)
        try:
            played = _load(kind, variant, split, limit) if settings else tasks
            solved = [task for task in played if has_oracle(kind(task))]
            with progress(f"{kind.id} {name}", len(solved)) as advance:
                tally, lost = await play_oracle(map(kind, solved), advance)
        except MissingExtraError as error:
            failures.append(f"oracle on {name!r} left out: {error}")
            continue
        oracles[name] = tally
        failures += [f"{name}: {line}" for line in lost]
    noise, loud = await play_noise(kind, tasks)
    laws = [line for task in tasks[:3] for line in await broken_laws(kind, task)]
    return Report(
        environment=kind.id,
        source=", ".join(sorted({task.source for task in tasks})),
        tasks=len(tasks),
        oracle=next(iter(oracles.values()), Tally()),
        oracles=oracles if len(oracles) > 1 else {},
        noise=noise,
        failures=[*laws, *shown(loud), *shown(failures)],
    )


def _load(kind: type[Environment[Task]], config: EnvironmentConfig, split: str | None, limit: int | None) -> list[Task]:
    if limit is not None and limit < 1:
        raise RecipeError(f"--limit must be at least 1, got {limit}")
    splits = list(kind.splits(config)) if split is None else [split]
    found = {task.id: task for name in splits for task in _first(kind.load(name, config), limit)}
    tasks = list(found.values())
    if not tasks:
        raise DataError(f"{kind.id} found no task in {config.official or 'its generator'}, splits {splits}")
    return tasks


def _first(tasks: Iterable[Task], limit: int | None) -> Iterator[Task]:
    """Yield a split up to the limit; without one a generator's up to `EMBEDDED_LIMIT`, an official one whole."""
    for number, task in enumerate(tasks):
        if number == limit or (limit is None and task.difficulty is not None and number == EMBEDDED_LIMIT):
            return
        yield task


def _print(report: Report) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{report.environment}[/bold]  {report.tasks} tasks of {report.source}")
    for name, tally in (report.oracles or {"oracle": report.oracle}).items():
        extras = "".join(f", {metric} {value:.3f}" for metric, value in tally.metrics.items())
        console.print(f"  {name}: {tally.success} of {tally.n} won{extras}")
    noise = report.noise
    console.print(f"  noise: {noise.success} of {noise.n} won, {noise.crashes} crashes")
    for line in report.failures:
        console.print(f"  {line}", markup=False)
