"""The verbs as a person meets them: results on stdout, one sentence per mistake, exit codes that mean something."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agenttuning.cli import main
from agenttuning.core.run import STAGE_NAMES

SMALL = """
[construct.environments.alfworld]
tasks = { train = 3, test = 1 }
difficulty = "tiny"

[construct.environments.chat]
tasks = { train = 3, test = 1 }
difficulty = "tiny"
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(f'runs = "{tmp_path}/runs"\n{SMALL}')
    return path


def test_help_names_every_stage_and_imports_nothing_heavy() -> None:
    script = (
        "import sys, agenttuning.cli as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'numpy', 'pyarrow', 'httpx', 'sqlglot', 'scipy'} & set(sys.modules)))"
    )
    told = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True).stdout
    assert all(f" {stage}" in told for stage in STAGE_NAMES)
    assert told.splitlines()[-1] == "[]"


def test_recipes_are_read_without_torch() -> None:
    script = "import sys, agenttuning.recipe; print('torch' in sys.modules, 'transformers' in sys.modules)"
    told = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "False"]


def test_stages_one_by_one_then_what_they_made(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for stage in STAGE_NAMES[:3]:
        assert main([stage, str(small)]) == 0
    capsys.readouterr()
    kept = small.parent / "runs/small/3-filter/kept.jsonl"
    assert main(["show", f"{kept}:1", "--mask"]) == 0
    shown = capsys.readouterr().out
    assert "alfworld train task" in shown
    assert "assistant (not trained)" in shown
    assert main(["data", "stats", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["conversations"] == 6
    written = small.parent / "out.jsonl"
    assert main(["data", "convert", str(kept), str(written)]) == 0
    assert main(["data", "validate", str(written)]) == 0
    assert main(["show", f"{kept}:99"]) == 1
    assert "holds 6 trajectories, numbered from 0; there is no number 99" in capsys.readouterr().err


def test_a_stage_before_its_time_says_which_to_run(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["filter", str(small)]) == 1
    assert "run `agenttuning collect RECIPE` first" in capsys.readouterr().err


def test_dry_run_prints_the_resolved_recipe_and_writes_nothing(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(small), "train.steps=7", "--dry-run"]) == 0
    assert "steps = 7" in capsys.readouterr().out
    assert not (small.parent / "runs").exists()


def test_redo_from_a_stage(small: Path) -> None:
    assert main(["run", str(small), "--until", "filter"]) == 0
    collected = small.parent / "runs/small/2-collect/trajectories.jsonl"
    before = collected.stat().st_mtime_ns
    assert main(["run", str(small), "--until", "filter", "--from", "filter", "filter.threshold=0.5"]) == 0
    assert collected.stat().st_mtime_ns == before
    manifest = json.loads((small.parent / "runs/small/3-filter/manifest.json").read_text())
    assert manifest["start"]["config"]["threshold"] == 0.5


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["run", "none.toml"], 2, "cannot read the recipe"),
        (["check", "alfwrld"], 2, "did you mean 'alfworld'"),
        (["check", "alfworld", "dificulty=tiny"], 2, "did you mean 'difficulty'"),
        (["check", "alfworld", "--official", "/nowhere"], 2, "no such file or folder"),
        (["check", "alfworld", "--split", "exam"], 1, "no split 'exam'"),
        (["play", "alfworld", "--task", "-1"], 2, "has no task -1"),
        (["play", "alfworld", "--split", "exam"], 2, "no split 'exam'"),
        (["show", "none.jsonl"], 1, "no such file"),
        (["data", "stats", "none.json"], 1, "none.json"),
        (["data", "convert", "none.json"], 2, "needs a target"),
        (["check", "alfworld", "difficulty=easy"], 2, "'difficulty': Input should be"),
        (["new", "My World"], 2, "lower case"),
        (["run", "RECIPE", "--from", "train", "--until", "mix"], 2, "comes before"),
        (["run", "RECIPE", "train.stpes=1"], 2, "did you mean 'steps'"),
    ],
)
def test_mistakes(words: list[str], code: int, sentence: str, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(small) if word == "RECIPE" else word for word in words]) == code
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.out == ""
    assert len(told.err.splitlines()) == 1


def test_check_prints_the_report_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "alfworld", "difficulty=tiny", "--limit", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["environment"] == "alfworld"
    assert (report["oracle"]["success"], report["oracle"]["n"]) == (6, 6)
    assert {"source", "tasks", "noise", "failures"} <= report.keys()


def test_environments_lists_every_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["environments", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"alfworld", "database", "chat"} <= rows.keys()
    assert rows["alfworld"]["oracle"]
    assert rows["alfworld"]["splits"].keys() == {"train", "test"}


def test_new_writes_an_environment_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["new", "lantern"]) == 0
    assert main(["new", "lantern"]) == 2
    assert main(["check", "lantern:Lantern", "--limit", "5", "--json"]) == 0


def test_watching_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", "alfworld", "difficulty=tiny", "--oracle"]) == 0
    assert "reward 1, success True" in capsys.readouterr().out


def test_doctor_names_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert all(finding["works"] or finding["install"] for finding in findings)


def test_doctor_asks_webarenas_sites(capsys: pytest.CaptureFixture[str]) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 503)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}"
        sites = [f"shopping={here}", f"shopping_admin={here}/admin", "reddit=http://127.0.0.1:9"]
        assert main(["doctor", "--json", "--sites", *sites]) == 0
        server.shutdown()
    findings = {row["what"].split()[1]: row for row in json.loads(capsys.readouterr().out)[-3:]}
    assert [row["works"] for row in findings.values()] == [True, False, False]
    assert findings["shopping_admin"]["missing"] == "answers 503"
    assert findings["reddit"]["install"] == "webarena-verified env start --site reddit"
    assert main(["doctor", "--sites", "shoping=http://localhost"]) == 2
    assert "did you mean 'shopping'" in capsys.readouterr().err


def test_terminal_escapes_of_a_model_are_made_visible() -> None:
    from agenttuning.cli.show import printable

    assert printable("a\x1b[31mb\u202ec\n") == "a\\x1b[31mb\\x202ec\n"
