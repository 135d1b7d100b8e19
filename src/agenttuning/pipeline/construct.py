"""Stage 1, construct: the task list of the run: which tasks of which worlds, from which source (paper, section 2.1)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue, SerializeAsAny, ValidationError, model_validator

from agenttuning.core.environment import EnvironmentConfig
from agenttuning.core.records import Record, Task
from agenttuning.core.run import StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.environments import load_environment
from agenttuning.errors import DataError, RecipeError
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agenttuning.core.environment import Environment
    from agenttuning.core.run import Manifest, Run
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
    config: SerializeAsAny[EnvironmentConfig] = EnvironmentConfig()
    """The world's own configuration, such as `difficulty` or `official`."""


class ConstructConfig(StageConfig):
    """Which worlds the run trains on and tests on."""

    environments: dict[str, WorldPlan]
    """World id to plan: `[construct.environments.alfworld]`."""

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
    """Write `tasks.jsonl`: one `Entry` per line, worlds in the recipe's order."""
    stage = run.open("construct", config)
    if stage.finished:
        return stage.finished
    counts: dict[str, JsonValue] = {}
    total = sum(_size(name, plan, purpose) for name, plan in config.environments.items() for purpose in plan.tasks)
    with progress("construct", total) as advance:
        entries = (
            entry for name, plan in config.environments.items() for entry in _entries(name, plan, counts, advance)
        )
        write_records(stage.folder / "tasks.jsonl", entries)
    return stage.finish(outputs=("tasks.jsonl",), counts=counts)


def _size(name: str, plan: WorldPlan, purpose: Purpose) -> int:
    size = plan.tasks[purpose]
    if isinstance(size, int):
        return size
    return load_environment(name).splits(plan.config).get(plan.splits.get(purpose, purpose), 0)


def _entries(name: str, plan: WorldPlan, counts: dict[str, JsonValue], advance: Advance) -> Iterator[Entry]:
    kind = load_environment(name)
    for purpose, size in plan.tasks.items():
        sources: set[str] = set()
        ids: set[str] = set()
        for task in _tasks(kind, plan, purpose, size):
            if task.id in ids:
                raise DataError(f"{name} has two {purpose} tasks with the id {task.id!r}; task ids must be unique")
            ids.add(task.id)
            sources.add(task.source)
            advance()
            yield Entry(environment=name, split=purpose, task=task.model_dump(mode="json", exclude_defaults=True))
        counts[f"{name}.{purpose}"] = {"tasks": len(ids), "sources": ", ".join(sorted(sources))}


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
