from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.environments.playing import play

from agenttuning.analysis.overall import read_published
from agenttuning.analysis.scores import score_worlds
from agenttuning.core.records import Message, Reply, Sampling, Stop, Usage
from agenttuning.core.rollout import rollout
from agenttuning.environments.general.mt_bench import SYSTEM, MtBench, MtBenchConfig
from agenttuning.environments.worlds.chat_model import ChatModelSettings
from agenttuning.environments.worlds.rating.judge import OWN_PROMPTS, read_rating
from agenttuning.errors import DataError, RecipeError
from agenttuning.policies import OpenAIConfig
from agenttuning.policies.episode import ModelPlayer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@contextmanager
def judging(*answers: str | int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Serve answers in turn, the last one again and again; a number is a status without an answer."""
    asked: list[dict[str, object]] = []
    waiting = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            body = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def files(folder: Path, *, prompts: bool = False) -> Path:
    """Two questions of our own in MT-Bench's form, the second with a reference."""
    rows = [
        {"question_id": 81, "category": "writing", "turns": ["Write {a} line.", "Make it shorter."]},
        {"question_id": 111, "category": "math", "turns": ["What is 2 + 2?", "And twice that?"]},
    ]
    reference = {"question_id": 111, "choices": [{"index": 0, "turns": ["4", "8"]}]}
    (folder / "question.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "reference_answer_gpt-4.jsonl").write_text(f"{json.dumps(reference)}\n")
    if prompts:
        told = [
            {"name": name, "type": "single", "system_prompt": "theirs", "prompt_template": own.template}
            for name, own in OWN_PROMPTS.items()
        ]
        (folder / "judge_prompts.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in told))
    return folder


def config(folder: Path, url: str) -> MtBenchConfig:
    judge = ChatModelSettings(base_url=url, model="judge-1", max_attempts=2, first_wait_seconds=0)
    return MtBenchConfig(official=folder, judge=judge)


def test_both_answers_are_rated_with_what_was_said(tmp_path: Path) -> None:
    with judging("Good. [[7]]", "Fair [5.5]") as (url, asked):
        tasks = list(MtBench.load("test", config(files(tmp_path), url)))
        played = play(MtBench(tasks[1]), "four {question_2}", "eight")
    assert played.stop is Stop.DONE
    assert played.score.metrics == {
        "points": 12.5, "rated": 2, "turn_1": 7, "turn_2": 5.5, "unparsable": 0, "judge_errors": 0,
    }  # fmt: skip
    assert played.score.reward == pytest.approx((6.25 - 1) / 9)
    assert not played.score.success
    assert played.messages[0] == Message(role="system", content=SYSTEM)
    first, second = (str(body["messages"]) for body in asked)
    assert "Reference answer:\\n4\\n" in first
    assert "eight" not in first
    assert "four {question_2}" in first
    assert "Reference answer:\\n8\\n" in second
    assert "eight" in second
    assert played.provenance.environment_version == "mt_bench/1 judge judge-1, own prompts, gpt4 references"


def test_missing_ratings_are_counted_and_count_as_one(tmp_path: Path) -> None:
    with judging("I like it.", "[[11]]", 500, 500, "[[9]]") as (url, _):
        tasks = list(MtBench.load("test", config(files(tmp_path), url)))
        played = [play(MtBench(task), "a", "b") for task in tasks]
    assert [one.score.metrics["unparsable"] for one in played] == [2, 0]
    assert [one.score.metrics["judge_errors"] for one in played] == [0, 1]
    assert [one.score.reward for one in played] == [0, pytest.approx((5 - 1) / 9)]
    assert read_published().measured(score_worlds(played)) == {"mt_bench": 9.0}


def test_a_turn_that_was_never_reached_is_not_judged(tmp_path: Path) -> None:
    with judging("[[8]]") as (url, asked):
        world = MtBench(next(iter(MtBench.load("test", config(files(tmp_path), url)))))

        async def half() -> float:
            async with world:
                await world.start()
                await world.step("only one")
                return (await world.score()).reward

        assert asyncio.run(half()) == pytest.approx((4.5 - 1) / 9)
    assert len(asked) == 1


def test_the_published_prompts_are_taken_from_the_folder(tmp_path: Path) -> None:
    with judging("[[8]]") as (url, asked):
        task = next(iter(MtBench.load("test", config(files(tmp_path, prompts=True), url))))
        assert play(MtBench(task), "a", "b").provenance.environment_version.count("published prompts") == 1
    assert all("theirs" in str(body["messages"]) for body in asked)


class Model:
    """Remembers how it was asked to draw."""

    name = "stub"

    def __init__(self) -> None:
        self.drawn: list[Sampling] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.drawn.append(sampling)
        return Reply(content="x", usage=Usage())


def test_each_category_has_its_temperature(tmp_path: Path) -> None:
    model = Model()
    player = ModelPlayer(model, OpenAIConfig(model="m", base_url="http://x"))
    with judging("[[8]]") as (url, _):
        tasks = list(MtBench.load("test", config(files(tmp_path), url)))
        played = [asyncio.run(rollout(MtBench(task), player)) for task in tasks]
    assert [one.temperature for one in model.drawn] == [0.7, 0.7, 0.0, 0.0]
    assert len({one.seed for one in model.drawn[:2]}) == 2
    assert None not in {one.seed for one in model.drawn[:2]}
    assert {one.provenance.sampling for one in played} == {Sampling()}


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("[[7]]", 7),
        ("x [[6.5]] y [[3]]", 6.5),
        ("so [4]", 4),
        ("[[0]]", None),
        ("[[100]]", None),
        ("", None),
        ("7", None),
    ],
)
def test_ratings_are_read_as_published(text: str, points: float | None) -> None:
    rating = read_rating(text)
    assert rating.points == points
    assert (rating.fault == "unparsable") is (points is None)


def test_official_questions_need_a_judge(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"judge = "):
        MtBench.load("test", MtBenchConfig(official=files(tmp_path)))


def test_faulty_files_are_named(tmp_path: Path) -> None:
    settings = config(files(tmp_path), "http://x")
    (tmp_path / "question.jsonl").write_text('{"question_id": 81}\n')
    with pytest.raises(DataError, match=r"question.jsonl:1 .*category"):
        list(MtBench.load("test", settings))
    with pytest.raises(DataError, match=r"cannot read .*mt_bench_inf.jsonl"):
        list(MtBench.load("test", settings.model_copy(update={"references": "inflection"})))


def test_the_official_questions(official_data: Callable[[str], Path]) -> None:
    for references in ("gpt4", "inflection"):
        settings = config(official_data("mt_bench"), "http://x").model_copy(update={"references": references})
        tasks = list(MtBench.load("test", settings))
        assert len(tasks) == 80
        assert len({task.category for task in tasks}) == 8
        assert sum(task.question.reference is not None for task in tasks) == {"gpt4": 30, "inflection": 39}[references]
        assert set(tasks[0].prompts) == set(OWN_PROMPTS)
        assert all(task.published_prompts and task.never_train for task in tasks)
