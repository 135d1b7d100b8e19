"""ReWOO: two dialogues, what is offered and what is told, scores, and that every byte repeats."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations, islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.playing import play

from agenttuning.core.records import Stop
from agenttuning.core.rollout import rollouts
from agenttuning.environments.held_out.rewoo import Rewoo
from agenttuning.environments.worlds.rewoo.examples import EXAMPLES, example_for
from agenttuning.environments.worlds.rewoo.plan import parse_plan
from agenttuning.environments.worlds.rewoo.tasks import RewooConfig, RewooTask
from agenttuning.environments.worlds.rewoo.toolbox import ALL_TOOLS
from agenttuning.errors import DataError, RecipeError
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agenttuning.core.records import Trajectory

TASK = next(iter(Rewoo.load("test")))


def tasks(count: int, split: str = "test", **told: object) -> list[RewooTask]:
    return list(islice(Rewoo.load(split, RewooConfig.model_validate(told)), count))


def play_all(chosen: list[RewooTask], *, concurrency: int) -> list[Trajectory]:
    async def scenario() -> list[Trajectory]:
        entries = ((Rewoo(task), "test", 0) for task in chosen)
        return [one async for one in rollouts(entries, oracle_player, concurrency=concurrency)]

    return sorted(asyncio.run(scenario()), key=lambda one: one.task)


def test_an_episode_is_two_dialogues() -> None:
    played = play(Rewoo(TASK), *Rewoo(TASK).oracle())
    planner, solver = played.dialogues
    assert [message.role for message in planner] == ["user", "assistant", "user", "assistant"]
    assert [message.role for message in solver] == ["user", "assistant", "user", "assistant"]
    assert planner[2].content.startswith("Tools:\n- Wikipedia[title]")
    assert planner[2].content.endswith(f"Question: {TASK.question}")
    assert [message.train for message in (*planner, *solver)] == [None, False, None, True] * 2
    assert "#E1" in solver[2].content
    assert (played.stop, played.score.success, played.turns) == (Stop.DONE, True, 2)
    assert all(step.valid for step in played.steps)


def test_the_solver_is_shown_the_evidence_in_the_order_of_the_plan() -> None:
    title = TASK.plan.split("[")[1].split(" |")[0]
    plan = f"#E2 = Calculator[6 * 7]\nPlan: Look.\n#E1 = Wikipedia[{title}]\nPlan: Fail.\n#E3 = Google[x]\nPlan: Muse."
    told = play(Rewoo(TASK), plan, "Answer: nothing").dialogues[1][2].content
    second, first, third, fourth = told.split("\n\n")[1:]
    assert second == "#E2: 42"
    assert first.startswith("Plan: Look.\n#E1: ")
    assert title in first
    assert third == "Plan: Fail.\n#E3: No evidence: there is no tool 'Google'; tools: Wikipedia, Calculator"
    assert fourth.startswith("Plan: Muse.\nNo call: No evidence")


@pytest.mark.parametrize(
    ("plan", "answer", "valid", "stop"),
    [
        ("I would rather not.", "Answer: {gold}", [False, True], Stop.DONE),
        ("#E1 = Calculator[9**9**9**9]", "Answer: {gold}", [True, True], Stop.DONE),
        ("#E1 = Calculator[1]", "", [True, False], Stop.FORMAT),
        ("\n".join(f"#E{number} = Calculator[{number}]" for number in range(500)), "{gold}", [False, True], Stop.DONE),
    ],
)
def test_a_bad_plan_is_no_end(plan: str, answer: str, valid: list[bool], stop: Stop) -> None:
    played = play(Rewoo(TASK), plan, answer.format(gold=TASK.golds[0]))
    assert [step.valid for step in played.steps] == valid
    assert (played.stop, played.score.success) == (stop, stop is Stop.DONE)
    assert len(played.dialogues[1][2].content) < 3_000


def test_the_metrics_tell_more_than_the_reward() -> None:
    task = TASK.model_copy(update={"golds": ("Amy Bell",), "match": "exact"})
    score = play(Rewoo(task), "#E1 = Calculator[1]\n#E2 = Nothing[1]", "Answer: Amy Bellamy").score
    assert (score.reward, score.success) == (0.0, False)
    assert score.metrics == {"acc_exact": 0, "em": 0, "f1": pytest.approx(0.5), "steps": 2, "failed_steps": 1}


def test_two_runs_are_the_same_in_every_byte_at_any_concurrency() -> None:
    chosen = [*tasks(20), *tasks(20, difficulty="tiny"), *tasks(10, split="train", difficulty="hard")]
    runs = [[one.model_dump_json() for one in play_all(chosen, concurrency=many)] for many in (1, 4, 4)]
    assert runs[0] == runs[1] == runs[2]
    assert all(json.loads(line)["score"]["success"] for line in runs[0])


PIECES = st.sampled_from(
    ["Plan:", "#E1 =", "#E2=", "#E33", "Wikipedia[", "Calculator[", "]", "\n", "|", "9**9", "Answer:"]
)


@settings(max_examples=40)
@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=40).map(" ".join), st.text(max_size=40))
def test_no_reply_breaks_an_episode(plan: str, answer: str) -> None:
    played = play(Rewoo(TASK), plan, answer)
    assert played.failure is None
    assert not played.score.success or answer.strip() == TASK.golds[0]


def test_tiny_dialogues_are_small() -> None:
    for played in play_all(tasks(40, split="train", difficulty="tiny"), concurrency=4):
        for dialogue in played.dialogues:
            assert sum(len(message.content) for message in dialogue) < 1_000
            assert len(dialogue[2].content) < 400


def test_the_official_sets_are_asked_with_what_is_here(official_data: Callable[[str], Path]) -> None:
    official_data("gsm8k")
    folder = str(official_data("rewoo"))
    known = Rewoo.splits(RewooConfig.model_validate({"official": folder}))
    assert known == {
        "test": 250, "gsm8k": 50, "strategy_qa": 50, "physics_question": 50, "sports_understanding": 50, "sotu_qa": 50,
    }  # fmt: skip
    chosen = tasks(250, official=folder)
    assert Counter(task.category for task in chosen) == {name: 50 for name in known if name != "test"}
    assert all(task.never_train and task.source == "rewoo-official" and task.shots == 1 for task in chosen)
    assert {task.offered for task in chosen} == {("Calculator",), ("Calculator", "SearchSOTU")}
    (variant,) = {Rewoo(task).variant() for task in chosen}
    assert variant == (
        "tools Calculator, SearchSOTU; without Wikipedia, LLM, Google, WolframAlpha; "
        "sets without hotpot_qa, trivia_qa; scorer exact, 1 shots, evidence 1000"
    )
    played = play_all(chosen[:30], concurrency=4)
    assert all(one.score.success and one.failure is None for one in played)
    assert {one.provenance.prompt for one in played} == {played[0].provenance.prompt}


def test_official_questions_on_a_corpus_repeat_at_any_concurrency(
    official_data: Callable[[str], Path], tmp_path: Path
) -> None:
    pages = tmp_path / "pages.jsonl"
    words = ("frost in spring", "a player of basketball", "the momentum of a plane", "a college")
    lines = [json.dumps({"title": f"Page {number}", "text": [f"Of {text}."]}) for number, text in enumerate(words)]
    pages.write_text("\n".join(lines))
    chosen = tasks(40, official=str(official_data("rewoo")), corpus=str(pages))
    assert {task.offered for task in chosen} >= {("Wikipedia", "Calculator")}
    assert "tools Wikipedia (corpus pages " in Rewoo(chosen[0]).variant()
    runs = [[one.model_dump_json() for one in play_all(chosen, concurrency=many)] for many in (1, 4)]
    assert runs[0] == runs[1]
    assert "Of frost in spring." in "".join(runs[0])


def test_a_live_wiki_is_named_and_wants_a_contact(official_data: Callable[[str], Path]) -> None:
    folder = str(official_data("rewoo"))
    (task,) = tasks(1, official=folder, wiki="live", contact="me@example.org")
    assert "tools Wikipedia (live en.wikipedia.org), Calculator" in Rewoo(task).variant()
    with pytest.raises(RecipeError, match="contact"):
        tasks(1, official=folder, wiki="live")


def test_the_example_before_a_question_uses_offered_tools_only() -> None:
    every = [combination for size in range(7) for combination in combinations(ALL_TOOLS, size)]
    shown = {offered: example_for(offered) for offered in every}
    assert {example for example in shown.values() if example} == set(EXAMPLES)
    for offered, example in shown.items():
        plan = parse_plan(example.plan if example else "")
        assert {step.tool for step in plan.steps} <= set(offered)
        assert plan.sound == bool(example)


def test_a_users_mistakes_are_named(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = str(official_data("rewoo"))
    with pytest.raises(DataError, match=r"no split 'tset' \(did you mean 'test'"):
        tasks(1, split="tset")
    with pytest.raises(DataError, match="needs trivia_qa = PATH"):
        tasks(1, official=folder, questions="trivia_qa")
    with pytest.raises(DataError, match="holds none of the sets"):
        tasks(1, official=str(tmp_path))
    with pytest.raises(RecipeError, match=r"set judge\.base_url"):
        tasks(1, scorer="judge")
    with pytest.raises(RecipeError, match="name it as `corpus`"):
        tasks(1, official=folder, wiki="corpus")
    with pytest.raises(RecipeError, match="generated questions"):
        tasks(1, wiki="live")
    with pytest.raises(RecipeError, match="name its file as `recording`"):
        tasks(1, official=folder, replay=True)


class _Answers(BaseHTTPRequestHandler):
    """A model that calls answers with an even number of letters correct, and tells others how often it was asked."""

    asked: Counter[str] = Counter()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked[body["model"]] += 1
        said = f"call {self.asked[body['model']]}"
        if body["model"] == "judge":
            answer = body["messages"][-1]["content"].split("Answer to grade: ")[1].splitlines()[0]
            said = "well..." if answer == "unsure" else "CORRECT" if len(answer) % 2 == 0 else "INCORRECT"
        told = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def model_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_judge_has_the_last_word_where_it_is_asked() -> None:
    with model_server() as url:
        (task,) = tasks(1, judge={"base_url": url, "model": "judge"}, scorer="judge")
        assert Rewoo(task).variant().endswith("judge judge, scorer judge, 0 shots, evidence 1000")
        found = {
            answer: play(Rewoo(task), "#E1 = Calculator[1]", answer).score for answer in ("even", "odd", "unsure", "")
        }
    assert {answer: score.success for answer, score in found.items()} == {
        "even": True, "odd": False, "unsure": False, "": False,
    }  # fmt: skip
    assert found["even"].metrics["acc_judge"] == 1.0
    assert found["even"].metrics["acc_exact"] == 0.0
    assert [score.metrics["judge_unread"] for score in found.values()] == [0.0, 0.0, 1.0, 0.0]


def test_a_recorded_run_is_played_back_without_a_server(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    told: dict[str, object] = {"official": str(official_data("rewoo")), "recording": str(tmp_path / "run.sqlite")}

    def run(**more: object) -> list[Trajectory]:
        chosen = tasks(2, split="sports_understanding", **told, **more)
        return [play(Rewoo(task), "#E1 = LLM[Who?]\n#E2 = LLM[Where is #E1?]", "even") for task in chosen]

    with model_server() as url:
        models = {name: {"base_url": url, "model": name} for name in ("llm", "judge")}
        live = run(**models)
    replayed = run(**models, replay=True)
    assert [one.messages for one in live] == [one.messages for one in replayed]
    assert [one.score for one in live] == [one.score for one in replayed]
    assert "#E1: call 1" in live[0].messages[-2].content
    assert "tools LLM (llm), Calculator" in live[0].provenance.environment_version
    assert "tools replayed LLM (llm)" in replayed[0].provenance.environment_version


def test_a_judge_that_is_gone_is_a_failed_episode() -> None:
    (task,) = tasks(1, judge={"base_url": "http://127.0.0.1:9/v1", "model": "judge", "max_attempts": 1})
    played = play(Rewoo(task), "#E1 = Calculator[1]", "Answer: 1")
    assert played.failure is not None
    assert "cannot reach 'judge'" in played.failure.message
