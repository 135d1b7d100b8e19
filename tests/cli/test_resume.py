"""The law of resuming as a person meets it: `--resume`, `--from`, `--until`, and other words than before."""

from __future__ import annotations

import itertools
import json
import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import WORLDS

from agenttuning.cli import main
from agenttuning.core.run import STAGE_NAMES, Manifest, Run
from agenttuning.core.store import content_digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call

EARLY = STAGE_NAMES[:5]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is finished up to the mixture, and its recipe."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "mine.toml").write_text(WORLDS)
    assert main(["run", str(folder / "mine.toml"), f"runs={folder}", "--until", "mix"]) == 0
    return folder


@pytest.fixture
def mine(made: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be spoilt."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def words(folder: Path, *more: str) -> tuple[str, ...]:
    return ("run", str(folder / "mine.toml"), f"runs={folder}", *more)


def digests(folder: Path) -> dict[str, dict[str, str]]:
    run = Run(folder / "mine")
    found = {stage: run.manifest(stage) for stage in STAGE_NAMES}
    return {stage: manifest.outputs for stage, manifest in found.items() if manifest}


def written(folder: Path) -> dict[str, int]:
    """When each stage was finished: a stage that is done again has another time."""
    run = Run(folder / "mine")
    paths = {stage: run.stage_folder(stage) / "manifest.json" for stage in STAGE_NAMES}
    return {stage: path.stat().st_mtime_ns for stage, path in paths.items() if path.exists()}


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("seed=5", "seed (was 0, is 5)"),
        ("construct.environments.chat.tasks.train=5", "construct.environments.chat.tasks.train (was 6, is 5)"),
        ("construct.environments.alfworld.difficulty=hard", "config.difficulty (was 'tiny', is 'hard')"),
        ("collect.samples=2", "collect.samples (was 1, is 2)"),
        ("collect.teacher={kind='scripted', replies=['x']}", "collect.teacher.kind (was 'oracle', is 'scripted')"),
        ("filter.threshold=0.5", "filter.threshold (was 1.0, is 0.5)"),
        ("filter.thresholds={chat=0.5}", "filter.thresholds.chat (was None, is 0.5)"),
        ("decontaminate.rule.n=8", "decontaminate.rule.n (was 10, is 8)"),
        ("mix.agent_share=0.3", "mix.agent_share (was 0.2, is 0.3)"),
    ],
)
def test_a_changed_setting_is_named_and_nothing_is_touched(override: str, key: str, mine: Path, call: Call) -> None:
    before = content_digest(mine / "mine")
    told = call(*words(mine, override, "--until", "mix", "--resume"))
    assert told.code == 1
    assert key in told.sentence
    stage = "construct" if key.startswith(("seed", "config")) else key.split(".", maxsplit=1)[0]
    assert f"--from {stage}" in told.sentence
    assert content_digest(mine / "mine") == before


def test_a_changed_input_is_noticed(mine: Path, call: Call) -> None:
    kept = mine / "mine" / "3-filter" / "kept.jsonl"
    kept.write_bytes(b"".join(kept.read_bytes().splitlines(keepends=True)[1:]))
    told = call(*words(mine, "--until", "mix", "--resume"))
    assert told.code == 1
    assert "4-decontaminate was made with another configuration: inputs.kept" in told.sentence


@pytest.mark.parametrize("first", EARLY)
def test_from_does_that_stage_and_all_after_it_anew_to_the_same_bytes(first: str, mine: Path, call: Call) -> None:
    bytes_before, times_before = digests(mine), written(mine)
    assert call(*words(mine, "--from", first, "--until", "mix")).code == 0
    assert digests(mine) == bytes_before
    redone = {stage for stage, time in written(mine).items() if time != times_before[stage]}
    assert redone == set(EARLY[EARLY.index(first) :])


@pytest.mark.parametrize(("first", "last"), list(itertools.combinations(EARLY, 2)))
def test_what_follows_a_redone_stage_does_not_stay(first: str, last: str, mine: Path, call: Call) -> None:
    """Results behind the redone part would be of other inputs than those that now lie there."""
    assert call(*words(mine, "--from", first, "--until", last)).code == 0
    assert list(digests(mine)) == list(EARLY[: EARLY.index(last) + 1])


def test_until_then_resume_is_the_same_run(made: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "mine.toml").write_text(WORLDS)
    assert call(*words(tmp_path, "--until", "construct")).code == 0
    for stage in EARLY[1:]:
        assert call(*words(tmp_path, "--until", stage, "--resume")).code == 0
        assert list(digests(tmp_path))[-1] == stage
    assert digests(tmp_path) == digests(made)


def test_a_resume_of_what_is_finished_does_nothing_and_says_it_again(mine: Path, call: Call) -> None:
    before = written(mine)
    told = call(*words(mine, "--until", "mix", "--resume", "--json"))
    assert written(mine) == before
    assert [Manifest.model_validate(one).stage for one in json.loads(told.out)] == list(EARLY)


def test_other_settings_of_stages_to_come_are_free(mine: Path, call: Call) -> None:
    told = call(*words(mine, "train.steps=9", "evaluate.samples=2", "--until", "mix", "--resume"))
    assert told.code == 0
    written_recipe = tomllib.loads((mine / "mine" / "recipe.toml").read_text())
    assert (written_recipe["train"]["steps"], written_recipe["evaluate"]["samples"]) == (9, 2)


def test_the_written_recipe_makes_the_same_run(mine: Path, call: Call) -> None:
    again = mine / "again.toml"
    shutil.copy(mine / "mine" / "recipe.toml", again)
    assert call("run", again, f"runs={mine}", "name=copy", "--until", "mix").code == 0
    first, second = (Run(mine / name).manifest("mix") for name in ("mine", "copy"))
    assert first is not None
    assert second is not None
    assert first.outputs == second.outputs


def test_stages_as_commands_make_what_run_makes(made: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "mine.toml").write_text(WORLDS)
    for stage in EARLY:
        assert call(stage, tmp_path / "mine.toml", f"runs={tmp_path}").code == 0
    assert digests(tmp_path) == digests(made)


def test_a_seed_of_its_own_makes_another_mixture(made: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "mine.toml").write_text(WORLDS)
    assert call(*words(tmp_path, "seed=1", "--until", "mix")).code == 0
    assert digests(tmp_path)["mix"] != digests(made)["mix"]
