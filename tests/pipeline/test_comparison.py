from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.analysis.episodes import episode

from agenttuning.cli import main
from agenttuning.core.records import Sampling
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import write_atomic, write_records
from agenttuning.errors import DataError, RunError
from agenttuning.pipeline.comparison import compare_runs, comparison_markdown, sweep_table
from agenttuning.pipeline.evaluate import judge
from agenttuning.pipeline.report_page.comparison import render_comparison

if TYPE_CHECKING:
    from pathlib import Path

WORLDS = ("alfworld", "chat", "scienceworld")


class MixConfig(StageConfig):
    agent_share: float


def finished(folder: Path, *, share: float = 0.2, seed: int = 0, solved: int = 12, prompt: str = "p1") -> Path:
    """A run whose tuned model solves the first tasks of every world."""
    run = Run(folder, seed=seed)
    run.open("construct", StageConfig()).finish(outputs=(), counts={"alfworld.train": {"tasks": 5}})
    run.open("mix", MixConfig(agent_share=share)).finish(outputs=(), counts={})
    stage = run.open("evaluate", StageConfig())
    for model, limit in (("base", 2), ("tuned", solved)):
        played = [
            episode(
                task=f"{world}-{k}",
                environment=world,
                reward=float(k < limit),
                policy=model,
                prompt=prompt if world == "alfworld" else "p1",
                sampling=Sampling(seed=seed),
            )
            for world in WORLDS
            for k in range(20)
        ]
        write_records(stage.folder / f"{model}.jsonl", played)
    write_atomic(stage.folder / "scores.json", judge(stage.folder, ["base", "tuned"], stage.start).model_dump_json())
    stage.finish(outputs=("base.jsonl", "tuned.jsonl", "scores.json"), counts={})
    return folder


def test_runs_stand_side_by_side_with_paired_tests(tmp_path: Path) -> None:
    found = compare_runs([finished(tmp_path / "a"), finished(tmp_path / "b", solved=20)])
    assert found.scores.headings == ("world", "made by", "a: base", "a: tuned", "b: base", "b: tuned")
    row = next(row for row in found.scores.rows if row[0] == "alfworld")
    assert row[2].startswith("10.0 %")
    assert row[3].endswith("p 0.002")
    assert row[5].startswith("100.0 %")
    assert row[5].endswith("p < 0.001")
    assert found.unlike == {}
    assert found.sweep == []


def test_unlike_numbers_are_refused_and_named(tmp_path: Path) -> None:
    folders = [finished(tmp_path / "a"), finished(tmp_path / "b", prompt="p2")]
    with pytest.raises(DataError, match=r"alfworld of a: base and b: base differ in prompt \('p1' and 'p2'\)"):
        compare_runs(folders)
    found = compare_runs(folders, allow_unlike=True)
    assert set(found.unlike) == {"alfworld"}
    assert [row[0] for row in found.scores.rows] == ["alfworld (unlike)", "scienceworld", "chat"]
    assert "p " not in next(row for row in found.scores.rows if "unlike" in row[0])[5]
    assert "Unlike: alfworld of a: base and b: tuned" in comparison_markdown(found)


def test_the_agent_share_becomes_the_ablation(tmp_path: Path) -> None:
    runs = [finished(tmp_path / f"eta-{share}", share=share, solved=int(20 * share)) for share in (1.0, 0.0, 0.5)]
    found = compare_runs(runs)
    assert [line.points for line in found.sweep] == [[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]] * 3
    assert sweep_table(found).headings == ("agent share (eta)", "trained on", "held out", "general")
    assert sweep_table(found).rows[1] == ("0.5", "50.0 %", "50.0 %", "50.0 %")
    assert "## Agent share" in comparison_markdown(found)
    assert render_comparison(found).count('class="joint"') == 6


def test_seeds_may_differ_and_are_averaged(tmp_path: Path) -> None:
    runs = [finished(tmp_path / f"seed-{seed}", seed=seed, solved=8 + 4 * seed) for seed in range(3)]
    found = compare_runs(runs)
    assert found.unlike == {}
    assert found.seeds
    named = "seed-0: tuned, seed-1: tuned, seed-2: tuned"
    assert (named, "alfworld", "60.0 %", "40.0 to 80.0") in found.seeds.rows


def test_a_folder_without_an_evaluation_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="empty is no run with a finished evaluation"):
        compare_runs([finished(tmp_path / "a"), tmp_path / "empty"])


def test_the_command_takes_run_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(finished(tmp_path / "a")), str(finished(tmp_path / "b", prompt="p2"))]
    assert main(["report", *folders]) == 1
    assert "--allow-unlike" in capsys.readouterr().err
    assert main(["report", *folders, "--allow-unlike"]) == 0
    assert "# Runs side by side" in capsys.readouterr().out
    page = tmp_path / "both.html"
    assert main(["report", *folders, "--allow-unlike", "--to", str(page)]) == 0
    assert "Unlike numbers." in page.read_text()
    assert "<script" not in page.read_text()
    capsys.readouterr()
    assert main(["report", *folders, "--allow-unlike", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [column["agent_share"] for column in told["columns"]] == [None, 0.2, None, 0.2]
