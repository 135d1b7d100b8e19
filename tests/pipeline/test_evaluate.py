from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest
from pydantic import ValidationError
from tests.analysis.episodes import broken, episode
from tests.pipeline import rooms
from tests.pipeline.rooms import ROOMS

from agenttuning.cli.summaries import print_summary
from agenttuning.core.records import Sampling, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import content_digest, read_records, write_records
from agenttuning.errors import DataError, RecipeError, RunError, StageError
from agenttuning.models.load import LlamaShape, fresh_model
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.pipeline.construct import ConstructConfig
from agenttuning.pipeline.construct import run as construct
from agenttuning.pipeline.evaluate import EvaluateConfig, judge
from agenttuning.pipeline.evaluate import run as evaluate
from agenttuning.pipeline.evaluated_model import EvaluatedModel

if TYPE_CHECKING:
    from pathlib import Path

WAYS = ("local", "openai", "tgi")
ORACLES = EvaluateConfig(models={"before": EvaluatedModel(policy="oracle"), "after": EvaluatedModel(policy="oracle")})


def by_key(trajectory: Trajectory) -> tuple[str, str, str, int]:
    return trajectory.key


def constructed(folder: Path, *, test: int = 4, resume: bool = False) -> Run:
    run = Run(folder, seed=7, resume=resume)
    construct(ConstructConfig.model_validate({"environments": {ROOMS: {"tasks": {"train": 2, "test": test}}}}), run)
    rooms.played.clear()
    return run


def test_every_model_plays_every_test_task_and_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = constructed(tmp_path)
    manifest = evaluate(ORACLES, run)
    assert sorted(rooms.played) == sorted([f"test-{k}" for k in range(4)] * 2)
    judged = json.loads(run.output("evaluate", "scores.json").read_text())
    cell = judged["scores"]["after"][ROOMS]
    assert (cell["n"], cell["success"], cell["reward"], cell["turns"]) == (4, 1.0, 1.0, 1.0)
    assert 0.5 < cell["ci"][0] < cell["ci"][1] == 1.0
    assert cell["made_by"]["difficulty"] == "tiny"
    assert cell["made_by"]["seed"] == judged["made_by"]["seed"] == 7
    assert judged["changes"]["after"][ROOMS]["p_value"] == 1.0
    assert set(manifest.outputs) == {"before.jsonl", "after.jsonl", "scores.json"}
    assert manifest.counts["after"] == {ROOMS: {"n": 4, "success": 1.0, "broken": 0}}
    print_summary(manifest, run)
    shown = capsys.readouterr().out
    assert "| world | made by | n | before | after | change | p |" in shown
    assert "synthetic-v1, tiny | 4 | 100.0 % (51.0 to 100.0)" in shown


def test_what_a_kill_left_is_continued_to_the_same_bytes(tmp_path: Path) -> None:
    whole = constructed(tmp_path / "whole")
    expected = evaluate(ORACLES, whole).outputs
    run = constructed(tmp_path / "killed")
    evaluate(ORACLES, run)
    folder = run.stage_folder("evaluate")
    lines = (folder / "before.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "before.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:40])
    (folder / "after.jsonl").unlink()
    (folder / "manifest.json").unlink()
    rooms.played.clear()
    assert evaluate(ORACLES, Run(run.folder, seed=7, resume=True)).outputs == expected
    assert len(rooms.played) == 2 + 4
    keys = [trajectory.key for trajectory in read_records(folder / "before.jsonl", Trajectory)]
    assert len(keys) == len(set(keys)) == 4


