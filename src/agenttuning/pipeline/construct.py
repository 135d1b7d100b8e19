"""Stage 1, construct: the task list of the run: which tasks of which worlds, from which source (paper, section 2.1).

A world's train tasks come from its own train split, from a text-to-SQL corpus (`task_derivation`, for `database`), or
from a teacher's proposals (`self_instruct`, for `operating_system` and `database`); what a corpus or a teacher gives is
proved by execution before it enters `tasks.jsonl`, and what fell stands in `rejected.jsonl` with its reason. Test tasks
always come from the world itself. The sources at work: [construct](../construct.md).
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue, SerializeAsAny, ValidationError, model_validator

from agenttuning.core.environment import EnvironmentConfig
from agenttuning.core.records import Record, Task
from agenttuning.core.run import StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.environments import load_environment
from agenttuning.errors import DataError, RecipeError, StageError
from agenttuning.pipeline.construction.settings import SelfInstruct, SourceName, TaskDerivation, TeacherConfig
from agenttuning.pipeline.construction.sources import WORLDS, Order, gather
from agenttuning.pipeline.progress import progress
from agenttuning.policies.budget import BudgetConfig
from agenttuning.policies.ledger import Ledger, count_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from agenttuning.core.environment import Environment
    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.construction.settling import Harvest
    from agenttuning.pipeline.progress import Advance

Purpose = Literal["train", "test"]


class Entry(Record):
    """One line of `tasks.jsonl`."""

    environment: str
    split: Purpose
    """`train`: played by the teacher; `test`: played by the models under evaluation."""
    task: dict[str, JsonValue]


class WorldPlan(Record):
    """What a run takes from one world; all further keys of the table are the world's own configuration."""

    tasks: dict[Purpose, int | Literal["all"]] = Field(default={"train": 1000, "test": 100})
    """How many tasks for each purpose, from the first on."""
    splits: dict[Purpose, str] = {}
    """Which split of the source serves a purpose; by default the split of the same name."""
    source: tuple[SourceName, ...] = ("train_split",)
    """Where train tasks come from, one name or several; of several, `tasks.train` are taken from each."""
    task_derivation: TaskDerivation | None = None
    """Settings of that source."""
    self_instruct: SelfInstruct | None = None
    """Settings of that source."""
    config: SerializeAsAny[EnvironmentConfig] = EnvironmentConfig()
    """The world's own configuration, such as `difficulty` or `official`."""

    @model_validator(mode="before")
    @classmethod
    def _sources(cls, data: object) -> object:
        """Take a single name, and write the settings of a chosen source out in full."""
        if not isinstance(data, dict):
            return data
        named = data.get("source", ("train_split",))
        sources = [named] if isinstance(named, str) else named
        chosen: dict[str, object] = {"self_instruct": {}} if "self_instruct" in sources else {}
        return {**chosen, **data, "source": sources}

    def fault(self, world: str, *, teacher: bool) -> str:
        """Return what the sources lack; empty for nothing."""
        if len(set(self.source)) != len(self.source) or not self.source:
            return f"source = {list(self.source)}: name each source once"
        for source in self.source:
            if source != "train_split" and world not in WORLDS[source]:
                return f"source = {source!r} is for {' and '.join(WORLDS[source])}"
        derives = "task_derivation" in self.source
        if derives and self.task_derivation is None:
            return 'task_derivation is missing: it names the corpus, as questions = "data/bird/dev.json"'
        writes = derives and self.task_derivation is not None and "reference" in self.task_derivation.ways
        if (writes or "self_instruct" in self.source) and not teacher:
            return f'source = {list(self.source)} needs [construct.teacher], for example kind = "openai"'
        return ""


