"""Dialogues: pure functions of their index, and splits that never meet."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.dialogue import talk
from agenttuning.environments.worlds.dialogue.dialogues import MOST_EXCHANGES, is_test, make_dialogue

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty

CLOSED = {"fact", "small_talk"}
FOLLOW_UPS = {"recall", "where_again", "table_again"}


def questions(split: str, difficulty: Difficulty, *, number: int, seed: int = 0) -> set[str]:
    return {
        turn.question
        for index in range(number)
        for turn in make_dialogue(seed, split=split, index=index, difficulty=difficulty)
        if turn.kind not in CLOSED | FOLLOW_UPS
    }


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_no_question_of_the_test_split_is_trained_on(difficulty: Difficulty) -> None:
    tested = questions("test", difficulty, number=1_000)
    assert len(tested) > 700
    assert not tested & questions("train", difficulty, number=10_000)


def test_splits_stay_apart_under_other_seeds() -> None:
    assert not questions("test", "tiny", number=1_000, seed=1) & questions("train", "tiny", number=5_000, seed=2)


def test_small_spaces_reach_both_splits() -> None:
    shares = [is_test(f"plus {left} {right}") for left in range(1, 21) for right in range(1, 21)]
    assert 30 < sum(shares) < 70


@settings(max_examples=50)
@given(st.integers(0, 10**9), st.integers(0, 199_999), st.sampled_from(["train", "test"]))
def test_a_dialogue_is_a_function_of_its_index(seed: int, index: int, split: str) -> None:
    first = make_dialogue(seed, split=split, index=index, difficulty="standard")
    assert first == make_dialogue(seed, split=split, index=index, difficulty="standard")
    assert 1 <= len(first) <= MOST_EXCHANGES


def test_all_kinds_and_all_lengths_occur() -> None:
    made = [make_dialogue(0, split="train", index=index, difficulty="standard") for index in range(3_000)]
    assert set(Counter(map(len, made))) == {1, 2, 3}
    kinds = Counter(turn.kind for dialogue in made for turn in dialogue)
    assert len(kinds) == 44
    assert min(kinds.values()) > 20


def test_memory_reaches_over_another_topic() -> None:
    bridged = 0
    for index in range(3_000):
        dialogue = make_dialogue(0, split="train", index=index, difficulty="standard")
        kinds = [turn.kind for turn in dialogue]
        if len(kinds) == 3 and kinds[0] in talk.RECALLED and kinds[2] == "recall":
            bridged += kinds[1] != "recall"
            if dialogue[0].kind == "introduction":
                assert dialogue[2].answer in dialogue[0].question
    assert bridged > 30


def test_facts_have_one_answer() -> None:
    answers = {question.strip(".?!").lower() for question in [*talk.FACTS, *talk.SMALL_TALK]}
    assert len(answers) == len(talk.FACTS) + len(talk.SMALL_TALK)
