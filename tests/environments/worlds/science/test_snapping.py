"""From what a model writes to an action, case by case as the 2023 evaluation documents it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.science.snapping import ROOMS, candidates, snap

OFFERED = ["open door to greenhouse", "pick up metal pot", "focus on metal pot", "wait", "wait1", "mix metal pot"]


@pytest.mark.parametrize(
    ("said", "action", "exact"),
    [
        ("wait", "wait", True),
        ("  pick up metal pot ", "pick up metal pot", True),
        ("open door to green house", "open door to greenhouse", True),
        ("Pick up the metal pot.", "pick up metal pot", False),
        ("metal", "mix metal pot", False),
        ("pot metal", "mix metal pot", False),
        ("open the door", "open door to greenhouse", False),
        ("wait!", "wait", False),
        ("sing", "sing", False),
        ("", "", False),
    ],
)
def test_the_nearest_action_shares_most_words_and_the_shortest_wins(said: str, action: str, exact: bool) -> None:
    assert snap(said, OFFERED) == (action, exact)


@given(st.text(), st.lists(st.text(alphabet="ab ", min_size=1), unique=True))
def test_the_result_is_an_offered_action_or_the_reply(said: str, offered: list[str]) -> None:
    action, exact = snap(said, offered)
    assert action in offered or (action == said and not exact)


def test_doors_are_added_and_useless_actions_left_out() -> None:
    valid = ["close door", "open door", "focus on agent", "focus on kitchen", "focus on red box", "focus on tin cup"]
    offered = candidates(valid, rooms=ROOMS, seen="In it, you see: a Red Box")
    assert offered == sorted(["open door", "focus on red box", *(f"open door to {room}" for room in ROOMS)])


def test_without_a_list_of_rooms_the_valid_actions_stand() -> None:
    assert candidates(["go to hallway", "focus on agent"], rooms=(), seen="agent") == [
        "focus on agent",
        "go to hallway",
    ]
