"""The Mind2Web environment: protocol, dialogues, reward, oracle, purity."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agenttuning
from agenttuning.core.environment import Environment
from agenttuning.core.records import Difficulty, Message, Reply, Stop, Task, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments.held_in.mind2web import INSTRUCTION, Mind2Web, Mind2WebConfig, Mind2WebTask
from agenttuning.environments.worlds.sites.examples import examples
from agenttuning.environments.worlds.sites.tournament import read_answer, shuffled
from agenttuning.errors import DataError
from agenttuning.policies.oracle import oracle_player

GOLDEN = Path(__file__).parents[1] / "golden" / "mind2web.json"


def _task(
    count: int = 10, *, positives: tuple[str, ...] = ("4",), best_rank: int | None = 3, **keys: object
) -> Mind2WebTask:
    links = " ".join(f'<a backend_node_id="{n}"><text backend_node_id="t{n}">item {n}</text></a>' for n in range(count))
    fields = {
        "id": "sample",
        "website": "shop",
        "goal": "Open item 4",
        "previous": (),
        "html": f'<html backend_node_id="h">{links}</html>',
        "top": tuple(str(n) for n in range(count)),
        "positives": positives,
        "best_rank": best_rank,
        "operation": "CLICK",
        "value": "",
        "aim": "click item 4",
        "ranker": "bm25",
    }
    return Mind2WebTask.model_validate({**fields, **keys})


class _Script:
    """Says prepared replies and keeps what it was shown."""

    name = "script"
    sampling = None

    def __init__(self, replies: Iterator[str]) -> None:
        self.replies = replies
        self.shown: list[Sequence[Message]] = []

    async def reply(self, messages: Sequence[Message]) -> Reply:
        self.shown.append(messages)
        return Reply(content=next(self.replies))


def _play(task: Mind2WebTask, *replies: str) -> tuple[Trajectory, list[Sequence[Message]]]:
    script = _Script(iter(replies))
    return asyncio.run(rollout(Mind2Web(task), lambda _environment, *, sample: script)), script.shown


def _oracle(task: Mind2WebTask) -> Trajectory:
    return asyncio.run(rollout(Mind2Web(task), oracle_player))


def test_every_question_is_a_dialogue_of_its_own() -> None:
    played, shown = _play(_task(shots=3), "Answer: A", "Answer: A")
    assert [len(messages) for messages in shown] == [7, 7]
    assert [messages[:6] for messages in shown] == [examples(), examples()]
    assert shown[0][6] != shown[1][6]
    assert played.restarts == (8,)
    assert [dialogue[:-1] for dialogue in played.dialogues] == shown
    assert [
        [message.train for message in dialogue if message.role == "assistant"] for dialogue in played.dialogues
    ] == [
        [False, False, False, True],
        [False, False, False, True],
    ]
    assert (played.stop, played.turns) == (Stop.DONE, 2)


def test_without_examples_the_instruction_opens_every_dialogue() -> None:
    _, shown = _play(_task(shots=0), "Answer: A", "Answer: A")
    for messages in shown:
        assert [message.content for message in messages[:2]] == [INSTRUCTION, "Ok."]
        assert messages[1].train is False
    _, shown = _play(_task(shots=3, instruction="My words."), "Answer: A", "Answer: A")
    assert shown[1][0].content == f"My words.\n\n{examples()[0].content}"


def test_a_question_is_page_task_history_and_choices() -> None:
    told = tuple(f"[link]  {n} -> CLICK" for n in range(7))
    _, shown = _play(_task(2, previous=told), "Answer: A")
    assert shown[0][-1].content == (
        "'''\n<html><a id=0>item 0</a> <a id=1>item 1</a></html>\n'''\n\n"
        "Task on this page: Open item 4\nPrevious actions:\n"
        "[link]  2 -> CLICK\n[link]  3 -> CLICK\n[link]  4 -> CLICK\n[link]  5 -> CLICK\n[link]  6 -> CLICK\n"
        "Which element comes next? Answer with its letter, or with A where none of them does:\n\nA. None of the above\n"
        "B. <a id=0>item 0</a>\nC. <a id=1>item 1</a>\n"
    )


def test_the_examples_show_a_selection_none_and_a_click() -> None:
    shown = examples()
    assert [message.role for message in shown] == ["user", "assistant"] * 3
    actions = [(read_answer(m.content).letter, read_answer(m.content).action) for m in shown if m.role == "assistant"]
    assert actions == [("D", "SELECT Minivan"), ("A", ""), ("D", "CLICK")]
    choices = [message.content.rpartition("\nD. ")[2].splitlines()[0] for message in shown[::2]]
    assert choices == [
        "<select id=2 car size> <option> Compact </option> <option> Minivan </option>",
        "<a id=2 basket />",
        "<a id=2 button> Buy tickets </a>",
    ]


def test_the_winner_of_the_last_question_is_judged() -> None:
    task = _task()
    order = shuffled(task.top, seed=task.id)
    place = order.index("4")
    replies = ["Answer: A", "Answer: A", "Answer: A"]
    letter = "BCDEF"[sorted(order[:5]).index("4")] if place < 5 else "BCDEF"[sorted(order[5:]).index("4")]
    replies[place // 5] = f"Answer: {letter}\nAction: CLICK"
    played, _ = _play(task, *replies)
    assert played.score.success
    assert played.score.metrics["element_accuracy"] == 1.0
    wrong, _ = _play(task, *(reply.replace("CLICK", "TYPE\nValue: x") for reply in replies))
    assert (wrong.score.metrics["element_accuracy"], wrong.score.metrics["action_f1"], wrong.score.reward) == (1, 0, 0)


@pytest.mark.parametrize(
    ("task", "asked"),
    [
        (_task(1, positives=("0",)), 1),
        (_task(0, positives=(), best_rank=None), 1),
        (_task(10, positives=(), best_rank=12), 2),
    ],
)
def test_what_the_original_never_asks_cannot_be_won(task: Mind2WebTask, asked: int) -> None:
    played, _ = _play(task, *["Answer: B\nAction: CLICK"] * 3)
    assert (played.score.reward, played.score.metrics["element_accuracy"], played.stop) == (0.0, 0.0, Stop.DONE)
    assert played.turns >= asked
    assert played.score.metrics["action_f1"] == 0.0


def test_recall_is_of_the_ranker_and_not_of_the_answers() -> None:
    played, _ = _play(_task(best_rank=17, positives=()), "Answer: A", "Answer: A")
    recalls = {name: value for name, value in played.score.metrics.items() if name.startswith("recall")}
    assert recalls == {"recall@5": 0.0, "recall@10": 0.0, "recall@20": 1.0, "recall@50": 1.0}


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_oracle_wins_in_at_most_three_questions_and_thinks(difficulty: Difficulty) -> None:
    for task in islice(Mind2Web.load("test", Mind2WebConfig(difficulty=difficulty)), 25):
        played = _oracle(task)
        assert played.score.success
        assert played.turns <= 3
        assert all(step.valid for step in played.steps)
        said = [message.content for message in played.messages if message.train]
        assert all(reply.startswith("Thought: ") and "\nAnswer: " in reply for reply in said)


def test_the_oracle_of_an_official_sample_loses_only_where_the_protocol_does() -> None:
    assert _oracle(_task()).score.success
    assert _oracle(_task(10, positives=("4", "5"))).score.success
    assert not _oracle(_task(10, positives=(), best_rank=30)).score.success
    order = shuffled(tuple("012345"), seed="sample")
    assert not _oracle(_task(6, positives=(order[5],), best_rank=0)).score.success


def test_a_page_that_cannot_be_read_is_a_failed_episode() -> None:
    broken, _ = _play(_task(html="<html><a></html>"))
    assert broken.failure is not None
    assert (broken.failure.side, broken.stop, broken.score.reward) == ("environment", Stop.ERROR, 0.0)
    told, _ = _play(_task(fault="the page is no XML: line 3"))
    assert told.failure is not None
    assert "line 3" in told.failure.message


def test_pages_that_cannot_be_read_stay_in_the_denominator(tmp_path: Path) -> None:
    row = {
        "annotation_id": "a",
        "action_uid": "u",
        "website": "w",
        "confirmed_task": "\u4e70\u4e00\u5f20\u7968 \u0628\u0637\u0627\u0642\u0629",
        "previous_actions": [],
        "operation": {"op": "TYPE", "value": "\u4e1c\u4eac"},
        "pos_candidates": [{"backend_node_id": "1"}],
        "neg_candidates": [{"backend_node_id": "2"}],
    }
    pages = [
        "<html><p>",
        '<html backend_node_id="0"><input backend_node_id="1" title="\u7968"/><a backend_node_id="2"/></html>',
    ]
    lines = [json.dumps({**row, "action_uid": f"u{n}", "cleaned_html": html}) for n, html in enumerate(pages)]
    (tmp_path / "train_0.jsonl").write_text("\n".join(lines))
    tasks = list(Mind2Web.load("train", Mind2WebConfig(official=tmp_path)))
    played = [_oracle(task) for task in tasks]
    assert [trajectory.stop for trajectory in played] == [Stop.ERROR, Stop.DONE]
    assert [trajectory.score.success for trajectory in played] == [False, True]
    assert "\u4e70\u4e00\u5f20\u7968" in played[1].messages[-2].content
    assert played[1].messages[-1].content.endswith("Action: TYPE\nValue: \u4e1c\u4eac")


def _all(tasks: Sequence[Mind2WebTask], *, concurrency: int) -> dict[str, str]:
    async def play() -> dict[str, str]:
        entries: list[tuple[Environment[Task], str, int]] = [(Mind2Web(task), "test", 0) for task in tasks]
        ended = {}
        async for played in rollouts(entries, _busy, concurrency=concurrency):
            ended[played.task] = played.model_dump_json()
        return ended

    return asyncio.run(play())


class _Busy:
    """Answers by the length of the question, after giving way to the other episodes a few times."""

    name = "busy"
    sampling = None

    async def reply(self, messages: Sequence[Message]) -> Reply:
        length = len(messages[-1].content)
        for _ in range(length % 7):
            await asyncio.sleep(0)
        return Reply(content=f"Thought: {length}\nAnswer: {'ABCDEF'[length % 6]}\nAction: CLICK")


def _busy(environment: Environment[Task], *, sample: int) -> _Busy:
    return _Busy()


def test_two_hundred_tasks_are_byte_equal_at_any_concurrency_and_in_any_order() -> None:
    tasks = list(islice(Mind2Web.load("test"), 200))
    one = _all(tasks, concurrency=1)
    assert len(one) == 200
    assert _all(tasks, concurrency=64) == one
    assert _all(tasks[::-1], concurrency=64) == one


def test_openings_and_oracle_replies_are_golden() -> None:
    now = {}
    for difficulty in ("tiny", "standard", "hard"):
        task = next(iter(Mind2Web.load("test", Mind2WebConfig.model_validate({"difficulty": difficulty}))))
        now[difficulty] = [message.model_dump(exclude_defaults=True) for message in _oracle(task).messages]
    now["examples"] = [message.model_dump(exclude_defaults=True) for message in examples()]
    assert now == json.loads(GOLDEN.read_text("utf-8"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(max_size=60) | st.sampled_from(["Answer: B", "Answer: F\nAction: CLICK"]), min_size=3, max_size=3)
)
def test_hostile_replies_are_answers_like_others(replies: list[str]) -> None:
    played, _ = _play(_task(), *replies)
    assert played.failure is None
    assert played.stop is Stop.DONE


def test_the_one_official_action_is_solved_with_its_own_ranks(official_data: Callable[[str], Path]) -> None:
    config = Mind2WebConfig(official=official_data("mind2web"))
    assert Mind2Web.splits(config) == {"seeact_queries": 3}
    tasks = list(Mind2Web.load("seeact_queries", config))
    assert {(task.best_rank, task.ranker, task.never_train) for task in tasks} == {(2, "official", True)}
    assert len({task.instance for task in tasks}) == 1
    assert _oracle(tasks[0]).score.success
    lexical = next(iter(Mind2Web.load("seeact_queries", config.model_copy(update={"ranker": "bm25"}))))
    assert lexical.ranker == "bm25"
    assert lexical.best_rank is not None
    assert lexical.best_rank >= 10
    assert not _oracle(lexical).score.success


def test_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(DataError, match="'tset'"):
        Mind2Web.load("tset")
    with pytest.raises(DataError, match="data import mind2web"):
        Mind2Web.load("train", Mind2WebConfig(official=Path("nowhere")))


@pytest.mark.parametrize(
    ("missing", "told"), [("lxml", "needs lxml"), ("bm25s", "'bm25s"), ("transformers", "cross-encoder")]
)
def test_what_is_not_installed_is_named_when_it_is_needed(missing: str, told: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from agenttuning.environments import load_environment\n"
        "kind = load_environment('mind2web')\n"
        "print(dict(kind.splits()))\n"
        "config = kind.config_type.model_validate({'ranker': sys.argv[1]})\n"
        "try:\n"
        "    next(iter(kind.load('train', config)))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(agenttuning.__file__).parents[1])}
    ranker = "some/model" if missing == "transformers" else "auto"
    done = subprocess.run(
        [sys.executable, "-c", code, ranker], capture_output=True, text=True, check=True, timeout=120, env=environment
    )
    assert "{'train': 20000, 'test': 1000}\nMissingExtraError" in done.stdout
    assert told in done.stdout
    assert "pip install 'agenttuning[search" in done.stdout
