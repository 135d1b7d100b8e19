"""A budget that is used up, as a user sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.faults.teacher_server import Settings, running_teacher

from agenttuning.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_one_sentence_exit_code_1_and_two_ways_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(log=tmp_path / "log.jsonl", answers=tmp_path / "answers.json", fault_share=0.0)
    settings.answers.write_text(json.dumps({}))
    recipe = tmp_path / "paid.toml"
    with running_teacher(settings) as url:
        recipe.write_text(
            f'runs = "{tmp_path}"\n[construct.environments.chat]\ntasks = {{ train = 20 }}\ndifficulty = "tiny"\n'
            f'[collect]\nbudget = {{ calls = 5 }}\nteacher = {{ kind = "openai", base_url = "{url}", model = "m" }}\n'
        )
        assert main(["run", str(recipe), "--until", "filter"]) == 1
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert told.startswith("agenttuning: the budget does not cover another call: 5 of 5 calls spent; ")
        assert "of 20 episodes are finished and kept in " in told
        assert "Continue with --resume and a larger collect.budget" in told
        assert main(["collect", str(recipe), "--resume"]) == 1
        more = ("collect.budget.calls=8", "collect.budget.then=finish")
        assert main(["run", str(recipe), "--until", "filter", "--resume", *more]) == 0
        assert settings.log.read_bytes().count(b"\n") == 8
        printed = capsys.readouterr().out.splitlines()
        assert printed[0] == "| model | calls | answered | attempts | prompt tokens | completion tokens | dollars |"
        assert printed[2].startswith("| m | 8 | 8 | 8 | ")
        assert printed[2].endswith(" | unknown |")
        assert main(["collect", str(recipe), "--resume", "--json"]) == 0
    (manifest,) = json.loads(capsys.readouterr().out)
    assert manifest["counts"]["calls"]["m"]["answered"] == 8
    assert 0 < manifest["counts"]["chat"]["episodes"] < 20
