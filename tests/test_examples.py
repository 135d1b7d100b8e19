"""Every example runs."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from agenttuning.core.rollout import rollout
from agenttuning.core.store import write_records
from agenttuning.environments import load_environment
from agenttuning.policies.oracle import oracle_player

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *words: str) -> str:
    done = subprocess.run((sys.executable, str(EXAMPLES / name), *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_policy_counts_every_episode() -> None:
    ended = run("own_policy.py")
    assert sum(int(part.split(": ")[1]) for part in ended.strip("{}\n").split(", ")) == 20


def test_own_environment_is_won_by_its_oracle() -> None:
    assert run("own_environment.py").rstrip().splitlines()[-1].startswith("Action: guess ")


def test_own_environment_passes_the_suite() -> None:
    command = (sys.executable, "-m", "agenttuning", "check", "own_environment:GuessNumber", "--limit", "5")
    environment = {**os.environ, "PYTHONPATH": f"{EXAMPLES}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "oracle: 10 of 10 won" in done.stdout


def test_read_trajectories(tmp_path: Path) -> None:
    kind = load_environment("chat")
    played = [
        asyncio.run(rollout(kind(task), oracle_player)) for _, task in zip(range(3), kind.load("test"), strict=False)
    ]
    write_records(tmp_path / "played.jsonl", played)
    assert run("read_trajectories.py", str(tmp_path / "played.jsonl")) == "chat: 3 of 3 won\n"
