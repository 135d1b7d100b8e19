"""Stage 2, collect: the teacher plays the training tasks; every trajectory is recorded, failed ones too (paper 2.2)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from pydantic import Field

from agenttuning.core.records import Trajectory
from agenttuning.core.rollout import rollouts
from agenttuning.core.run import StageConfig
from agenttuning.core.store import Appender, drop_torn_line, read_records
from agenttuning.environments import load_environment
from agenttuning.pipeline.construct import build_environment, read_entries
from agenttuning.pipeline.progress import progress
from agenttuning.policies import ModelConfig, OracleConfig, PolicyConfig, open_player

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task
    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.construct import Entry

TRAJECTORIES = "trajectories.jsonl"


class CollectConfig(StageConfig):
    """Who teaches, and how often each task is played."""

    teacher: PolicyConfig = OracleConfig()
    """Any policy; the oracle is the embedded teacher (the paper used gpt-4-0613)."""
    samples: int = Field(default=1, gt=0)
    """Plays per task."""
    concurrency: int = Field(default=64, gt=0)
    """Episodes in flight."""


def run(config: CollectConfig, run: Run) -> Manifest:
    """Append one `Trajectory` per (task, sample) to `trajectories.jsonl`; finished ones are never played again."""
    tasks = run.output("construct", "tasks.jsonl")
    stage = run.open("collect", config, inputs={"tasks": tasks})
    if stage.finished:
        return stage.finished
    path = stage.folder / TRAJECTORIES
    entries = list(read_entries(tasks, "train"))
    asyncio.run(
        play_missing(
            entries,
            config.teacher,
            path,
            samples=config.samples,
            concurrency=config.concurrency,
            label="collect",
            seed=run.seed,
        )
    )
    return stage.finish(outputs=(TRAJECTORIES,), counts=count_episodes(read_records(path, Trajectory)))


async def play_missing(
    entries: list[Entry], policy: PolicyConfig, path: Path, *, samples: int, concurrency: int, label: str, seed: int
) -> None:
    """Play every (task, sample) that `path` does not hold yet, and append its trajectory."""
    finished = _finished(path)
    total = len(entries) * samples
    with progress(label, total, done=len(finished)) as advance, Appender[Trajectory](path) as appender:
        if len(finished) == total:
            return
        async with open_player(_seeded(policy, seed)) as player:
            won = played = 0
            async for trajectory in rollouts(
                _missing(entries, samples, finished), player, concurrency=concurrency, seed=seed
            ):
                appender.append(trajectory)
                played += 1
                won += trajectory.score.success
                advance(note=f"success {won / played:.0%}")


def _seeded(policy: PolicyConfig, seed: int) -> PolicyConfig:
    """Give random draws the run's seed, where they have none of their own."""
    if not isinstance(policy, ModelConfig) or policy.sampling.seed is not None or policy.sampling.temperature == 0:
        return policy
    return policy.model_copy(update={"sampling": policy.sampling.model_copy(update={"seed": seed})})


def _finished(path: Path) -> set[tuple[str, str, int]]:
    if not path.exists():
        return set()
    drop_torn_line(path)
    return {(held.environment, held.task, held.sample) for held in read_records(path, Trajectory)}


def _missing(
    entries: list[Entry], samples: int, finished: set[tuple[str, str, int]]
) -> Iterator[tuple[Environment[Task], str, int]]:
    for entry in entries:
        world = load_environment(entry.environment).id
        for sample in range(samples):
            if (world, str(entry.task["id"]), sample) not in finished:
                yield build_environment(entry), entry.split, sample


def count_episodes(trajectories: Iterable[Trajectory]) -> dict[str, JsonValue]:
    """Count episodes, successes, stops and tokens by world."""
    counts: dict[str, Counter[str]] = {}
    for trajectory in trajectories:
        count = counts.setdefault(trajectory.environment, Counter())
        count["episodes"] += 1
        count["success"] += trajectory.score.success
        count["turns"] += trajectory.turns
        count[f"stop.{trajectory.stop}"] += 1
        count["completion_tokens"] += trajectory.usage.completion_tokens
    return {environment: dict(sorted(count.items())) for environment, count in sorted(counts.items())}
