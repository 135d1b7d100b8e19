"""Models that draw at random, models that hang, servers that are not there: every episode stays in the denominator."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.rooms import ROOMS
from tests.pipeline.test_evaluate import constructed
from tests.serving.random_llama import save_random_llama

from agenttuning.analysis.scores import score_worlds
from agenttuning.core.records import Sampling, Stop, Trajectory
from agenttuning.core.store import read_records
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.collect import run as collect
from agenttuning.pipeline.evaluate import EvaluateConfig
from agenttuning.pipeline.evaluate import run as evaluate
from agenttuning.pipeline.evaluated_model import EvaluatedModel
from agenttuning.policies import attempts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agenttuning.core.run import Manifest, Run

HOT = Sampling(temperature=1.0, max_new_tokens=8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_random_llama(tmp_path_factory.mktemp("model")))


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits between attempts; what is tried again is tested with the endpoint."""
    monkeypatch.setattr(attempts, "LONGEST_WAIT_SECONDS", 0.0)


def play(run: Run, model: str, sampling: Sampling, *, samples: int = 1) -> Manifest:
    models = {"noise": EvaluatedModel(model=model, dtype="float64")}
    return evaluate(EvaluateConfig(models=models, sampling=sampling, samples=samples, concurrency=4), run)


def said(run: Run, name: str = "noise") -> dict[tuple[str, int], list[str]]:
    played = read_records(run.output("evaluate", f"{name}.jsonl"), Trajectory)
    return {(one.task, one.sample): [m.content for m in one.messages if m.train] for one in played}


@pytest.mark.parametrize("kind", ["openai", "tgi"])
def test_a_server_that_is_not_there_is_the_models_failure_in_every_episode(
    kind: str, tmp_path: Path, nobody: str, model: str
) -> None:
    run = constructed(tmp_path)
    address = f"{nobody}/v1" if kind == "openai" else nobody
    gone = EvaluatedModel.model_validate({"policy": kind, "base_url": address, "model": model})
    manifest = evaluate(EvaluateConfig(models={"gone": gone}), run)
    assert manifest.counts == {"gone": {ROOMS: {"n": 4, "success": 0.0, "broken": 4}}}
    played = list(read_records(run.output("evaluate", "gone.jsonl"), Trajectory))
    assert {one.stop for one in played} == {Stop.ERROR}
    for one in played:
        assert one.failure is not None
        assert one.failure.side == "policy"
        assert nobody in one.failure.message
        assert "is the server running there?" in one.failure.message
        assert one.messages[-1].role == "user"
    told = json.loads(run.output("evaluate", "scores.json").read_text())["scores"]["gone"][ROOMS]
    assert (told["n"], told["success"], told["errors"]) == (4, 0.0, {"policy": 4})


def test_a_teacher_that_is_not_there_leaves_nothing_to_learn_from(tmp_path: Path, nobody: str) -> None:
    run = constructed(tmp_path)
    teacher = {"kind": "openai", "base_url": nobody, "model": "x"}
    manifest = collect(CollectConfig.model_validate({"teacher": teacher, "samples": 2}), run)
    assert manifest.counts[ROOMS] == {"episodes": 4, "success": 0, "stop.error": 4, "turns": 0, "completion_tokens": 0}
    calls = manifest.counts["calls"]
    assert isinstance(calls, dict)
    assert calls["x"] == {
        "calls": 4,
        "answered": 0,
        "attempts": 24,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "dollars": 0.0,
        "unpriced": 0,
        "faults": {"ConnectError": 24},
        "without_reply": {"ConnectError": 4},
    }


def test_a_server_that_answers_never_is_left_at_the_deadline(tmp_path: Path) -> None:
    """It takes the connection and says nothing: no time of ours is its to take."""
    run = constructed(tmp_path)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        teacher = {
            "kind": "openai",
            "base_url": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "model": "x",
            "deadline_seconds": 0.2,
        }
        collect(CollectConfig.model_validate({"teacher": teacher}), run)
    played = list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))
    assert len(played) == 2
    assert time.monotonic() - began < 30
    assert all(one.failure and "deadline_seconds=0.2" in one.failure.message for one in played)


def test_random_draws_repeat_with_the_seed_and_differ_between_samples(tmp_path: Path, model: str) -> None:
    first, again = constructed(tmp_path / "a"), constructed(tmp_path / "b")
    outputs = play(first, model, HOT, samples=3).outputs
    assert play(again, model, HOT, samples=3).outputs == outputs
    replies = said(first)
    assert len(replies) == 12
    for task in {task for task, _ in replies}:
        assert len({tuple(replies[task, sample]) for sample in range(3)}) == 3


def test_another_seed_draws_other_replies(tmp_path: Path, model: str) -> None:
    first, other = constructed(tmp_path / "a"), constructed(tmp_path / "b")
    other.seed = 8
    play(first, model, HOT)
    play(other, model, HOT)
    ours, theirs = said(first), said(other)
    assert all(ours[key] != theirs[key] for key in ours)


def test_greedy_samples_are_all_alike_and_no_seed_is_named(tmp_path: Path, model: str) -> None:
    run = constructed(tmp_path)
    play(run, model, Sampling(max_new_tokens=8), samples=2)
    replies = said(run)
    assert all(replies[task, 0] == replies[task, 1] for task, _ in replies)
    assert {one.provenance.sampling for one in read_records(run.output("evaluate", "noise.jsonl"), Trajectory)} == {
        Sampling(max_new_tokens=8)
    }


def test_a_killed_random_evaluation_continues_to_the_same_draws(tmp_path: Path, model: str) -> None:
    run = constructed(tmp_path)
    whole = play(run, model, HOT, samples=2).outputs
    folder = run.stage_folder("evaluate")
    lines = (folder / "noise.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "noise.jsonl").write_bytes(b"".join(lines[:3]))
    (folder / "manifest.json").unlink()
    assert play(constructed(tmp_path, resume=True), model, HOT, samples=2).outputs == whole


def test_more_samples_are_plays_of_the_same_tasks(tmp_path: Path, model: str) -> None:
    run = constructed(tmp_path)
    play(run, model, HOT, samples=3)
    (cell,) = score_worlds(list(read_records(run.output("evaluate", "noise.jsonl"), Trajectory))).values()
    assert (cell.n, cell.tasks) == (12, 4)
