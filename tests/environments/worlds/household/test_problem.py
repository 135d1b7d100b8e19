from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.household.problem import compile_game, speak
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.environments.worlds.household.game import Game

PROBLEM = """
(define (problem p) ; a comment (with parentheses
 (:domain alfred)
 (:objects agent1 - agent Mug - object)
 (:init
   (receptacleType Sink_bar_1_bar_SinkBasin SinkBasinType)
   (receptacleType Desk_bar_2 DeskType) (receptacleType Desk_bar_1 DeskType) (openable Desk_bar_1)
   (receptacleAtLocation Sink_bar_1_bar_SinkBasin loc_bar_1) (receptacleAtLocation Desk_bar_1 loc_bar_2)
   (receptacleAtLocation Desk_bar_2 loc_bar_3) (atLocation agent1 loc_bar_9)
   (objectType Mug_bar_1 MugType) (inReceptacle Mug_bar_1 Desk_bar_2) (objectAtLocation Mug_bar_1 loc_bar_3)
   (pickupable Mug_bar_1) (cleanable Mug_bar_1) (canContain DeskType MugType) (canContain ShelfType MugType)
 )
 (:goal (and (exists (?r - receptacle) (inReceptacle Mug_bar_1 ?r)))))
"""
GRAMMAR = '"rhs": "Your task is to: put a mug in desk."'


def game(*, problem: str = PROBLEM, grammar: str = GRAMMAR, walkthrough: Sequence[str] = ()) -> Game:
    content = {"pddl_domain": "", "grammar": grammar, "pddl_problem": problem, "walkthrough": list(walkthrough)}
    return compile_game(json.dumps(content).encode(), name="train/pick_two_obj-X/trial")


def test_names_count_down_in_the_order_of_ids() -> None:
    compiled = game()
    assert [place.name for place in compiled.receptacles] == ["desk 2", "desk 1", "sinkbasin 1"]
    assert [place.location for place in compiled.receptacles] == [3, 2, 4]
    assert compiled.start == 1
    assert compiled.receptacles[0].openable
    (mug,) = compiled.items
    assert (mug.name, mug.type, mug.inside, mug.at) == ("mug 1", "mug", (1,), (2,))
    assert mug.marks == ("cleanable", "pickupable")
    assert compiled.accepts == {"desk": ("mug",)}
    assert compiled.kind == "pick_two_obj"


def test_ids_in_a_goal_become_indices() -> None:
    assert game().goal == "(and (and (exists (?r - receptacle) (inreceptacle item:0 ?r))))"


@pytest.mark.parametrize("torn", [PROBLEM.rstrip()[:-3], PROBLEM + "))", PROBLEM.replace("9)\n", "9))\n", 1)])
def test_parentheses_may_be_missing_or_too_many(torn: str) -> None:
    assert game(problem=torn).items == game().items


def test_the_dialect_is_told_by_the_grammar_and_walkthroughs_are_kept_in_the_old_one() -> None:
    compiled = game(grammar=GRAMMAR + "You move the {o.name}", walkthrough=["move mug 1 to desk 2", "look"])
    assert compiled.native == "alfworld-0.4"
    assert compiled.walkthrough == ("put mug 1 in/on desk 2", "look")
    assert speak(compiled.walkthrough[0], dialect="alfworld-0.4") == "move mug 1 to desk 2"
    assert speak(compiled.walkthrough[0], dialect="agentbench") == "put mug 1 in/on desk 2"


def test_game_text_is_never_evaluated(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    bait = f"{{__import__('pathlib').Path({str(trap)!r}).touch()}}"
    compiled = game(grammar=f'"Your task is to: {bait}"', problem=PROBLEM.replace("Mug_bar_1", f"Mug_bar_1{bait}"[:20]))
    assert bait in compiled.task
    assert not trap.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grammar": "no task"}, "states no task"),
        ({"problem": "(define (:init) (:goal))"}, "places no agent"),
        ({"problem": "(define (:init))"}, "no :goal"),
        ({"problem": ""}, "no :init"),
        ({"problem": PROBLEM.replace("inReceptacle Mug_bar_1 ?r", "fly ?r")}, "trial: the goal uses 'fly'"),
        ({"problem": PROBLEM.replace("inReceptacle Mug_bar_1 ?r", "opened Sofa_bar_1")}, "names 'sofa_bar_1'"),
    ],
)
def test_a_file_without_a_game_is_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        game(**changes)


@given(st.binary(max_size=80) | st.text('{}[]":, a1', max_size=40).map(str.encode))
def test_any_bytes_are_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(DataError, match="no game file"):
        compile_game(data, name="x")
