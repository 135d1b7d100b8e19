"""The WebArena environment on webarena-mini: protocol, stops, judgement, sources."""

import asyncio
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from agenttuning.core.records import Difficulty, Message, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments.held_out.webarena import Webarena
from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.chat_model import ChatModelSettings
from agenttuning.environments.worlds.webarena.task import WebarenaConfig, WebarenaTask
from agenttuning.environments.worlds.webarena.wording import CLOSING, EXAMPLES, INSTRUCTION, NOT_UNDERSTOOD
from agenttuning.errors import DataError, RecipeError
from agenttuning.policies.oracle import oracle_player

needs_browser = pytest.mark.skipif(bool(missing_program()), reason="no Chromium")


def tasks(difficulty: Difficulty = "standard", count: int = 1, **settings: object) -> list[WebarenaTask]:
    config = WebarenaConfig.model_validate({"difficulty": difficulty, **settings})
    return list(islice(Webarena.load("test", config), count))


class _Script:
    """Says prepared replies, the last one again and again, and keeps what it was shown."""

    name = "script"
    sampling = None

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.shown: list[tuple[Message, ...]] = []

    async def reply(self, messages: tuple[Message, ...]) -> Reply:
        self.shown.append(tuple(messages))
        return Reply(content=self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])


def play(task: WebarenaTask, *replies: str) -> tuple[Trajectory, _Script]:
    script = _Script(*replies)
    return asyncio.run(rollout(Webarena(task), lambda _environment, *, sample: script)), script


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("difficulty", ["tiny", "standard"])
def test_scripts_win(difficulty: Difficulty) -> None:
    for task in tasks(difficulty, 3):
        played = asyncio.run(rollout(Webarena(task), oracle_player))
        assert (played.failure, played.stop, played.score.reward) == (None, Stop.DONE, 1)


@pytest.mark.browser
@needs_browser
def test_every_call_sees_the_instruction_the_examples_and_the_present() -> None:
    played, script = play(*tasks(), "I look. ```scroll [down]```", "what?", "```stop [N/A]```")
    assert [len(shown) for shown in script.shown] == [7, 7, 7]
    opening = script.shown[0]
    assert opening[0].content == INSTRUCTION
    assert [message.train for message in opening] == [None, False, None, False, None, False, None]
    assert [message.content for message in opening[2:6:2]] == [shown for shown, _ in EXAMPLES]
    previous = [shown[-1].content.rpartition("PREVIOUS ACTION: ")[2] for shown in script.shown]
    assert previous == ["None", "scroll [down]", NOT_UNDERSTOOD]
    assert played.restarts == (8, 16)
    assert [step.valid for step in played.steps] == [True, False, True]
    assert played.stop is Stop.DONE


@pytest.mark.browser
@needs_browser
def test_history_may_be_kept_in_one_dialogue() -> None:
    played, script = play(*tasks(context="history"), "```scroll [down]```", "```stop```")
    assert [len(shown) for shown in script.shown] == [7, 9]
    assert played.restarts == ()
    assert "history context" in played.provenance.environment_version


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("replies", "stop", "turns"),
    [
        (("no action",), Stop.FORMAT, 3),
        (("```go_back```",), Stop.REPEAT, 3),
        (("```scroll [down]```", "```scroll [up]```") * 15, Stop.TURNS, 30),
    ],
)
def test_an_episode_that_goes_nowhere_ends_and_is_judged(replies: tuple[str, ...], stop: Stop, turns: int) -> None:
    played, _ = play(tasks("tiny")[0], *replies)
    assert (played.failure, played.stop, played.turns, played.score.reward) == (None, stop, turns, 0)


@pytest.mark.browser
@needs_browser
def test_two_runs_have_the_same_bytes_at_any_concurrency() -> None:
    chosen = [*tasks("standard", 4), *tasks("tiny", 4)]

    async def run(width: int) -> dict[str, str]:
        entries = ((Webarena(task), "test", 0) for task in chosen)
        played = rollouts(entries, oracle_player, concurrency=width)
        return {trajectory.task: trajectory.model_dump_json() async for trajectory in played}

    assert asyncio.run(run(1)) == asyncio.run(run(4))


@pytest.mark.browser
@needs_browser
def test_tiny_dialogues_are_short() -> None:
    for task in tasks("tiny", 6):
        played = asyncio.run(rollout(Webarena(task), oracle_player))
        assert played.score.success
        assert max(sum(len(message.content) for message in each) for each in played.dialogues) < 1_200


@pytest.mark.browser
@needs_browser
def test_traffic_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    task = tasks("tiny", har=tmp_path)[0]
    for _ in range(2):
        play(task, "```stop```")
    for name in (task.id, f"{task.id}.2"):
        assert json.loads((tmp_path / name / "network.har").read_text("utf-8"))["log"]["entries"]


def test_the_number_says_what_made_it() -> None:
    mini = Webarena(tasks()[0]).variant()
    assert mini == "webarena-mini, judge words, 1920 tokens, 4 characters a token, current context"
    judge = ChatModelSettings(base_url="http://judge.test/v1", model="judge-7b")
    judged = tasks()[0].model_copy(update={"judge": judge, "task_set": "raw"})
    assert Webarena(judged).variant().startswith("raw tasks, judge judge-7b, ")
    verified = tasks()[0].model_copy(update={"task_set": "verified"})
    assert Webarena(verified).variant().startswith("verified tasks, judge webarena-verified 1.2.3, ")


def test_splits_are_large_lazy_and_apart() -> None:
    assert Webarena.splits() == {"train": 20_000, "test": 1_000}
    train, test = (list(islice(Webarena.load(split), 60)) for split in ("train", "test"))
    assert {task.scene for task in train}.isdisjoint(task.scene for task in test)
    with pytest.raises(DataError, match=r"'tset'.*did you mean 'test'"):
        Webarena.load("tset")


def test_wrong_sites_are_told(tmp_path: Path) -> None:
    (tmp_path / "test.raw.json").write_text("[]")
    with pytest.raises(RecipeError, match=r"sites has no 'shop'"):
        list(Webarena.load("test", WebarenaConfig(official=tmp_path, sites={"shop": "http://localhost"})))


def test_the_instruction_and_the_examples_follow_the_protocol() -> None:
    assert CLOSING in INSTRUCTION
    for shown, reply in EXAMPLES:
        assert [line.split(":")[0] for line in shown.splitlines() if line[:1].isupper() and ": " in line][-3:] == [
            "URL",
            "OBJECTIVE",
            "PREVIOUS ACTION",
        ]
        assert f"{CLOSING} ```" in reply


def test_the_base_install_lists_it_and_says_what_playing_needs() -> None:
    script = """
import sys
for name in ("playwright.async_api", "starlette", "uvicorn", "jinja2"):
    sys.modules[name] = None
from agenttuning.cli import main
assert main(["environments", "--json"]) == 0
main(["check", "webarena", "--limit", "1"])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    listed = {row["id"]: row for row in json.loads(done.stdout.splitlines()[0])}
    assert listed["webarena"]["oracle"]
    assert "pip install 'agenttuning[web]'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
