from __future__ import annotations

import pytest
from tests.analysis.episodes import Turn, broken, episode
from tests.analysis.misbehaviour import BEHAVIOURS, Labelled, labelled
from tests.analysis.sentences import OTHERS, REFUSALS

from agenttuning.analysis.errors import CATEGORIES, ErrorCategory, error_shares, find_errors
from agenttuning.analysis.refusals import declines
from agenttuning.core.records import Stop, Trajectory


def go(place: str, answer: str = "You see nothing.") -> Turn:
    return (f"Action: go to {place}", True, answer)


def shown(trajectory: Trajectory) -> frozenset[ErrorCategory]:
    return frozenset(find_errors(trajectory))


def test_a_clean_episode_shows_none() -> None:
    assert shown(episode(turns=(go("a"), go("b"), go("c")))) == frozenset()


def test_a_reply_without_an_action_is_an_invalid_action() -> None:
    assert shown(episode(turns=(("lovely weather", False, "?"), go("a")))) == {"invalid action"}


def test_three_times_in_a_row_is_short_term() -> None:
    assert shown(episode(turns=(go("a"),) * 2)) == frozenset()
    assert shown(episode(turns=(go("a"),) * 3)) == {"short-term repetition"}


def test_the_world_that_stopped_for_repetition_is_believed() -> None:
    assert shown(episode(turns=(go("a"),), stop=Stop.REPEAT)) == {"short-term repetition"}


def test_walking_in_a_circle_is_long_term() -> None:
    circle = (go("a"), go("b"), go("c"))
    assert shown(episode(turns=circle * 2, stop=Stop.TURNS)) == {"round limit"}
    assert shown(episode(turns=circle * 3, stop=Stop.TURNS)) == {"long-term repetition", "round limit"}


def test_coming_back_to_another_answer_is_progress() -> None:
    turns = tuple(turn for k in range(5) for turn in (go("a", f"You see {k}."), go("b", f"You see {k}.")))
    assert shown(episode(turns=turns, stop=Stop.TURNS)) == {"round limit"}


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
    assert shown(episode(turns=((reply, False, "?"),))) == {"refusal"}


def test_a_polite_act_is_no_refusal() -> None:
    polite = ("Thought: I'm sorry I missed it.\nAction: go to a", True, "You see a book.")
    assert shown(episode(turns=(polite,))) == frozenset()


def test_a_thought_about_limits_is_an_invalid_action_only() -> None:
    assert shown(episode(turns=(("I cannot see a book here.", False, "?"),))) == {"invalid action"}


def test_shares_are_of_all_episodes_broken_ones_too() -> None:
    shares = error_shares([episode(turns=(go("a"),) * 3), episode(), broken(), episode(turns=(("x", False, "?"),))])
    assert shares == dict.fromkeys(CATEGORIES, 0.0) | {"invalid action": 0.25, "short-term repetition": 0.25}


@pytest.fixture(scope="module")
def played() -> list[Labelled]:
    return [one for behaviour in BEHAVIOURS for one in labelled(behaviour)]


def test_the_labelled_set_is_large(played: list[Labelled]) -> None:
    assert len(played) >= 200
    assert all(sum(category in one.errors for one in played) >= 10 for category in CATEGORIES)


@pytest.mark.parametrize("category", CATEGORIES)
def test_rules_find_the_errors_that_were_made(category: ErrorCategory, played: list[Labelled]) -> None:
    pairs = [(category in one.errors, category in find_errors(one.trajectory)) for one in played]
    both = sum(made and found for made, found in pairs)
    assert both >= 0.95 * sum(made for made, _ in pairs)
    assert both >= 0.95 * sum(found for _, found in pairs)


def test_a_finding_points_at_the_reply(played: list[Labelled]) -> None:
    for one in played:
        for category, message in find_errors(one.trajectory).items():
            assert one.trajectory.messages[message].role == "assistant" or category == "context limit"


@pytest.mark.parametrize("reply", REFUSALS)
def test_refusals_are_recognised(reply: str) -> None:
    assert declines(reply)


@pytest.mark.parametrize("reply", OTHERS)
def test_work_is_no_refusal(reply: str) -> None:
    assert not declines(reply)
