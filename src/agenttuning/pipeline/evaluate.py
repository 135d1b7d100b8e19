"""Stage 8, evaluate: the test tasks of the run, played by the base and by the tuned model (paper, section 3.1).

Both play through the same rollouts as the teacher, under one sampling. Every episode is in `<model>.jsonl`, broken ones
too; `scores.json` holds one cell per model and world, and the paired change from the first model to each other one.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, JsonValue, StringConstraints, model_validator

from agenttuning.analysis.scores import WorldScore, compare, score_worlds
from agenttuning.analysis.statistics import PairedChange
from agenttuning.core.records import Record, Sampling, Trajectory
from agenttuning.core.run import OPERATIONAL, StageConfig, StageStart
from agenttuning.core.store import read_records, write_atomic
from agenttuning.errors import RecipeError, StageError, nearest
from agenttuning.pipeline.construct import read_entries
from agenttuning.pipeline.evaluated_model import EvaluatedModel, reached, weights_of
from agenttuning.pipeline.executors.seating import Candidate, ExecutorName, Seats, seeded
from agenttuning.pipeline.executors.shards import entries_of, rates_of
from agenttuning.pipeline.general_tests.settings import GeneralTests
from agenttuning.pipeline.playing import play_missing
from agenttuning.pipeline.plays import PlayPlan
from agenttuning.pipeline.profile import Profile, Profiler, write_profiles
from agenttuning.policies import LocalConfig, OpenAIConfig, TgiConfig

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agenttuning.core.run import Manifest, Run, Stage
    from agenttuning.pipeline.construct import Entry
    from agenttuning.policies import PolicyConfig

SCORES = "scores.json"
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Becomes a file name."""


class EvaluateConfig(StageConfig):
    """Which models play which test tasks, and how their tokens are drawn."""

    models: dict[ModelName, EvaluatedModel] = Field(default={"base": EvaluatedModel(), "tuned": EvaluatedModel()})
    """Name to model; the first is what all others are compared with."""
    environments: tuple[str, ...] | None = None
    """Worlds to play; None plays every world that has test tasks in the run."""
    tasks: int | None = Field(default=None, gt=0)
    """Test tasks per world, from the first on; None plays all."""
    samples: int = Field(default=1, gt=0)
    """Plays per task; more than one only says something when tokens are drawn at random."""
    concurrency: Annotated[int, OPERATIONAL] = Field(default=32, gt=0)
    """Episodes in flight, all worlds together; worlds that hold a JVM, a page or a sandbox are fewer by themselves."""
    executor: Annotated[ExecutorName, OPERATIONAL] = "local"
    """Who hosts the worlds: `local` this machine, `ray` the actors of a Ray cluster (`RAY_ADDRESS`, else one of its
    own). Models are asked from this process in any case."""
    processes: Annotated[int, OPERATIONAL] = Field(default=0, ge=0)
    """Worker processes that host worlds, for those that are heavy on the CPU; 0 is this process alone under `local`,
    and one actor per CPU under `ray`."""
    sampling: Sampling = Sampling()
    """The same for all models, so that their numbers may stand side by side; greedy and 128 tokens as in the paper."""
    general: GeneralTests = GeneralTests()
    """MMLU, GSM8K and HumanEval, on your own files of them."""

    @property
    def seats(self) -> Seats:
        """How many episodes live at once, and where."""
        return Seats(self.concurrency, self.executor, self.processes)

    @model_validator(mode="after")
    def _names(self) -> EvaluateConfig:
        if not self.models:
            raise ValueError("name at least one model, for example [evaluate.models.tuned]")
        for name, model in self.models.items():
            own = model.policy != "oracle" and not (model.policy == "openai" and model.base_url)
            if own and model.model is None and name not in {"base", "tuned"}:
                raise ValueError(f"models.{name}.model is missing; only 'base' and 'tuned' are known from the run")
        return self


class EvaluationScores(Record):
    """The content of `scores.json`."""

    scores: dict[str, dict[str, WorldScore]]
    """Model to world to cell."""
    changes: dict[str, dict[str, PairedChange]]
    """Model to world to its paired change from the first model."""
    made_by: StageStart
    """Seed, configuration and inputs of the evaluation."""


def run(config: EvaluateConfig, run: Run) -> Manifest:
    """Write `<model>.jsonl` and `scores.json`; finished episodes are never played again.

    Raises:
        RecipeError: a model cannot be told from the run, or a world has no test tasks.
        StageError: there is nothing to play.
    """
    chosen = _chosen(list(read_entries(run.output("construct", "tasks.jsonl"), "test")), config)
    weights = {name: weights_of(name, model, run) for name, model in config.models.items()}
    stage = begin(config, run)
    if stage.finished:
        return stage.finished
    entries = entries_of(run.shard, chosen)
    profiles: dict[str, Profile] = {}
    for name, model in config.models.items():
        with reached(name, model, weights[name], sampling=config.sampling, concurrency=config.concurrency) as policy:
            profiles[name] = _play(
                config, entries, rates_of(policy, run.shard), stage.folder / f"{name}.jsonl", run=run
            )
    if run.profile:
        write_profiles(stage.folder, profiles)
    return conclude(config, run, stage)


