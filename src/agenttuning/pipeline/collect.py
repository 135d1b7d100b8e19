"""Stage 2, collect: the teacher plays the training tasks; every trajectory is recorded, failed ones too (paper 2.2).

`trajectories.jsonl` grows by one line per finished episode and can be read at any time. What teachers behind HTTP
answer goes to `calls/collect.jsonl` of the run folder before it is used, with its usage, price and attempts. That file
outlives the stage: after a kill, or under `--from collect`, the same request is answered from it and costs nothing.

A budget that is used up, or a server that refuses the account, ends the stage in one sentence and exit code 1;
`--resume` goes on, with a larger budget if need be. Episodes that were cut short lie in `unfinished.jsonl` until then,
and are played to their end without paying twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from agenttuning.core.records import Trajectory
from agenttuning.core.run import OPERATIONAL, StageConfig
from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError, StageError, nearest
from agenttuning.pipeline.construct import read_entries
from agenttuning.pipeline.executors.seating import ExecutorName, Seats
from agenttuning.pipeline.executors.shards import entries_of, rates_of, share_of_budget
from agenttuning.pipeline.playing import UNFINISHED, play_missing
from agenttuning.pipeline.plays import PlayPlan
from agenttuning.pipeline.profile import Profiler, write_profiles
from agenttuning.pipeline.teachers import Faculty, TeacherShare
from agenttuning.pipeline.thoughts import ThoughtRepair, repair_thoughts
from agenttuning.policies import OracleConfig, PolicyConfig
from agenttuning.policies.budget import BudgetConfig
from agenttuning.policies.ledger import Ledger, count_calls

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.run import Manifest, Run, Stage
    from agenttuning.core.shards import Shard
    from agenttuning.pipeline.construct import Entry

TRAJECTORIES = "trajectories.jsonl"


class CollectConfig(StageConfig):
    """Who teaches, how often each task is played, and what it may cost."""

    teacher: PolicyConfig = OracleConfig()
    """Any policy; the oracle is the embedded teacher (the paper used gpt-4-0613)."""
    teachers: tuple[TeacherShare, ...] = ()
    """Several teachers instead of one, `[[collect.teachers]]` with `policy` and `share`; which of them plays a sample
    of a task is drawn from the run's seed."""
    samples: int = Field(default=1, gt=0)
    """Plays per task; all are kept, the filter chooses."""
    temperatures: tuple[Annotated[float, Field(ge=0.0)], ...] = ()
    """Of the first sample, the second and so on, then from the first again; empty takes the teacher's own."""
    enough: int | None = Field(default=None, gt=0)
    """Successful trajectories of a task after which its further samples are left out; None plays all samples."""
    enough_per_world: dict[str, Annotated[int, Field(gt=0)]] = {}
    """World to the successful trajectories after which no further task of it is drawn, as the paper did it for ALFWorld
    and WebShop; worlds not named play all their tasks."""
    budget: BudgetConfig = BudgetConfig()
    """What calls over HTTP may cost."""
    thoughts: ThoughtRepair | None = None
    """A second pass in which a model writes missing thoughts; None leaves every turn as the teacher wrote it."""
    concurrency: Annotated[int, OPERATIONAL] = Field(default=64, gt=0)
    """Episodes in flight, all worlds together; worlds that hold a JVM, a page or a sandbox are fewer by themselves."""
    executor: Annotated[ExecutorName, OPERATIONAL] = "local"
    """Who hosts the worlds: `local` this machine, `ray` the actors of a Ray cluster (`RAY_ADDRESS`, else one of its
    own). Models are asked from this process in any case, so budget, limits and paid answers hold."""
    processes: Annotated[int, OPERATIONAL] = Field(default=0, ge=0)
    """Worker processes that host worlds, for those that are heavy on the CPU; 0 is this process alone under `local`,
    and one actor per CPU under `ray`."""

    @model_validator(mode="after")
    def _one_faculty(self) -> CollectConfig:
        if self.teachers and self.teacher != OracleConfig():
            raise ValueError("give either teacher or teachers, not both")
        return self

    @property
    def faculty(self) -> tuple[TeacherShare, ...]:
        """All teachers."""
        return self.teachers or (TeacherShare(policy=self.teacher),)

    @property
    def seats(self) -> Seats:
        """How many episodes live at once, and where."""
        return Seats(self.concurrency, self.executor, self.processes)

    @property
    def plan(self) -> PlayPlan:
        """How often tasks are played."""
        return PlayPlan(samples=self.samples, enough=self.enough, enough_per_world=self.enough_per_world)