class ConstructConfig(StageConfig):
    """Which worlds the run trains on and tests on."""

    environments: dict[str, WorldPlan]
    """World id to plan: `[construct.environments.alfworld]`."""
    teacher: TeacherConfig | None = None
    """Who proposes tasks and writes thoughts: a model, for the sources that need one."""
    budget: BudgetConfig = BudgetConfig()
    """What its calls over HTTP may cost."""

    @model_validator(mode="before")
    @classmethod
    def _own_configurations(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(data.get("environments"), dict):
            return data
        worlds = {name: _plan(str(name), plan) for name, plan in data["environments"].items()}
        return {**data, "environments": worlds}

    @model_validator(mode="after")
    def _sizes(self) -> ConstructConfig:
        if not self.environments:
            raise ValueError("name at least one world, for example [construct.environments.alfworld]")
        for name, plan in self.environments.items():
            for purpose, size in plan.tasks.items():
                if isinstance(size, int) and size < 0:
                    raise ValueError(f"environments.{name}.tasks.{purpose} must not be negative, got {size}")
            if fault := plan.fault(name, teacher=self.teacher is not None):
                raise ValueError(f"environments.{name}.{fault}")
        return self


def _plan(name: str, plan: object) -> object:
    """Move what is not the plan's own into `config`, typed by the world."""
    if not isinstance(plan, dict) or isinstance(plan.get("config"), EnvironmentConfig):
        return plan
    own = {key: value for key, value in plan.items() if key in WorldPlan.model_fields and key != "config"}
    rest = {key: value for key, value in plan.items() if key not in WorldPlan.model_fields} | plan.get("config", {})
    try:
        return {**own, "config": load_environment(name).config_type.model_validate(rest)}
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = sorted({*WorldPlan.model_fields, *load_environment(name).config_type.model_fields} - {"config"})
        raise RecipeError(
            f"construct.environments.{name}.{key}: {first['msg']}, got {first['input']!r}; "
            f"keys of this world: {', '.join(known)}"
        ) from error


def run(config: ConstructConfig, run: Run) -> Manifest:
    """Write `tasks.jsonl`, one `Entry` per line, worlds in the recipe's order; and `rejected.jsonl` beside it."""
    stage = run.open("construct", config)
    if stage.finished:
        return stage.finished
    total = sum(_size(name, plan, purpose) for name, plan in config.environments.items() for purpose in plan.tasks)
    calls = run.folder / "calls" / "construct.jsonl"
    with Ledger(calls, config.budget) as ledger:
        harvests = asyncio.run(gather(_orders(config), config.teacher, stage.folder, ledger=ledger, seed=run.seed))
        cut = any(harvest.stopped for harvest in harvests.values())
        if cut and (ledger.budget.refusal or config.budget.then == "stop"):
            raise StageError(_stopped(harvests, ledger))
    counts: dict[str, JsonValue] = {name: harvest.counts() for name, harvest in harvests.items()}
    if made := count_calls(calls):
        counts["calls"] = made
    with progress("construct", total) as advance:
        entries = (
            entry
            for name, plan in config.environments.items()
            for entry in _entries(name, plan, harvests, counts, advance)
        )
        write_records(stage.folder / "tasks.jsonl", entries)
    if not harvests:
        return stage.finish(outputs=("tasks.jsonl",), counts=counts)
    write_records(stage.folder / "rejected.jsonl", (row for harvest in harvests.values() for row in harvest.rejects))
    return stage.finish(outputs=("tasks.jsonl", "rejected.jsonl"), counts=counts)


def _stopped(harvests: Mapping[str, Harvest], ledger: Ledger) -> str:
    tasks = sum(len(harvest.tasks) for harvest in harvests.values())
    if ledger.budget.refusal:
        return f"{ledger.budget.refusal}; {tasks:,} tasks are accepted so far. Continue with --resume"
    return (
        f"{ledger.budget.told()}; {tasks:,} tasks are accepted so far. Continue with --resume and a larger "
        "construct.budget, or close the stage as it is with --resume construct.budget.then=finish"
    )


def _orders(config: ConstructConfig) -> list[Order]:
    """Return what is asked of the sources beside the worlds' own splits."""
    return [
        Order(
            world=name,
            source=source,
            wanted=None if plan.tasks["train"] == "all" else plan.tasks["train"],
            config=plan.config,
            split=plan.splits.get("train", "train"),
            derivation=plan.task_derivation,
            self_instruct=plan.self_instruct,
        )
        for name, plan in config.environments.items()
        for source in plan.source
        if source != "train_split" and plan.tasks.get("train", 0) != 0
    ]


def _size(name: str, plan: WorldPlan, purpose: Purpose) -> int:
    size = plan.tasks[purpose]
    if purpose == "train" and "train_split" not in plan.source:
        return 0
    if isinstance(size, int):
        return size
    return load_environment(name).splits(plan.config).get(plan.splits.get(purpose, purpose), 0)


def _entries(
    name: str, plan: WorldPlan, harvests: Mapping[str, Harvest], counts: dict[str, JsonValue], advance: Advance
) -> Iterator[Entry]:
    for purpose, size in plan.tasks.items():
        sources: set[str] = set()
        ids: set[str] = set()
        for task in _all_tasks(name, plan, harvests, purpose, size):
            if task.id in ids:
                raise DataError(f"{name} has two {purpose} tasks with the id {task.id!r}; task ids must be unique")
            ids.add(task.id)
            sources.add(task.source)
            advance()
            yield Entry(environment=name, split=purpose, task=task.model_dump(mode="json", exclude_defaults=True))
        counts[f"{name}.{purpose}"] = {"tasks": len(ids), "sources": ", ".join(sorted(sources))}


def _all_tasks(
    name: str, plan: WorldPlan, harvests: Mapping[str, Harvest], purpose: Purpose, size: int | str
) -> Iterator[Task]:
    for source in plan.source if purpose == "train" else ("train_split",):
        if source == "train_split":
            yield from _tasks(load_environment(name), plan, purpose, size)
        elif f"{name}.{source}" in harvests:
            yield from harvests[f"{name}.{source}"].tasks


def _tasks(kind: type[Environment[Task]], plan: WorldPlan, purpose: Purpose, size: int | str) -> Iterable[Task]:
    split = plan.splits.get(purpose, purpose)
    if size == 0:
        return
    held = kind.splits(plan.config)
    if split not in held:
        raise DataError(
            f"{kind.id} has no split {split!r}; its splits: {', '.join(held)}. "
            f'Name one with construct.environments.{kind.id}.splits = {{{purpose} = "..."}}'
        )
    if isinstance(size, int) and size > held[split]:
        raise DataError(f"{kind.id} has {held[split]} tasks in split {split!r}, the recipe asks for {size}")
    for task in islice(kind.load(split, plan.config), None if isinstance(size, str) else size):
        official = plan.config.official is not None
        yield task.model_copy(update={"source": f"{task.source}, {split}"}) if official else task


def read_entries(path: Path, purpose: Purpose) -> Iterator[Entry]:
    """Yield the entries of one purpose from a `tasks.jsonl`."""
    return (entry for entry in read_records(path, Entry) if entry.split == purpose)


def build_environment(entry: Entry) -> Environment[Task]:
    """Build the single-use environment of an entry."""
    kind = load_environment(entry.environment)
    return kind(kind.task_type.model_validate(entry.task))
