"""The benchmark's own files, and what playing them needs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.cli.check import check
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.webarena import Webarena
from agenttuning.environments.worlds.webarena.login import read_storage_state
from agenttuning.environments.worlds.webarena.official import read_raw
from agenttuning.environments.worlds.webarena.task import TaskSet, WebarenaConfig
from agenttuning.errors import AgentTuningError, DataError
from agenttuning.pipeline.conformance import noise_player

SITES = {site: f"http://{site}.test" for site in ("shopping", "shopping_admin", "reddit", "gitlab", "map", "wikipedia")}


def test_every_task_is_read_and_every_evaluator_built(official_data: Callable[[str], Path]) -> None:
    report = asyncio.run(check(Webarena, WebarenaConfig(official=official_data("webarena")), split=None, limit=None))
    assert (report.tasks, report.source, report.oracle.n, report.failures) == (811, "webarena", 0, [])
    assert report.inspection is not None
    for name in ("test.raw.811.json", "test.raw.agenttuning-2023.811.json"):
        assert report.inspection.counts[f"{name}: tasks read"] == 811
        assert report.inspection.counts[f"{name}: evaluators built"] == 811
    assert report.inspection.counts["webarena-verified.811.json.gz: tasks read"] == 811
    assert "set sites.gitlab, sites.map," in report.inspection.unplayed
    configured = Webarena.inspect(WebarenaConfig(official=official_data("webarena"), sites=SITES))
    assert configured is not None
    assert configured.unplayed == ""


@pytest.mark.parametrize(
    ("task_set", "source", "hard"),
    [("raw", "webarena", 257), ("raw-2023", "webarena-2023", 257), ("verified", "webarena-verified", 257)],
)
def test_sets_and_the_hard_subset(
    task_set: TaskSet, source: str, hard: int, official_data: Callable[[str], Path]
) -> None:
    config = WebarenaConfig(official=official_data("webarena"), task_set=task_set)
    loaded = list(Webarena.load("test", config))
    assert len(loaded) == Webarena.splits(config)["test"] == 811
    assert {task.source for task in loaded} == {source}
    assert all(task.never_train for task in loaded)
    assert Webarena.splits(config.model_copy(update={"subset": "hard"})) == {"test": hard}
    assert loaded[0].raw.task_id == 0
    with pytest.raises(DataError, match="no split 'train'"):
        Webarena.load("train", config)


def test_verified_tasks_keep_who_must_be_logged_in(official_data: Callable[[str], Path]) -> None:
    config = WebarenaConfig(official=official_data("webarena"), task_set="verified")
    tasks = {task.raw.task_id: task.raw for task in Webarena.load("test", config)}
    assert tasks[400].storage_state == "./.auth/reddit_state.json"
    assert tasks[400].require_reset
    assert not tasks[0].require_reset


def test_a_task_says_what_it_lacks(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    config = WebarenaConfig(official=official_data("webarena"))
    task = next(task for task in Webarena.load("test", config) if task.raw.storage_state)
    site = task.raw.sites[0]
    for settings, told in (
        ({}, f"set sites.{site}"),
        ({"sites": SITES}, "set storage_states"),
        ({"sites": SITES, "storage_states": tmp_path}, "no log-in at"),
        ({"sites": SITES, "task_set": "verified"}, "set verifier"),
    ):
        with pytest.raises(AgentTuningError, match=told):
            asyncio.run(rollout(Webarena(task.model_copy(update=settings)), noise_player))


def test_log_ins_of_several_sites_are_put_together(tmp_path: Path) -> None:
    for site in ("gitlab", "reddit"):
        state = {"cookies": [{"name": site, "value": "1"}], "origins": []}
        (tmp_path / f"{site}_state.json").write_text(json.dumps(state))
    both = read_storage_state(tmp_path, "./.auth/gitlab.reddit_state.json")
    assert [cookie.get("name") for cookie in both.get("cookies", [])] == ["gitlab", "reddit"]
    (tmp_path / "reddit_state.json").write_text("[]")
    with pytest.raises(DataError, match="holds no storage state"):
        read_storage_state(tmp_path, "./.auth/reddit_state.json")


def test_files_of_another_format_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no test\.raw\.811\.json or test\.raw\.json in"):
        read_raw(tmp_path, "raw")
    (tmp_path / "test.raw.json").write_text('[{"sites": ["shopping"]}]')
    with pytest.raises(DataError, match=r"not of the benchmark's format: 0\.task_id"):
        read_raw(tmp_path, "raw")