def run(config: CollectConfig, run: Run) -> Manifest:
    """Append one `Trajectory` per (task, sample) to `trajectories.jsonl`; finished ones are never played again.

    Raises:
        RecipeError: a world is named that has no training tasks, or a model has no known price under a dollar budget.
        StageError: the budget is used up, or the teacher's server refuses us; what is done is kept, a resume goes on.
    """
    entries = list(read_entries(run.output("construct", "tasks.jsonl"), "train"))
    _check_worlds(config, entries, run.shard)
    stage = begin(config, run)
    if stage.finished:
        return stage.finished
    path = stage.folder / TRAJECTORIES
    entries = entries_of(run.shard, entries)
    profiler = Profiler(config.seats)
    with Ledger(run.calls("collect"), share_of_budget(config.budget, run.shard)) as ledger:
        repaired = asyncio.run(_collect(config, entries, path, run=run, ledger=ledger, profiler=profiler))
        if run.profile:
            write_profiles(stage.folder, {"collect": profiler.profile()})
        if ledger.budget.refusal or (ledger.budget.used_up and config.budget.then == "stop"):
            raise StageError(_stopped(config, path, len(entries), ledger))
    return conclude(config, run, stage, thoughts=repaired)


def begin(config: CollectConfig, run: Run) -> Stage:
    """Open the stage, or what of it a shard plays; raises as `Run.open`."""
    return run.open("collect", config, inputs={"tasks": run.output("construct", "tasks.jsonl")})


def conclude(config: CollectConfig, run: Run, stage: Stage, *, thoughts: dict[str, JsonValue]) -> Manifest:
    """Count what was played, and finish the stage."""
    counts = count_episodes(read_records(stage.folder / TRAJECTORIES, Trajectory))
    if made := count_calls(run.calls("collect")):
        counts["calls"] = made
    if config.thoughts is not None:
        counts["thoughts"] = thoughts
    return stage.finish(outputs=(TRAJECTORIES,), counts=counts)


async def _collect(
    config: CollectConfig, entries: list[Entry], path: Path, *, run: Run, ledger: Ledger, profiler: Profiler
) -> dict[str, JsonValue]:
    teachers = tuple(
        teacher.model_copy(update={"policy": rates_of(teacher.policy, run.shard)}) for teacher in config.faculty
    )
    await play_missing(
        entries,
        Faculty(teachers, config.temperatures, run.seed),
        path,
        plan=config.plan,
        seats=config.seats,
        label="collect",
        seed=run.seed,
        ledger=ledger,
        profiler=profiler,
    )
    if config.thoughts is None or ledger.budget.used_up:
        return {}
    repair = config.thoughts.model_copy(update={"policy": rates_of(config.thoughts.policy, run.shard)})
    return await repair_thoughts(path, entries, repair, concurrency=config.concurrency, seed=run.seed, ledger=ledger)


def _check_worlds(config: CollectConfig, entries: list[Entry], shard: Shard | None) -> None:
    if config.enough_per_world and shard is not None:
        raise RecipeError(
            "collect.enough_per_world counts the successes of a whole world, which no shard knows; drop it, or play "
            "the run undivided (executor = 'ray' takes several machines)"
        )
    held = list(dict.fromkeys(entry.environment for entry in entries))
    for world in config.enough_per_world:
        if world not in held:
            raise RecipeError(
                f"collect.enough_per_world names {world!r}, which has no training tasks in this run"
                f"{nearest(world, held)}; worlds with training tasks: {', '.join(held) or 'none'}"
            )


def _stopped(config: CollectConfig, path: Path, tasks: int, ledger: Ledger) -> str:
    finished = sum(1 for _ in read_records(path, Trajectory))
    cut = path.with_name(UNFINISHED)
    open_ = sum(1 for _ in read_records(cut, Trajectory)) if cut.exists() else 0
    state = (
        f"{finished:,} of {tasks * config.samples:,} episodes are finished and kept in {path}, {open_:,} were cut short"
    )
    if ledger.budget.refusal:
        return f"{ledger.budget.refusal} ({state}; continue with --resume)"
    return (
        f"{ledger.budget.told()}; {state}. Continue with --resume and a larger collect.budget, "
        "or close the stage as it is with --resume collect.budget.then=finish"
    )


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
