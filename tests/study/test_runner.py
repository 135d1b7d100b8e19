"""Shared stages are done once; a failure, a kill and a resume lose nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.study.small import RECIPE, write

from agenttuning.cli import main
from agenttuning.core.run import Run
from agenttuning.errors import RunError, StageError
from agenttuning.study.plan import read_study
from agenttuning.study.runner import play_study

SHORT = (
    RECIPE.replace('"mix", ', "")
    .replace(', "decontaminate"', "")
    .replace("seeds = [0, 1]", "seeds = [0]")
    .replace("set.mix.agent_share = 1.0", "set.filter.threshold = 0.5")
)


def play(path: Path, *, resume: bool = False) -> list[str]:
    study = read_study(path)
    assert study is not None
    lines: list[str] = []
    play_study(study, resume=resume, told=lines.append)
    return lines


def test_shared_stages_are_done_once_and_linked(tmp_path: Path) -> None:
    path = write(tmp_path, SHORT)
    lines = play(path)
    assert len(lines) == 4, "construct, collect, and two filters"
    assert lines[-1].endswith("0 stages left")
    one, other = (Run(tmp_path / "runs" / "small" / name) for name in ("mixed-0", "agent-only-0"))
    for stage in ("construct", "collect", "filter"):
        assert one.manifest(stage) is not None
        assert other.manifest(stage) is not None
    tasks = [run.output("construct", "tasks.jsonl") for run in (one, other)]
    assert tasks[0].samefile(tasks[1])
    kept = [run.stage_folder("filter") / "manifest.json" for run in (one, other)]
    assert not kept[0].samefile(kept[1])
    with pytest.raises(RunError, match="--resume"):
        play(path)
    assert play(path, resume=True) == []


def test_a_failing_variant_leaves_the_others_whole(tmp_path: Path) -> None:
    path = write(tmp_path, SHORT.replace("set.filter.threshold = 0.5", "set.collect.enough_per_world.nowhere = 3"))
    with pytest.raises(StageError, match=r"collect of agent-only-0 failed: .*nowhere"):
        play(path)
    assert Run(tmp_path / "runs" / "small" / "mixed-0").manifest("filter") is not None


def test_a_stage_ends_with_its_parent(tmp_path: Path) -> None:
    long = 'name = "long"\n[construct.environments.chat]\ntasks = { train = 200000, test = 0 }\n'
    path = write(tmp_path, long.replace('"long"', f'"long"\nruns = "{tmp_path}"'))
    command = (sys.executable, "-m", "agenttuning.study.child", "construct", str(path))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(60) == 1
    assert Run(tmp_path / "long").manifest("construct") is None


def test_the_command_plays_a_study_and_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    oracles = SHORT.replace('["construct", "collect", "filter"]', '["construct", "evaluate"]')
    assert oracles != SHORT
    path = write(tmp_path, oracles.replace("[study]", "[evaluate.models.tuned]\npolicy = 'oracle'\n\n[study]"))
    assert main(["run", str(path)]) == 0
    told = capsys.readouterr().out
    assert "| database | held-in | 100.0 %" in told
    folder = tmp_path / "runs" / "small"
    assert (folder / "findings.md").read_text() == told
    assert (folder / "findings.html").read_text().startswith("<!doctype html>")
    assert main(["run", str(path), "--dry-run"]) == 0
    assert "| agent-only-0 |" in capsys.readouterr().out
    assert main(["run", str(path), "--until", "collect", "--resume"]) == 2
    assert main(["evaluate", str(path)]) == 2
