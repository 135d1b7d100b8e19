"""Several teachers, their shares, and a temperature for every sample."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from tests.faults.teacher_server import Settings, read_log, running_teacher
from tests.pipeline.rooms import ROOMS

from agenttuning.core.records import Trajectory
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig
from agenttuning.recipe import read_recipe, write_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from agenttuning.core.run import Manifest

OPENERS = [
    {"policy": {"kind": "scripted", "replies": [f"Action: open {colour} door"] * 3, "name": colour}, "share": share}
    for colour, share in (("red", 3.0), ("blue", 1.0))
]


def collected(folder: Path, *, resume: bool = False, **told: object) -> tuple[Manifest, list[Trajectory]]:
    run = Run(folder, seed=5, resume=resume)
    construct.run(ConstructConfig.model_validate({"environments": {ROOMS: {"tasks": {"train": 4, "test": 0}}}}), run)
    manifest = collect.run(CollectConfig.model_validate(told), run)
    return manifest, list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))


def test_shares_are_kept_and_the_same_sample_has_the_same_teacher(tmp_path: Path) -> None:
    _, first = collected(tmp_path / "a", teachers=OPENERS, samples=100)
    _, again = collected(tmp_path / "b", teachers=OPENERS, samples=100, concurrency=1)
    by = Counter(one.provenance.policy for one in first)
    assert 260 <= by["red"] <= 340
    assert by["red"] + by["blue"] == 400
    assert {one.key: one.provenance.policy for one in first} == {one.key: one.provenance.policy for one in again}


def test_enough_ends_the_samples_of_a_task(tmp_path: Path) -> None:
    manifest, played = collected(tmp_path, teachers=OPENERS, samples=30, enough=2)
    won = Counter(one.task for one in played if one.score.success)
    tried = Counter(one.task for one in played)
    assert won == {"train-0": 2, "train-2": 2}
    assert tried["train-1"] == tried["train-3"] == 30  # never opened by red or blue
    assert max(tried["train-0"], tried["train-2"]) < 30
    row = manifest.counts[ROOMS]
    assert isinstance(row, dict)
    assert row["episodes"] == len(played)


def test_enough_of_a_world_ends_its_tasks(tmp_path: Path) -> None:
    _, played = collected(tmp_path, enough_per_world={ROOMS: 2})
    assert len(played) == 2
    with pytest.raises(RecipeError, match=r"enough_per_world names 'alfwrold'.*worlds with training tasks"):
        collected(tmp_path / "b", enough_per_world={"alfwrold": 2})


def test_one_teacher_or_several_not_both() -> None:
    with pytest.raises(ValidationError, match="either teacher or teachers"):
        CollectConfig.model_validate({"teachers": OPENERS, "teacher": OPENERS[0]["policy"]})


def test_a_recipe_with_several_teachers_is_written_whole_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        "[construct.environments.chat]\n[collect]\nsamples = 4\ntemperatures = [0.0, 0.7]\n"
        "budget = { dollars = 5 }\nenough = 1\n"
        '[[collect.teachers]]\nshare = 0.75\npolicy = { kind = "openai", base_url = "http://h/v1", model = "m" }\n'
        '[[collect.teachers]]\npolicy = { kind = "oracle" }\n'
        '[collect.thoughts]\nkinds = ["hindsight"]\n'
        'policy = { kind = "openai", base_url = "http://h/v1", model = "m" }\n'
    )
    recipe = read_recipe(path, ["collect.budget.tokens=7"])
    path.write_text(write_recipe(recipe))
    assert read_recipe(path) == recipe
    path.write_text(path.read_text().replace('model = "m"', 'modle = "m"'))
    with pytest.raises(RecipeError, match=r"collect\.teachers\.0\.policy\.openai\.modle.*did you mean 'model'"):
        read_recipe(path)


def test_samples_have_temperatures_and_seeds_of_their_own_and_more_of_the_same_is_free(tmp_path: Path) -> None:
    settings = Settings(log=tmp_path / "log.jsonl", answers=tmp_path / "answers.json", fault_share=0.0)
    settings.answers.write_text(json.dumps({}))
    with running_teacher(settings) as url:
        teacher = {"kind": "openai", "base_url": url, "model": "m"}
        told: dict[str, object] = {"teacher": teacher, "samples": 4, "temperatures": [0.0, 0.7]}
        manifest, played = collected(tmp_path / "run", **told)
        temperatures = {one.sample: one.provenance.sampling and one.provenance.sampling.temperature for one in played}
        assert temperatures == {0: 0.0, 1: 0.7, 2: 0.0, 3: 0.7}
        asked = len(read_log(settings.log))
        assert asked == 4 * 3 * 3  # the two greedy samples share their answers
        assert len({line.request for line in read_log(settings.log)}) == asked
        run = Run(tmp_path / "run", seed=5, resume=True)
        run.discard("collect")
        again = collect.run(CollectConfig.model_validate(told), run)
        assert len(read_log(settings.log)) == asked
    assert again.outputs == manifest.outputs
    assert again.counts == manifest.counts
