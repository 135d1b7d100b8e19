"""The ScienceWorld environment: protocol, limits, score, oracle, on the laboratory and in the simulator."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Difficulty, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments import load_environment
from agenttuning.environments.held_out.scienceworld import (
    ACKNOWLEDGEMENT,
    INSTRUCTION,
    Scienceworld,
    ScienceworldConfig,
    ScienceworldTask,
)
from agenttuning.environments.worlds.laboratory.scene import Experiment, Milestone, Scene, Thing
from agenttuning.environments.worlds.science.jvm import missing_parts
from agenttuning.errors import DataError, RecipeError
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.core.environment import Step
    from agenttuning.core.records import Message

GOLDEN = Path(__file__).parents[1] / "golden" / "scienceworld"
needs_java = pytest.mark.skipif(bool(missing_parts()), reason=missing_parts() or "present")
TASK = ScienceworldTask(
    id="t",
    category="boil",
    experiment=Experiment(
        kind="boil",
        goal="Your task is to boil the water.\nFirst focus on it.",
        scene=Scene(
            rooms=("kitchen",),
            things=(
                Thing(name="stove", where="kitchen", fixed=True, holds=True, drives=300.0),
                Thing(name="cup", where="kitchen", holds=True),
                Thing(name="water", where="cup", melts=0.0, boils=100.0),
            ),
        ),
        milestones=(
            Milestone(what="focus", thing="water", points=40),
            Milestone(what="state", thing="water", value="gas", points=60),
        ),
    ),
)


class Script:
    """Answers with the replies of an iterator, the last one again and again."""

    name = "script"
    sampling = None

    def __init__(self, replies: Iterable[str]) -> None:
        self._replies, self._last = iter(replies), ""

    async def reply(self, messages: Sequence[Message]) -> Reply:
        self._last = next(self._replies, self._last)
        return Reply(content=self._last)


def play(task: ScienceworldTask, replies: Iterable[str]) -> Trajectory:
    return asyncio.run(rollout(Scienceworld(task), lambda environment, *, sample: Script(replies)))


def solve(task: ScienceworldTask) -> Trajectory:
    return asyncio.run(rollout(Scienceworld(task), oracle_player))


def tasks(count: int, split: str = "train", **config: object) -> list[ScienceworldTask]:
    return list(islice(Scienceworld.load(split, ScienceworldConfig.model_validate(config)), count))


def step(reply: str, task: ScienceworldTask = TASK) -> Step:
    return asyncio.run(Scienceworld(task).step(reply))


@pytest.mark.parametrize(
    ("reply", "action", "observation", "valid"),
    [
        ("Think: water boils at 100.", "think", "OK.", True),
        ("  Think: Action: wait", "think", "OK.", True),
        ("Action: focus on water", "focus on water", "You focus on the water.", True),
        ("Action:focus on water ", "focus on water", "You focus on the water.", True),
        ("Action: please focus on the water", "focus on water", "You focus on the water.", False),
        ("Action: activate", "activate stove", "The stove is now activated.", False),
        ("Action: sing", "sing", "No known action matches that input.", False),
        ("focus on water", "", "No known action matches that input.", False),
        ("", "", "No known action matches that input.", False),
    ],
)
def test_a_reply_is_a_thought_or_the_nearest_action(reply: str, action: str, observation: str, valid: bool) -> None:
    taken = step(reply)
    assert (taken.action, taken.observation, taken.valid, taken.done) == (action, observation, valid, False)


def test_an_episode_is_stored_as_the_model_saw_it() -> None:
    replies = [
        "Think: the stove.",
        *(f"Action: {a}" for a in ("focus on water", "move cup to stove", "activate stove")),
    ]
    played = play(TASK, [*replies, "Think: soon.", "Action: wait"])
    room = "You are in the kitchen. You see: a stove (off), a cup (holding water (liquid))."
    assert [(m.role, m.content, m.train) for m in played.messages[:6]] == [
        ("user", INSTRUCTION, None),
        ("assistant", ACKNOWLEDGEMENT, False),
        ("user", f"{room}\nYour task is to boil the water. First focus on it.", None),
        ("assistant", "Think: the stove.", True),
        ("user", "OK.", None),
        ("assistant", "Action: focus on water", True),
    ]
    assert (played.stop, played.score.reward, played.score.success, played.turns) == (Stop.DONE, 1.0, True, 6)
    assert (played.category, played.score.metrics) == ("boil", {"moves": 4.0, "in_100_moves": 1.0})


def test_a_fatal_mistake_keeps_the_last_score_that_was_not_negative() -> None:
    played = play(TASK, ["Action: focus on water", "Action: focus on cup"])
    assert (played.stop, played.score.reward, played.score.success) == (Stop.DONE, 0.4, False)


def test_ten_failures_a_loop_100_moves_and_200_turns_end_an_episode() -> None:
    assert (play(TASK, (f"sing {n}" for n in range(99))).stop, play(TASK, ["Action: wait"]).turns) == (Stop.FORMAT, 101)
    looping = play(TASK, ("Action: wait1", "Action: look around") * 9)
    assert (looping.stop, looping.turns) == (Stop.REPEAT, 5)
    assert play(TASK, (f"Think: {n}" for n in range(999))).turns == 200
    moving = play(
        TASK, (f"Action: {('open', 'wait1', 'mix cup', 'look in cup', 'look at cup')[n % 5]}" for n in range(999))
    )
    assert (moving.stop, moving.score.metrics["moves"]) == (Stop.TURNS, 101)


@pytest.mark.parametrize(("loop_test", "turns"), [("paper", 101), ("fixed", 5)])
def test_the_quirk_of_the_loop_test_is_a_switch(loop_test: str, turns: int) -> None:
    assert play(TASK.model_copy(update={"loop_test": loop_test}), ["Action: wait1"]).turns == turns


@pytest.mark.parametrize(("failure_test", "stop"), [("paper", Stop.FORMAT), ("fixed", Stop.TURNS)])
def test_the_quirk_of_the_failure_test_is_a_switch(failure_test: str, stop: Stop) -> None:
    """`nothing` is no failure, yet the original takes it for one."""
    played = play(TASK.model_copy(update={"failure_test": failure_test}), ["Action: inventory"])
    assert (played.stop, played.turns) == (stop, 10 if stop is Stop.FORMAT else 200)


def test_lifted_limits_let_an_episode_go_on() -> None:
    task = TASK.model_copy(update={"limits": "none"})
    assert play(task, ["sing"]).turns == 2000


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_oracle_wins_without_repair_and_one_of_each_kind_is_on_record(difficulty: Difficulty) -> None:
    told: dict[str, str] = {}
    for task in tasks(32, "train", difficulty=difficulty, seed=11):
        played = solve(task)
        assert (played.stop, played.score.success) == (Stop.DONE, True), task.id
        assert all(step.valid for step in played.steps)
        dialogue = "\n".join(f"[{m.role}] {m.content}" for m in played.messages[2:])
        told.setdefault(f"{task.category}", f"--- {task.id} {task.category}\n{dialogue}\n")
    assert "".join(told[kind] for kind in sorted(told)) == (GOLDEN / f"{difficulty}.txt").read_text("utf-8")


def test_tiny_dialogues_are_short() -> None:
    lengths = [sum(len(m.content) for m in solve(task).messages) for task in tasks(60, difficulty="tiny")]
    assert max(lengths) < 1_200
    assert sum(lengths) / len(lengths) < 700


@pytest.mark.parametrize("difficulty", ["tiny", "standard"])
def test_one_example_of_the_same_kind_comes_before_the_task(difficulty: Difficulty) -> None:
    for task in tasks(8, difficulty=difficulty, shots=1):
        opening = asyncio.run(Scienceworld(task).start())
        assert [message.role for message in opening] == ["user", "assistant"] * (len(opening) // 2) + ["user"]
        assert opening[-1].content.startswith("The earlier task is over, a new one begins. You are in")
        assert not any(message.train for message in opening)
        assert solve(task).score.success


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(max_size=30) | st.sampled_from(["Action: wait", "Action:", "Think:", "Action: \x00"]), max_size=8)
)
def test_no_reply_raises_or_scores(replies: list[str]) -> None:
    assert play(TASK, [*replies, "sing"]).score.reward == 0.0


def test_a_very_long_reply_is_answered_in_time() -> None:
    assert step("Action: " + "focus " * 200_000).valid is False


def test_splits_are_lazy_and_large_and_a_wrong_one_is_named() -> None:
    assert Scienceworld.splits() == {"train": 20_000, "test": 1_000}
    assert next(iter(Scienceworld.load("test"))).id == "test-standard-0-0"
    with pytest.raises(DataError, match="no split 'tset'"):
        Scienceworld.load("tset")
    with pytest.raises(RecipeError, match="backend = 'scienceworld'"):
        Scienceworld.splits(ScienceworldConfig(official=Path()))
    assert load_environment("scienceworld") is Scienceworld


def test_the_simulators_tasks_need_no_java_to_be_listed() -> None:
    config = ScienceworldConfig(backend="scienceworld")
    assert Scienceworld.splits(config) == {"train": 3592, "dev": 1796, "test": 270, "test_all": 1819}
    listed = list(Scienceworld.load("test", config))
    assert len({task.id for task in listed}) == 270
    assert (listed[0].id, listed[0].category, listed[0].variation, listed[0].shots) == ("boil/26", "boil", 26, 1)
    assert len({task.category for task in listed}) == 30
    assert all(task.gold for task in listed)


@needs_java
@pytest.mark.java
def test_gold_wins_in_the_simulator_alike_on_one_machine_and_on_two(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("find-plant", "find-non-living-thing", "lifespan-longest-lived", "power-component")
    chosen = [
        next(task for task in Scienceworld.load("test", ScienceworldConfig(backend="scienceworld", limits="none"))
             if task.category == name)
        for name in names
    ]  # fmt: skip

    async def replay() -> dict[str, Trajectory]:
        entries = ((Scienceworld(task), "test", 0) for task in chosen)
        return {played.task: played async for played in rollouts(entries, oracle_player, concurrency=4)}

    monkeypatch.setenv("AGENTTUNING_JVMS", "1")
    alone = asyncio.run(replay())
    monkeypatch.setenv("AGENTTUNING_JVMS", "2")
    assert asyncio.run(replay()) == alone
    assert all(played.score.success and played.stop is Stop.DONE for played in alone.values())
    assert {played.provenance.source for played in alone.values()} == {"scienceworld-1.2.3"}
    assert not any("\t" in message.content for played in alone.values() for message in played.messages)


@needs_java
@pytest.mark.java
def test_the_snapper_works_on_what_the_simulator_lists() -> None:
    config = ScienceworldConfig(backend="scienceworld", shots=0)
    task = next(task for task in Scienceworld.load("test", config) if task.category == "find-plant")
    said = ["Think: a plant.", "Action: Please open the door to greenhouse!", "go to hallway", "Action: zzz"]
    played = play(task, said)
    assert [(step.action, step.valid) for step in played.steps[:4]] == [
        ("think", True),
        ("open door to greenhouse", False),
        ("go to hallway", True),
        ("zzz", False),
    ]
    assert played.messages[3 + 7].content == "No known action matches that input."
    assert played.stop is Stop.REPEAT
