from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.household.engine import House
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.household.game import Game


def holds(kitchen: Game, goal: str, *commands: str) -> bool:
    house = House(kitchen.model_copy(update={"goal": goal}))
    for command in commands:
        house.act(command)
    return house.won


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("()", True),
        ("(and)", True),
        ("(or)", False),
        ("(exists (?o - object) (objecttype ?o mugtype))", True),
        ("(exists (?o - object) (objecttype ?o cuptype))", False),
        ("(forall (?r - receptacle) (not (opened ?r)))", True),
        ("(forall (?r - receptacle) (openable ?r))", False),
        ("(exists (?a ?b - object) (and (not (= ?a ?b)) (objecttype ?a mugtype) (objecttype ?b mugtype)))", True),
        ("(exists (?a ?b - object) (and (not (= ?a ?b)) (objecttype ?a knifetype) (objecttype ?b knifetype)))", False),
        (
            "(exists (?o - object ?r - receptacle) (and (objecttype ?o mugtype) (inreceptacle ?o ?r) (opened ?r)))",
            False,
        ),
        ("(inreceptacle item:4 receptacle:1)", True),
        ("(imply (inreceptacle item:4 receptacle:0) (or))", True),
        ("(exists (?t - rtype) (cancontain ?t mugtype))", True),
        ("(exists (?l - location ?a - agent) (atlocation ?a ?l))", True),
        ("(exists (?a - agent) (holdsany ?a))", False),
    ],
)
def test_formulas_at_the_start(kitchen: Game, goal: str, expected: bool) -> None:
    assert holds(kitchen, goal) is expected


def test_two_things_must_be_in_one_receptacle(kitchen: Game) -> None:
    goal = (
        "(exists (?r - receptacle) (exists (?o - object) (and (objecttype ?o mugtype) (inreceptacle ?o ?r) "
        "(exists (?s - object) (and (not (= ?o ?s)) (objecttype ?s mugtype) (inreceptacle ?s ?r))))))"
    )
    fetch = ["go to countertop 1", "take mug 1 from countertop 1", "go to fridge 1", "open fridge 1"]
    assert not holds(kitchen, goal, *fetch)
    assert holds(kitchen, goal, *fetch, "put mug 1 in/on fridge 1")


def test_light_needs_the_agent_at_the_lamp_with_the_thing_in_hand(kitchen: Game) -> None:
    goal = (
        "(and (exists (?l - object ?r - receptacle ?a - agent ?p - location) (and (objecttype ?l desklamptype) "
        "(istoggled ?l) (receptacleatlocation ?r ?p) (atlocation ?a ?p) (inreceptacle ?l ?r))) "
        "(exists (?o - object ?a - agent) (and (objecttype ?o knifetype) (holds ?a ?o))))"
    )
    walk = ["go to countertop 1", "take knife 1 from countertop 1", "go to sidetable 1", "use desklamp 1"]
    assert holds(kitchen, goal, *walk)
    assert not holds(kitchen, goal, *walk, "go to fridge 1")
    assert not holds(kitchen, goal, *walk[2:])


@pytest.mark.parametrize(
    "goal", ["(flies ?o)", "atom", "(holds)", "((a))", "(exists (?o - dragon) (isclean ?o))", "(opened (a))"]
)
def test_a_formula_that_no_game_has_is_refused(kitchen: Game, goal: str) -> None:
    with pytest.raises(DataError, match="goal"):
        holds(kitchen, goal)
