"""When an episode is given up, with the two quirks and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.science.stops import NO_ACTION, Patience, is_failure

if TYPE_CHECKING:
    from agenttuning.environments.worlds.science.stops import FailureTest, LoopTest


def patience(failure_test: FailureTest = "paper", loop_test: LoopTest = "paper") -> Patience:
    return Patience(failure_test=failure_test, loop_test=loop_test)


@pytest.mark.parametrize(
    ("observation", "paper", "fixed"),
    [
        (NO_ACTION, True, True),
        ("You can't do that.", True, True),
        ("It does not move.", True, True),
        ("That doesn't work.", True, True),
        ("In the sink is: nothing.", True, False),
        ("You see another cup.", True, False),
        ("The door is now open.", False, False),
    ],
)
def test_a_failure_is_a_word_or_with_the_quirk_a_part_of_one(observation: str, paper: bool, fixed: bool) -> None:
    assert (is_failure(observation, "paper"), is_failure(observation, "fixed")) == (paper, fixed)


def test_ten_failures_in_a_row_are_too_many() -> None:
    tried = patience()
    for number in range(9):
        tried.note(str(number), NO_ACTION)
        assert not tried.exhausted
    tried.note("look", "a room")
    for number in range(10):
        assert not tried.exhausted
        tried.note(str(number), NO_ACTION)
    assert tried.exhausted


@pytest.mark.parametrize(
    ("turns", "paper", "fixed"),
    [
        ("ababa", True, True),
        ("aaaab", True, True),
        ("aaaaa", False, True),
        ("abcab", False, False),
        ("abab", False, False),
    ],
)
def test_a_loop_is_made_of_two_turns_or_without_the_quirk_of_one(turns: str, paper: bool, fixed: bool) -> None:
    for loop_test, expected in (("paper", paper), ("fixed", fixed)):
        tried = patience(loop_test="paper" if loop_test == "paper" else "fixed")
        for turn in turns:
            tried.note(turn, "seen")
        assert tried.looping is expected


def test_the_same_action_with_another_result_is_another_turn() -> None:
    tried = patience()
    for number in range(5):
        tried.note("look", f"{number // 2}")
    assert not tried.looping