def begin(config: EvaluateConfig, run: Run) -> Stage:
    """Open the stage, or what of it a shard plays; raises as `Run.open`."""
    tasks = run.output("construct", "tasks.jsonl")
    return run.open("evaluate", config, inputs={"tasks": tasks, **_tuned_folder(config, run)})


def conclude(config: EvaluateConfig, run: Run, stage: Stage) -> Manifest:
    """Judge what was played, and finish the stage; a shard leaves the judging to the merge."""
    outputs = tuple(f"{name}.jsonl" for name in config.models)
    if run.shard is not None:
        return stage.finish(outputs=outputs, counts={})
    judged = judge(stage.folder, list(config.models), stage.start)
    write_atomic(stage.folder / SCORES, judged.model_dump_json(indent=2) + "\n")
    return stage.finish(outputs=(*outputs, SCORES), counts=_counts(judged))


def _play(config: EvaluateConfig, entries: list[Entry], policy: PolicyConfig, path: Path, *, run: Run) -> Profile:
    """Have one model play, and tell where the time went; of all shards the first asks the general tests."""
    profiler = Profiler(config.seats)
    play = play_missing(
        entries,
        Candidate(seeded(policy, run.seed)),
        path,
        plan=PlayPlan(samples=config.samples),
        seats=config.seats,
        label=f"evaluate {path.stem}",
        seed=run.seed,
        profiler=profiler,
    )
    asyncio.run(play)
    if run.shard is None or run.shard.number == 0:
        _play_general(config, policy, path, label=f"general {path.stem}", seed=run.seed)
    return profiler.profile()


def _play_general(config: EvaluateConfig, policy: PolicyConfig, path: Path, *, label: str, seed: int) -> None:
    """Ask the general tests, which no oracle answers."""
    if config.general.data() and isinstance(policy, LocalConfig | OpenAIConfig | TgiConfig):
        from agenttuning.pipeline.general_tests.play import play_general

        asyncio.run(play_general(config.general, policy, path, label=label, seed=seed))


def judge(folder: Path, models: Iterable[str], made_by: StageStart) -> EvaluationScores:
    """Score what the models played.

    Raises:
        DataError: trajectories of unlike making in one cell, or models that were not measured alike.
    """
    played = {model: list(read_records(folder / f"{model}.jsonl", Trajectory)) for model in models}
    scores = {model: score_worlds(trajectories) for model, trajectories in played.items()}
    first, *others = played
    changes = {
        model: {
            world: compare(_of(played[first], world), _of(played[model], world))
            for world in scores[model]
            if world in scores[first]
        }
        for model in others
    }
    return EvaluationScores(scores=scores, changes=changes, made_by=made_by)


def _tuned_folder(config: EvaluateConfig, run: Run) -> dict[str, Path]:
    """Return the run's own model as an input of the stage, where a model of the evaluation is that one."""
    tuned = config.models.get("tuned")
    own = tuned is not None and tuned.policy != "oracle" and tuned.model is None
    return {"model": run.output("train", "model")} if own else {}


def _chosen(entries: list[Entry], config: EvaluateConfig) -> list[Entry]:
    held = list(dict.fromkeys(entry.environment for entry in entries))
    for wanted in config.environments or ():
        if wanted not in held:
            raise RecipeError(
                f"evaluate.environments names {wanted!r}, which has no test tasks in this run{nearest(wanted, held)}; "
                f"worlds with test tasks: {', '.join(held) or 'none'}"
            )
    chosen = [
        entry
        for world in config.environments or held
        for entry in islice((entry for entry in entries if entry.environment == world), config.tasks)
    ]
    if not chosen and not config.general.data():
        raise StageError(
            "the run has no test tasks to play; give every world some with construct.environments.<world>.tasks.test"
        )
    return chosen


def _of(trajectories: Iterable[Trajectory], world: str) -> list[Trajectory]:
    return [trajectory for trajectory in trajectories if trajectory.environment == world]


def _counts(judged: EvaluationScores) -> dict[str, JsonValue]:
    return {
        model: {
            world: {"n": cell.n, "success": round(cell.success, 4), "broken": sum(cell.errors.values())}
            for world, cell in cells.items()
        }
        for model, cells in judged.scores.items()
    }
