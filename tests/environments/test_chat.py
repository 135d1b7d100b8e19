"""General chat as an environment: what a policy meets, how it is judged, what a split holds."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.environments.worlds.dialogue.reader import read

from agenttuning.core.environment import EnvironmentConfig
from agenttuning.core.records import Difficulty, Reply, Sampling, Stop
from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.environments.general.chat import Chat, ChatTask, same_answer
from agenttuning.environments.worlds.dialogue.topic import Exchange
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Task, Trajectory

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
TWO_TURNS = ChatTask(
    id="two",
    exchanges=(
        Exchange(kind="repeat", question="Repeat: red fox", answer="red fox"),
        Exchange(kind="lines", question="Make a list with dashes: a b", answer="- a\n- b"),
    ),
)


class Fixed:
    """A policy that says given replies one after the other."""

    name = "fixed"
    sampling: Sampling | None = None

    def __init__(self, replies: Sequence[str]) -> None:
        self.replies = iter(replies)

    def __call__(self, environment: Environment[Task], *, sample: int) -> Fixed:
        return self

    async def reply(self, messages: Sequence[Message]) -> Reply:
        return Reply(content=next(self.replies))


def play(task: ChatTask, *replies: str) -> Trajectory:
    return asyncio.run(rollout(Chat(task), Fixed(replies)))


def some(split: str, difficulty: Difficulty, *, number: int, seed: int = 0) -> list[ChatTask]:
    return list(itertools.islice(Chat.load(split, EnvironmentConfig(difficulty=difficulty, seed=seed)), number))


def test_it_is_found_by_its_id() -> None:
    assert load_environment("chat") is Chat


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_oracle_answers_everything(difficulty: Difficulty) -> None:
    for task in some("train", difficulty, number=100):
        played = play(task, *Chat(task).oracle())
        assert played.stop is Stop.DONE
        assert played.score.reward == 1.0
        assert played.score.success
        assert played.turns == len(task.exchanges)


def test_the_questions_are_asked_in_order() -> None:
    played = play(TWO_TURNS, "red fox", "- a\n- b")
    assert [message.role for message in played.messages] == ["user", "assistant", "user", "assistant"]
    assert [message.content for message in played.messages[::2]] == [turn.question for turn in TWO_TURNS.exchanges]


def test_a_wrong_turn_costs_its_share_and_the_dialogue_goes_on() -> None:
    played = play(TWO_TURNS, "blue fox", "- a\n- b")
    assert played.score.reward == 0.5
    assert not played.score.success
    assert played.stop is Stop.DONE


def test_turns_never_reached_count_as_wrong() -> None:
    async def first_only() -> float:
        world = Chat(TWO_TURNS)
        await world.start()
        await world.step("red fox")
        return (await world.score()).reward

    assert asyncio.run(first_only()) == 0.5


def test_only_an_empty_reply_is_no_valid_move() -> None:
    played = play(TWO_TURNS, " \n", "nonsense")
    assert [step.valid for step in played.steps] == [False, True]


@pytest.mark.parametrize(
    ("reply", "answer", "same"),
    [
        ("red  fox ", "red fox", True),
        ("\n- a \n- b\n", "- a\n- b", True),
        ("- a - b", "- a\n- b", False),
        ("Red fox", "red fox", False),
        ("red fox.", "red fox", False),
        ("", "red fox", False),
    ],
)
def test_blanks_do_not_count_and_letters_do(reply: str, answer: str, *, same: bool) -> None:
    assert same_answer(reply, answer) is same


@given(st.text(max_size=300))
def test_hostile_replies_are_wrong_and_never_raise(reply: str) -> None:
    played = play(TWO_TURNS, reply, reply)
    assert played.failure is None
    assert not played.score.success


@given(
    st.lists(st.text("ab-.", min_size=1, max_size=5), min_size=1, max_size=5),
    st.lists(st.sampled_from(["", " ", "\t", "  "]), min_size=12, max_size=12),
)
def test_an_answer_stays_right_with_blanks_around_it_and_its_lines(words: list[str], blanks: list[str]) -> None:
    for joint in (" ", "\n"):
        answer = joint.join(words)
        ends = zip(blanks[::2], blanks[1::2], strict=True)
        padded = joint.join(f"{left}{word}{right}" for word, (left, right) in zip(words, ends, strict=False))
        assert same_answer(f"\n{padded}\n", answer)
        assert same_answer(answer, padded)
        assert not same_answer(f"{padded}x", answer)
        assert not same_answer(padded.upper(), answer) or answer.upper() == answer
    assert len(words) == 1 or not same_answer("\n".join(words), " ".join(words))


class Reading:
    """Answers by an independent reading of the user's turns: of all of them, or of the last alone."""

    name = "reading"
    sampling: Sampling | None = None

    def __init__(self, task: ChatTask, *, turns: int) -> None:
        self.kinds, self.turns = [turn.kind for turn in task.exchanges], turns

    def __call__(self, environment: Environment[Task], *, sample: int) -> Reading:
        return self

    async def reply(self, messages: Sequence[Message]) -> Reply:
        asked = [message.content for message in messages if message.role == "user"]
        try:
            return Reply(content=read(self.kinds[len(asked) - 1], asked[-1], asked[-self.turns : -1]))
        except (LookupError, StopIteration, StopAsyncIteration):
            return Reply(content="I do not remember.")


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_what_a_policy_sees_is_all_it_needs(difficulty: Difficulty) -> None:
    for task in some("test", difficulty, number=150):
        assert asyncio.run(rollout(Chat(task), Reading(task, turns=99))).score.success


