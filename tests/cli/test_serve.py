"""`agenttuning serve MODEL`: a folder or a name, until SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

import agenttuning
from agenttuning.cli import main

if TYPE_CHECKING:
    import pytest


def test_a_model_is_served_by_name_until_sigterm() -> None:
    with subprocess.Popen(
        (sys.executable, "-m", "agenttuning", "serve", "tiny-base", "--port", "0", "max_batch=2"),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(agenttuning.__file__).parents[1])},
    ) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        body = {"inputs": "[INST] Hello! [/INST]", "parameters": {"max_new_tokens": 4, "details": True}}
        answer = httpx.post(f"{url}/generate", json=body, timeout=60).json()
        assert 1 <= answer["details"]["generated_tokens"] <= 4
        assert httpx.get(f"{url}/info").json()["model_id"] == "tiny-base"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0


def test_what_is_neither_model_nor_recipe_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "nobody/nothing", "--port", "0"]) == 1
    assert "no model 'nobody/nothing'" in capsys.readouterr().err
    assert main(["serve", "recipes/quikstart.toml"]) == 2
    assert "cannot read the recipe 'recipes/quikstart.toml'" in capsys.readouterr().err