def test_a_finished_evaluation_is_read_not_played(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    evaluate(ORACLES, run)
    rooms.played.clear()
    evaluate(ORACLES, Run(tmp_path, seed=7, resume=True))
    assert rooms.played == []
    with pytest.raises(RunError, match="--resume"):
        evaluate(ORACLES, run)


def test_fewer_tasks_are_the_first_ones(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    evaluate(ORACLES.model_copy(update={"tasks": 2, "samples": 2}), run)
    assert sorted(rooms.played) == ["test-0"] * 4 + ["test-1"] * 4


def test_a_world_without_test_tasks_is_named(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    with pytest.raises(RecipeError, match=r"evaluate\.environments names 'romos'.*worlds with test tasks"):
        evaluate(ORACLES.model_copy(update={"environments": ("romos",)}), run)


def test_nothing_to_play_is_said(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"tasks\.test"):
        evaluate(ORACLES, constructed(tmp_path, test=0))


def test_base_and_tuned_are_the_runs_own(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    with pytest.raises(RecipeError, match=r"evaluate\.models\.base\.model"):
        evaluate(EvaluateConfig(), run)
    with pytest.raises(RunError, match="'train'"):
        evaluate(EvaluateConfig(models={"tuned": EvaluatedModel()}), run)


class OneDoor(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that always opens the red door."""

    asked: ClassVar[list[dict[str, object]]] = []

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        message = {"role": "assistant", "content": "Action: open red door"}
        answer = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        pass


def test_a_served_model_is_asked_and_scored(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), OneDoor) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        served = EvaluatedModel(policy="openai", base_url=address, model="one-door")
        evaluate(EvaluateConfig(models={"served": served}, sampling=Sampling(max_new_tokens=16)), run)
        server.shutdown()
    told = json.loads(run.output("evaluate", "scores.json").read_text())["scores"]["served"][ROOMS]
    assert (told["n"], told["success"], told["invalid_action"]) == (4, 0.25, 0.0)
    assert told["made_by"]["policy"] == "served"
    assert told["stops"] == {"done": 1, "turns": 3}
    assert len(OneDoor.asked) == 1 + 3 * 3
    assert {(one["model"], one["max_tokens"]) for one in OneDoor.asked} == {("one-door", 16)}


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two random layers with a chat template: it answers nonsense, the same nonsense everywhere."""
    folder = tmp_path_factory.mktemp("model")
    texts = ["Open the door that is named.", "The red door.", "Nothing opens."]
    tokenizer = train_tokenizer(texts, vocabulary=300, max_length=512)
    shape = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=64, max_length=512)
    fresh_model(shape, tokenizer, seed=1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_model_answers_alike_in_process_and_behind_both_ports(tmp_path: Path, random_model: str) -> None:
    run = constructed(tmp_path)
    ways = {way: EvaluatedModel.model_validate({"policy": way, "model": random_model}) for way in WAYS}
    evaluate(EvaluateConfig(models=ways, sampling=Sampling(max_new_tokens=12)), run)
    told = {way: sorted(read_records(run.output("evaluate", f"{way}.jsonl"), Trajectory), key=by_key) for way in WAYS}
    assert [one.failure for way in WAYS for one in told[way]] == [None] * 12
    replies = {way: [one.messages for one in told[way]] for way in WAYS}
    assert replies["local"] == replies["openai"] == replies["tgi"]
    assert all(one.usage.completion_tokens > 0 for one in told["tgi"])


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"a/b": {"policy": "oracle"}}, "pattern"),
        ({"mine": {"policy": "local"}}, r"models\.mine\.model is missing"),
        ({"mine": {"policy": "openai"}}, r"models\.mine\.model is missing"),
        ({"mine": {"policy": "local", "model": "x", "base_url": "http://127.0.0.1:1"}}, "base_url is for"),
        ({"mine": {"model": "x", "requests_per_minute": 5}}, "are for a server at base_url"),
        ({}, "at least one model"),
    ],
)
def test_a_model_that_cannot_be_reached_is_refused_before_anything_is_played(models: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        EvaluateConfig.model_validate({"models": models})


def test_before_and_after_are_judged_from_what_was_played(tmp_path: Path) -> None:
    tasks = [str(k) for k in range(6)]
    start = Run(tmp_path, seed=3).open("evaluate", StageConfig()).start
    write_records(tmp_path / "base.jsonl", [broken(task=tasks[0]), *(episode(task=t, reward=0.0) for t in tasks[1:])])
    write_records(tmp_path / "tuned.jsonl", [episode(task=task, policy="tuned") for task in reversed(tasks)])
    judged = judge(tmp_path, ["base", "tuned"], start)
    base, tuned = judged.scores["base"]["rooms"], judged.scores["tuned"]["rooms"]
    assert (base.n, base.success, base.errors, tuned.success) == (6, 0.0, {"policy": 1}, 1.0)
    assert base.ci[1] < tuned.ci[0]
    change = judged.changes["tuned"]["rooms"]
    assert (change.tasks, change.gained, change.lost) == (6, 6, 0)


def test_models_measured_unlike_get_no_common_table(tmp_path: Path) -> None:
    start = Run(tmp_path).open("evaluate", StageConfig()).start
    write_records(tmp_path / "base.jsonl", [episode(task="a")])
    write_records(tmp_path / "tuned.jsonl", [episode(task="a", policy="tuned", difficulty="hard")])
    with pytest.raises(DataError, match=r"difficulty \('tiny' and 'hard'\)"):
        judge(tmp_path, ["base", "tuned"], start)


def test_digests_do_not_know_the_order_of_play(tmp_path: Path) -> None:
    write_records(tmp_path / "one.jsonl", [episode(task="a"), episode(task="b")])
    write_records(tmp_path / "two.jsonl", [episode(task="b"), episode(task="a")])
    assert content_digest(tmp_path / "one.jsonl") == content_digest(tmp_path / "two.jsonl")
