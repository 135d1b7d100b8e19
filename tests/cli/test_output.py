"""stdout is the result and nothing else; stderr is progress; `--json` is one document for every verb."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from agenttuning.core.records import Trajectory
from agenttuning.core.run import Manifest
from agenttuning.core.store import read_records
from agenttuning.recipe import read_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call


def test_a_stage_without_a_summary_prints_nothing(recipe: Path, call: Call) -> None:
    for stage in ("construct", "collect"):
        told = call(stage, recipe)
        assert (told.code, told.out) == (0, "")
        assert f"{stage}  " in told.err


def test_filter_prints_the_papers_table_and_only_that(recipe: Path, call: Call) -> None:
    told = call("run", recipe, "--until", "filter")
    assert told.out.splitlines() == [
        "| world | instructions | trajectories | kept | mean turns | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(line for line in told.out.splitlines() if line.startswith(("| alfworld | 4 | 4 |", "| chat | 6 | 6 |"))),
    ]
    assert len(told.out.splitlines()) == 4


def test_every_verb_with_json_prints_one_document(recipe: Path, call: Call) -> None:
    def document(*words: object) -> object:
        told = call(*words, "--json")
        assert told.code == 0, told.err
        return json.loads(told.out)

    manifests = document("run", recipe, "--until", "collect")
    assert isinstance(manifests, list)
    assert [Manifest.model_validate(one).stage for one in manifests] == ["construct", "collect"]
    for stage in ("filter", "decontaminate", "mix"):
        (one,) = document(stage, recipe)  # type: ignore[misc]
        assert Manifest.model_validate(one).stage == stage
    kept = recipe.parent / "runs" / "mine" / "3-filter" / "kept.jsonl"
    assert Trajectory.model_validate(document("show", f"{kept}:2")) == list(read_records(kept, Trajectory))[2]
    target = recipe.parent / "out.json"
    written = document("data", "convert", kept, target)
    assert isinstance(written, dict)
    assert (written["written"], written["conversations"], written["from"]) == (str(target), 10, "trajectory")
    assert written["left_behind"] == {"reward": 10, "success": 10, "stop": 10, "further fields": 10}
    stats, before = document("data", "stats", target), document("data", "stats", kept)
    assert isinstance(stats, dict)
    assert isinstance(before, dict)
    counted = ("conversations", "messages", "trained_turns", "context_turns", "characters")
    assert [stats[key] for key in counted] == [before[key] for key in counted]
    assert (before["format"], stats["format"]) == ("trajectory", "agentinstruct")
    checked = document("data", "validate", target)
    assert isinstance(checked, dict)
    assert (checked["conversations"], checked["errors"]) == (10, 0)
    assert document("data", "formats")
    assert document("environments")
    assert document("doctor")
    assert document("check", "chat", "--limit", "2")


def test_dry_run_is_a_recipe(recipe: Path, call: Call, tmp_path: Path) -> None:
    told = call("run", recipe, "train.steps=3", "collect.teacher={kind='scripted', replies=['a', 'b']}", "--dry-run")
    assert tomllib.loads(told.out)["train"]["steps"] == 3
    written = tmp_path / "written.toml"
    written.write_text(told.out)
    assert read_recipe(written) == read_recipe(
        recipe, ["train.steps=3", "collect.teacher={kind='scripted', replies=['a', 'b']}"]
    )
    assert not (tmp_path / "runs").exists()


def test_settings_may_stand_before_and_behind_options(recipe: Path, call: Call) -> None:
    for words in (["--dry-run", "train.steps=3", "seed=4"], ["train.steps=3", "--dry-run", "seed=4"]):
        resolved = tomllib.loads(call("run", recipe, *words).out)
        assert (resolved["train"]["steps"], resolved["seed"]) == (3, 4)


@pytest.mark.parametrize("words", [["doctor", "seed=4"], ["run", "x.toml", "--wat=4"], ["show", "a", "b"]])
def test_a_word_that_nothing_takes_is_refused(words: list[str], call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call(*words)
    assert ended.value.code == 2
    assert f"unrecognized arguments: {words[-1]}" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`agenttuning environments | head -0`."""
    with subprocess.Popen(
        (sys.executable, "-m", "agenttuning", "environments", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_showing_a_mask_marks_context_and_trained_turns(recipe: Path, call: Call) -> None:
    assert call("run", recipe, "--until", "collect").code == 0
    path = recipe.parent / "runs" / "mine" / "2-collect" / "trajectories.jsonl"
    for number, played in enumerate(read_records(path, Trajectory)):
        lines = call("show", f"{path}:{number}").out.splitlines()
        context = sum(message.train is False for message in played.messages)
        assert lines.count("assistant (not trained)") == context
        assert lines.count("assistant") == played.turns
        assert lines[-1] == f"stop done, reward 1, success {played.score.success}"
