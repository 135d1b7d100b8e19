"""kill -9 at random moments of a whole run, each followed by --resume: the same digests, nothing played twice."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from agenttuning.core.records import Trajectory
from agenttuning.core.run import STAGE_NAMES, Manifest, Run
from agenttuning.core.store import read_records

RECIPE = Path(__file__).parents[2] / "recipes" / "smoke.toml"
KILLS = int(os.environ.get("AGENTTUNING_KILLS", "3"))
"""Ten in the long form: AGENTTUNING_KILLS=10."""


def start(runs: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "agenttuning", "run", str(RECIPE), f"runs={runs}", "--resume")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def finish(runs: Path) -> dict[str, Manifest]:
    process = start(runs)
    _, told = process.communicate(timeout=280)
    assert process.returncode == 0, told.decode()
    run = Run(runs / "smoke")
    return {stage: Manifest.model_validate(run.manifest(stage)) for stage in STAGE_NAMES}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_9_and_resume_give_the_digests_of_an_undisturbed_run(tmp_path: Path) -> None:
    began = time.monotonic()
    whole = finish(tmp_path / "whole")
    seconds = time.monotonic() - began
    draw = random.Random(os.getpid())
    for _ in range(KILLS):
        process = start(tmp_path / "killed")
        time.sleep(draw.uniform(0.05, 0.7) * seconds)
        process.kill()
        process.communicate()
    resumed = finish(tmp_path / "killed")
    for stage in STAGE_NAMES:
        assert resumed[stage].outputs == whole[stage].outputs, stage
        assert resumed[stage].counts == whole[stage].counts, stage
    for path in (tmp_path / "killed").rglob("*.jsonl"):
        if path.parent.name in {"2-collect", "8-evaluate"}:
            keys = Counter(trajectory.key for trajectory in read_records(path, Trajectory))
            assert max(keys.values()) == 1, path


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text("[construct.environments.alfworld]\ntasks = { train = 2, test = 1 }\n")
    command = (sys.executable, "-m", "agenttuning", "run", str(recipe), f"runs={tmp_path}", "--until", "filter")
    subprocess.run(command, check=True, capture_output=True)
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert "already holds results; add --resume" in again.stderr
    assert "Traceback" not in again.stderr
    resumed = subprocess.run((*command, "--resume", "--json"), check=True, capture_output=True, text=True)
    assert [manifest["stage"] for manifest in json.loads(resumed.stdout)] == ["construct", "collect", "filter"]
