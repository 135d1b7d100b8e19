"""A recipe that names the benchmarks' own data: the same stages, other tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agenttuning.core.records import Trajectory
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.errors import DataError
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline import filter as filter_stage
from agenttuning.pipeline.construct import Entry, build_environment
from agenttuning.recipe import Recipe, read_recipe, write_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECIPE = """
[construct.environments.alfworld]
official = "{alfworld}"
splits = {{ train = "dev", test = "dev" }}
tasks = {{ train = 6, test = "all" }}

[construct.environments.database]
official = "{dbbench}"
splits = {{ train = "dev", test = "dev" }}
tasks = {{ train = 12, test = "all" }}
"""


@pytest.fixture
def recipe(official_data: Callable[[str], Path], tmp_path: Path) -> Recipe:
    path = tmp_path / "official.toml"
    path.write_text(RECIPE.format(alfworld=official_data("alfworld"), dbbench=official_data("dbbench")))
    return read_recipe(path, [f"runs={tmp_path}"])


def test_official_tasks_are_listed_whole_and_named(recipe: Recipe) -> None:
    run = Run(recipe.folder)
    manifest = construct.run(recipe.construction, run)
    entries = list(read_records(run.output("construct", "tasks.jsonl"), Entry))
    count = {
        (world, purpose): sum(entry.environment == world and entry.split == purpose for entry in entries)
        for world in ("alfworld", "database")
        for purpose in ("train", "test")
    }
    assert count["alfworld", "train"] == 6
    assert count["database", "train"] == 12
    assert count["alfworld", "test"] == 20
    assert count["database", "test"] == 60
    for (world, purpose), tasks in count.items():
        told = manifest.counts[f"{world}.{purpose}"]
        assert isinstance(told, dict)
        assert told["tasks"] == tasks
        assert "synthetic" not in str(told["sources"])
    for entry in entries:
        task = build_environment(entry).task
        assert (task.id, task.difficulty) == (entry.task["id"], None)


def test_the_oracles_win_on_official_tasks_and_the_filter_keeps_them(recipe: Recipe) -> None:
    """All but the one whose table MySQL refuses to create (a column without a name): recorded, never kept."""
    run = Run(recipe.folder)
    construct.run(recipe.construction, run)
    collect.run(recipe.collect, run)
    played = list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))
    assert len(played) == 18
    won = sum(one.score.success for one in played)
    broken = [one.failure for one in played if one.failure]
    assert won + len(broken) == 18
    assert [(one.side, "incorrect name" in one.message) for one in broken] == [("environment", True)]
    assert all(one.provenance.difficulty is None for one in played)
    filter_stage.run(recipe.filter, run)
    kept = list(read_records(run.output("filter", "kept.jsonl"), Trajectory))
    assert {one.environment for one in kept} == {"alfworld", "database"}
    assert len(kept) == won


def test_a_resolved_official_recipe_reads_back(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "resolved.toml"
    path.write_text(write_recipe(recipe))
    assert read_recipe(path) == recipe


def test_a_folder_of_another_benchmark_is_named(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "swapped.toml"
    path.write_text(RECIPE.format(alfworld=official_data("dbbench"), dbbench=official_data("alfworld")))
    with pytest.raises(DataError, match="dbbench"):
        construct.run(read_recipe(path).construction, Run(tmp_path / "run"))
