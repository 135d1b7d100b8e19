"""A paid teacher that fails in every way: nothing is lost, nothing is paid twice, no limit is broken."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.faults.teacher_server import ANSWERED, FAULTS, Line, Settings, read_log, running_teacher

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.environments.general.chat import ChatTask
from agenttuning.errors import StageError
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, read_entries
from agenttuning.policies.call_log import Call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

EPISODES = int(os.environ.get("AGENTTUNING_EPISODES", "160"))
"""2,000 in the long form: AGENTTUNING_EPISODES=2000."""
KILLS = int(os.environ.get("AGENTTUNING_KILLS", "2"))
"""Five in the long form."""
CONCURRENCY = 128
REQUESTS_PER_MINUTE = 2400
TOKENS_PER_MINUTE = 120_000


def constructed(folder: Path, *, resume: bool = False) -> Run:
    run = Run(folder, seed=3, resume=resume)
    worlds = {"chat": {"tasks": {"train": EPISODES}, "difficulty": "tiny"}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    return run


def write_answers(run: Run, path: Path) -> Path:
    """Write down what a perfect teacher says to every dialogue of the run."""
    answers: dict[str, str] = {}
    for entry in read_entries(run.output("construct", "tasks.jsonl"), "train"):
        exchanges = ChatTask.model_validate(entry.task).exchanges
        for turn in range(len(exchanges)):
            answers["\x1f".join(one.question for one in exchanges[: turn + 1])] = exchanges[turn].answer
    path.write_text(json.dumps(answers))
    return path


def teacher(url: str, **told: object) -> dict[str, object]:
    return {
        "kind": "openai",
        "base_url": url,
        "model": "gpt-4-0613",
        "max_attempts": 16,
        "first_wait_seconds": 0.01,
        "attempt_timeout_seconds": 1.5,
        "max_connections": CONCURRENCY,
        **told,
    }


def played(run: Run) -> list[Trajectory]:
    return list(read_records(run.stage_folder("collect") / "trajectories.jsonl", Trajectory))


def calls(run: Run) -> list[Call]:
    path = run.folder / "calls" / "collect.jsonl"
    return list(read_records(path, Call)) if path.exists() else []


def most_in(lines: Iterable[Line], seconds: float, *, tokens: bool = False) -> int:
    """Return the most that the server counted in any window of so many seconds."""
    rows = sorted((line.at, line.tokens if tokens else 1) for line in lines)
    most = total = first = 0
    for at, amount in rows:
        total += amount
        while rows[first][0] <= at - seconds:
            total -= rows[first][1]
            first += 1
        most = max(most, total)
    return most


def assert_paid_once(run: Run, lines: list[Line]) -> None:
    """Every reply of every trajectory was bought exactly once, and at the price that the server asks."""
    bought = [call for call in calls(run) if call.answered]
    assert max(Counter(call.key for call in bought).values()) == 1
    charged = {line.id: line for line in lines if line.outcome == ANSWERED}
    assert {call.request_id for call in bought} <= charged.keys()
    assert sum(call.spent.tokens for call in bought) == sum(charged[call.request_id].tokens for call in bought)
    for call in bought:  # what was on disk once is never asked for again, whatever happened in between
        asked = charged[call.request_id]
        assert all(line.at <= asked.at for line in lines if line.request == asked.request)
    used = {message.content for one in played(run) for message in one.messages if message.train}
    assert used <= {call.content for call in bought}


@pytest.mark.slow
def test_every_episode_ends_and_every_answer_is_paid_for_once_within_the_limits(tmp_path: Path) -> None:
    run = constructed(tmp_path / "run")
    settings = Settings(
        log=tmp_path / "log.jsonl",
        answers=write_answers(run, tmp_path / "answers.json"),
        requests_per_minute=REQUESTS_PER_MINUTE,
        tokens_per_minute=TOKENS_PER_MINUTE,
    )
    with running_teacher(settings) as url:
        told = teacher(url, requests_per_minute=REQUESTS_PER_MINUTE, tokens_per_minute=TOKENS_PER_MINUTE)
        config = CollectConfig.model_validate({"teacher": told, "concurrency": CONCURRENCY})
        manifest = collect.run(config, run)
    lines, trajectories = read_log(settings.log), played(run)
    assert len(trajectories) == EPISODES
    assert all(one.stop is Stop.DONE and one.score.success for one in trajectories)
    assert {line.outcome for line in lines} == {ANSWERED, *FAULTS}  # every fault was met, the server limited nothing
    assert most_in(lines, 60.0) <= REQUESTS_PER_MINUTE
    assert most_in(lines, 6.0) <= REQUESTS_PER_MINUTE // 10
    assert most_in(lines, 60.0, tokens=True) <= TOKENS_PER_MINUTE
    assert most_in(lines, 6.0, tokens=True) <= TOKENS_PER_MINUTE // 10
    assert_paid_once(run, lines)
    late = sum(call.attempts.count("timeout") for call in calls(run)) - sum(line.outcome == "silence" for line in lines)
    unseen = sum(line.outcome == ANSWERED for line in lines) - sum(call.answered for call in calls(run))
    assert 0 <= unseen <= late  # a busy machine may come too late for an answer; no other is lost
    counts = manifest.counts["calls"]
    assert isinstance(counts, dict)
    told_counts = counts["gpt-4-0613"]
    assert isinstance(told_counts, dict)
    attempts = told_counts["attempts"]
    assert isinstance(attempts, int)
    assert attempts >= len(lines)  # the server does not see those whose connection it had closed
    assert told_counts["dollars"] == pytest.approx(sum(call.dollars or 0.0 for call in calls(run)))


@pytest.mark.slow
def test_a_budget_stops_cleanly_and_a_larger_one_goes_on_without_paying_again(tmp_path: Path) -> None:
    run = constructed(tmp_path / "run")
    settings = Settings(log=tmp_path / "log.jsonl", answers=write_answers(run, tmp_path / "answers.json"))
    budget = 8 * EPISODES
    with running_teacher(settings) as url:
        told: dict[str, object] = {"teacher": teacher(url), "concurrency": 32, "budget": {"tokens": budget}}
        with pytest.raises(StageError, match=r"the budget does not cover another call: .* tokens spent; \d+ of"):
            collect.run(CollectConfig.model_validate(told), run)
        lines = read_log(settings.log)
        assert budget - 400 <= sum(call.spent.tokens for call in calls(run)) <= budget  # one call's estimate is 300
        assert sum(line.tokens for line in lines) <= budget + 32 * max(line.tokens for line in lines)
        cut = list(read_records(run.stage_folder("collect") / "unfinished.jsonl", Trajectory))
        assert 0 < len(cut) <= 32
        assert {one.stop for one in cut} == {Stop.BUDGET}
        assert 0 < len(played(run)) < EPISODES
        told |= {"budget": {"dollars": 1000.0}, "concurrency": CONCURRENCY}
        collect.run(CollectConfig.model_validate(told), constructed(tmp_path / "run", resume=True))
    assert len(played(run)) == EPISODES
    assert not (run.stage_folder("collect") / "unfinished.jsonl").exists()
    assert_paid_once(run, read_log(settings.log))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_9_loses_nothing_and_pays_nothing_twice(tmp_path: Path) -> None:
    run = constructed(tmp_path / "runs" / "paid")
    settings = Settings(log=tmp_path / "log.jsonl", answers=write_answers(run, tmp_path / "answers.json"))
    recipe = tmp_path / "paid.toml"
    draw = random.Random(os.getpid())
    wanted = len(json.loads(settings.answers.read_text()))
    with running_teacher(settings) as url:
        recipe.write_text(_recipe(tmp_path, url))
        for _ in range(KILLS):
            path = run.folder / "calls" / "collect.jsonl"
            bought = path.stat().st_size if path.exists() else 0
            _kill_at(_start(recipe), path, bought + int(wanted * 300 * draw.uniform(0.3, 0.9) / (KILLS + 1)))
        process = _start(recipe)
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said
    assert Counter(one.key for one in played(run)).most_common(1)[0][1] == 1
    assert len(played(run)) == EPISODES
    assert all(one.stop is Stop.DONE and one.score.success for one in played(run))
    assert_paid_once(run, read_log(settings.log))


def _recipe(folder: Path, url: str) -> str:
    rows = "\n".join(f"{key} = {json.dumps(value)}" for key, value in teacher(url).items())
    worlds = f'[construct.environments.chat]\ntasks = {{ train = {EPISODES} }}\ndifficulty = "tiny"\n'
    head = f'name = "paid"\nseed = 3\nruns = "{folder / "runs"}"\n'
    return f"{head}{worlds}[collect]\nconcurrency = {CONCURRENCY}\n[collect.teacher]\n{rows}\n"


def _start(recipe: Path) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "agenttuning", "collect", str(recipe), "--resume")
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _kill_at(process: subprocess.Popen[str], path: Path, size: int) -> None:
    """Kill it as soon as the call log has grown to so many bytes."""
    while process.poll() is None and not (path.exists() and path.stat().st_size >= size):
        time.sleep(0.002)
    assert process.poll() is None, "it ended before it could be killed"
    process.kill()
    process.communicate()