def test_a_dialogue_with_a_recalled_fact_is_lost_without_memory() -> None:
    tasks = [task for task in some("test", "hard", number=500) if "recall" in {turn.kind for turn in task.exchanges}]
    assert len(tasks) > 15
    for task in tasks:
        score = asyncio.run(rollout(Chat(task), Reading(task, turns=1))).score
        assert not score.success
        assert score.reward == (len(task.exchanges) - 1) / len(task.exchanges)


def test_a_dialogue_does_not_depend_on_what_was_answered() -> None:
    for task in some("test", "standard", number=60):
        wrong = play(task, *["no idea"] * len(task.exchanges))
        right = play(task, *Chat(task).oracle())
        asked = [[turn.content for turn in played.messages if turn.role == "user"] for played in (wrong, right)]
        assert asked[0] == asked[1] == [turn.question for turn in task.exchanges]
        assert wrong.score.reward == 0.0


def test_a_setting_of_another_seed_or_difficulty_has_other_tasks_and_ids() -> None:
    settings: list[tuple[Difficulty, int]] = [("tiny", 0), ("tiny", 1), ("hard", 0)]
    drawn = [some("train", difficulty, number=50, seed=seed) for difficulty, seed in settings]
    assert len({task.id for tasks in drawn for task in tasks}) == 150
    assert len({tuple(task.exchanges for task in tasks) for tasks in drawn}) == 3


def test_an_instruction_becomes_the_system_message(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    told.write_text("Be brief.")
    task = next(iter(Chat.load("test", EnvironmentConfig(instruction=told))))
    opening = asyncio.run(Chat(task).start())
    assert [(message.role, message.content) for message in opening] == [
        ("system", "Be brief."),
        ("user", task.exchanges[0].question),
    ]


def test_the_splits_are_as_large_as_told() -> None:
    assert Chat.splits() == {"train": 200_000, "test": 2_000}
    tasks = list(Chat.load("test"))
    assert len(tasks) == 2_000
    assert len({task.id for task in tasks}) == 2_000


def test_an_unknown_split_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"'tets' \(did you mean 'test'\?\)"):
        Chat.load("tets")


def test_official_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no official data"):
        Chat.load("test", EnvironmentConfig(official=tmp_path))


def test_a_task_survives_json() -> None:
    for task in some("test", "standard", number=20):
        assert ChatTask.model_validate_json(task.model_dump_json()) == task


def test_tasks_are_made_quickly() -> None:
    began = time.process_time()
    some("train", "standard", number=3_000)
    assert time.process_time() - began < 1.0


_STATEMENT = re.compile(
    r"\bselect\b.*\bfrom\b|\binsert\s+into\b|\bupdate\b.*\bset\b|\bdelete\s+from\b"
    r"|\bwhere\s+\S+\s*=|```sql|\border by\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"\b(?:go to|take|put|move|open|close|clean|heat|cool|use|examine|toggle|slice)\s+[a-z]+ \d"
    r"|\b(?:in/on|inventory|nothing happens|you arrive at|final answer:)|^(?:action|thought|act|think):",
    re.IGNORECASE | re.MULTILINE,
)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_no_text_of_an_agent_task_occurs(difficulty: Difficulty) -> None:
    for task in some("train", difficulty, number=4_000) + some("test", difficulty, number=500):
        for turn in task.exchanges:
            for text in (turn.question, turn.answer):
                assert not _STATEMENT.search(text), text
                assert not _COMMAND.search(text), text


def test_the_search_for_agent_texts_finds_them() -> None:
    assert _STATEMENT.search("SELECT `name` FROM pupils WHERE age = 3")
    assert _STATEMENT.search("UPDATE pupils SET age = 4")
    assert _COMMAND.search("> go to cabinet 1")
    assert _COMMAND.search("Thought: x\nAction: Operation")
    assert _COMMAND.search("put apple 1 in/on fridge 1")
