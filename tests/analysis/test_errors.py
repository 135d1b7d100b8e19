from __future__ import annotations

import pytest
from tests.analysis.episodes import Turn, broken, episode

from agenttuning.analysis.errors import CATEGORIES, elementary_errors, error_shares
from agenttuning.core.records import Stop


def go(place: str, answer: str = "You see nothing.") -> Turn:
    return (f"Action: go to {place}", True, answer)


def test_a_clean_episode_shows_none() -> None:
    assert elementary_errors(episode(turns=(go("a"), go("b"), go("c")))) == frozenset()


def test_a_reply_without_an_action_is_an_invalid_action() -> None:
    assert elementary_errors(episode(turns=(("lovely weather", False, "?"), go("a")))) == {"invalid action"}


def test_three_times_in_a_row_is_short_term() -> None:
    assert elementary_errors(episode(turns=(go("a"),) * 2)) == frozenset()
    assert elementary_errors(episode(turns=(go("a"),) * 3)) == {"short-term repetition"}


def test_the_world_that_stopped_for_repetition_is_believed() -> None:
    assert elementary_errors(episode(turns=(go("a"),), stop=Stop.REPEAT)) == {"short-term repetition"}


def test_walking_in_a_circle_is_long_term() -> None:
    circle = (go("a"), go("b"), go("c"))
    assert elementary_errors(episode(turns=circle * 2, stop=Stop.TURNS)) == frozenset()
    assert elementary_errors(episode(turns=circle * 3, stop=Stop.TURNS)) == {"long-term repetition"}


def test_coming_back_to_another_answer_is_progress() -> None:
    turns = tuple(turn for k in range(5) for turn in (go("a", f"You see {k}."), go("b", f"You see {k}.")))
    assert elementary_errors(episode(turns=turns, stop=Stop.TURNS)) == frozenset()


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but that is not possible.",
        "I\N{RIGHT SINGLE QUOTATION MARK}m very sorry.",
        "As an AI language model, no.",
        "I cannot assist with that.",
        "I am unable to open doors.",
    ],
)
def test_declining_is_a_refusal_and_no_invalid_action(reply: str) -> None:
    assert elementary_errors(episode(turns=((reply, False, "?"),))) == {"refusal"}


def test_a_polite_act_is_no_refusal() -> None:
    polite = ("Thought: I'm sorry I missed it.\nAction: go to a", True, "You see a book.")
    assert elementary_errors(episode(turns=(polite,))) == frozenset()


def test_a_thought_about_limits_is_an_invalid_action_only() -> None:
    assert elementary_errors(episode(turns=(("I cannot see a book here.", False, "?"),))) == {"invalid action"}


def test_shares_are_of_all_episodes_broken_ones_too() -> None:
    shares = error_shares([episode(turns=(go("a"),) * 3), episode(), broken(), episode(turns=(("x", False, "?"),))])
    assert shares == dict.fromkeys(CATEGORIES, 0.0) | {"invalid action": 0.25, "short-term repetition": 0.25}
