"""The engine's messages: what is asked and told, and every answer that loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.environments.worlds.cards.play import fresh, lines, message, random_moves

from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.moves import Action, Guess, Phase, Pick
from agenttuning.environments.worlds.cards.wire import IllegalMessageError, finish, read_message, request

if TYPE_CHECKING:
    from pydantic import JsonValue

AREA: dict[str, JsonValue] = {"Action": "Action", "Type": 1, "MyPos": 0, "EnemyList": [0, 2, 3]}
INFIGHT: dict[str, JsonValue] = {"Action": "Action", "Type": 1, "MyPos": 1, "MyList": [0]}
ATTACK: dict[str, JsonValue] = {"Action": "Action", "Type": 0, "MyPos": 0, "EnemyPos": 0}


def at_action() -> Battle:
    """The enemy at 1 is dead."""
    battle = fresh()
    battle.sides[1][1].dead = True
    battle.play(None)
    return battle


def test_messages_of_random_games_are_read_as_they_were_meant() -> None:
    for seed in range(30):
        for battle, move in random_moves(seed):
            assert read_message(message(move, battle), battle) == move


def test_line_ups_are_asked_for_first() -> None:
    battle = Battle()
    asked = {"Action": "Pick", "FirstMover": 1, "RemainFishs": list(range(1, 13))}
    assert request(battle) == asked
    battle.play(Pick((4, 3, 2, 1)))
    assert request(battle) == asked | {"FirstMover": 0}


def test_a_first_guess_is_asked_for_without_a_past() -> None:
    assert request(fresh()) == {
        "Action": "Assert",
        "EnemyAssert": None,
        "EnemyAction": None,
        "MyAction": None,
        "GameInfo": {
            "EnemyFish": [-1, -1, -1, -1],
            "EnemyHP": [400, 400, 400, 400],
            "MyFish": [1, 2, 3, 4],
            "MyHP": [400, 400, 400, 400],
            "MyATK": [200, 200, 200, 200],
        },
    }


def test_requests_tell_the_guess_then_the_actions_of_both() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(400, 150, 10, 400))
    battle.play(Guess(1, 2))
    told = request(battle)
    assert told["AssertReply"] == {"AssertPos": 1, "AssertContent": 2, "AssertResult": True}
    assert told["GameInfo"]["EnemyFish"] == [-1, 2, -1, -1]
    assert told["GameInfo"]["EnemyHP"] == [350, 100, 0, 350]
    battle.play(Action(3, skill=False, target=3))
    told = request(battle)
    assert told["EnemyAssert"] == {"AssertPos": 1, "AssertContent": 2, "AssertResult": True}
    assert told["GameInfo"]["MyFish"] == [1, -2, 3, 4]
    assert told["MyAction"] is None
    assert told["EnemyAction"] == {
        "ActionFish": 3,
        "skill": {
            "type": "normalattack",
            "isSkill": False,
            "targets": [{"pos": 3, "player": 1, "value": 100, "isEnemy": False}],
        },
        "hit": [
            {"player": 1, "time": 2, "isEnemy": False, "target": 0, "value": 15, "traceable": False},
            {"player": 1, "time": 3, "isEnemy": False, "target": 1, "value": 15, "traceable": False},
            {"player": 1, "time": 4, "isEnemy": False, "target": 3, "value": 70, "traceable": True},
        ],
        "passive": [{"player": 1, "time": 1, "isEnemy": False, "type": "deflect", "source": 3, "value": 70.0}],
    }
    battle.play(None)
    assert request(battle)["AssertReply"] == {"AssertPos": None, "AssertContent": None, "AssertResult": None}
    battle.play(Action(1, skill=True, target=0))
    told = request(battle)
    assert told["MyAction"]["passive"][0]["isEnemy"]
    assert "passive" not in told["EnemyAction"]
    assert told["EnemyAction"]["skill"] == {
        "type": "infight",
        "isSkill": True,
        "targets": [{"pos": 0, "player": 1, "value": 75, "isEnemy": True}],
    }


def test_the_end_is_told_to_both() -> None:
    battle = Battle.between(lines(400), lines(50))
    battle.play(Guess(0, 1))
    asserted = {"AssertPos": 0, "AssertContent": 1, "AssertResult": True}
    ended = {"Action": "Finish", "isStateLimitExceed": False}
    assert finish(battle, 0) == {**ended, "Result": "Win", "MyAssert": asserted}
    expected = {**ended, "Result": "Lose", "EnemyAssert": asserted, "EnemyAction": None, "MyAction": None}
    assert finish(battle, 1) == expected
    battle = Battle.between(lines(400), lines(50))
    battle.play(None)
    battle.play(Action(0, skill=False, target=0))
    assert finish(battle, 0)["MyAction"]["ActionFish"] == 0
    assert finish(battle, 1)["EnemyAction"]["hit"][0]["isEnemy"] is False
    assert finish(battle, 1)["EnemyAssert"]["AssertResult"] is None


@pytest.mark.parametrize(
    "said",
    [
        AREA,
        AREA | {"EnemyList": [3, 0.0, 2], "MyList": None, "Extra": {}},
        AREA | {"Type": 1.0, "EnemyPos": "ignored"},
        INFIGHT | {"EnemyList": []},
        ATTACK | {"MyList": ["ignored"], "EnemyPos": 3.0},
    ],
)
def test_answers_that_are_taken(said: dict[str, JsonValue]) -> None:
    battle = at_action()
    assert battle.allows(read_message(said, battle))


@pytest.mark.parametrize(
    "said",
    [
        None,
        7,
        "Action",
        [AREA],
        {},
        AREA | {"Action": "Assert"},
        AREA | {"Action": None},
        {"Action": "Null"},
        AREA | {"Type": 2},
        AREA | {"Type": True},
        AREA | {"Type": "1"},
        AREA | {"MyPos": 4},
        AREA | {"MyPos": -1},
        AREA | {"MyPos": 0.5},
        AREA | {"MyPos": float("nan")},
        AREA | {"MyPos": float("inf")},
        AREA | {"MyPos": 10**400},
        AREA | {"EnemyList": [0, 1, 2, 3]},
        AREA | {"EnemyList": [0, 2]},
        AREA | {"EnemyList": [0, 2, 2]},
        AREA | {"EnemyList": [0, 2, 4]},
        AREA | {"EnemyList": {"0": 1}},
        AREA | {"EnemyList": None},
        AREA | {"MyList": [1]},
        INFIGHT | {"MyList": [0, 2]},
        INFIGHT | {"MyList": []},
        INFIGHT | {"EnemyList": [0]},
        {"Action": "Action", "Type": 0, "MyPos": 0},
        {"Action": "Action", "MyPos": 0, "EnemyPos": 0},
        ATTACK | {"EnemyPos": False},
    ],
)
def test_answers_that_are_not_understood(said: JsonValue) -> None:
    with pytest.raises(IllegalMessageError):
        read_message(said, at_action())


@pytest.mark.parametrize("said", [ATTACK | {"EnemyPos": 1}, INFIGHT | {"MyList": [1]}])
def test_answers_that_are_understood_and_lose(said: dict[str, JsonValue]) -> None:
    battle = at_action()
    assert battle.play(read_message(said, battle)) is None


@pytest.mark.parametrize(
    "said",
    [
        {"Action": "Assert", "Pos": 0},
        {"Action": "Assert", "Pos": 0, "ID": 0},
        {"Action": "Assert", "Pos": 0, "ID": 13},
        {"Action": "Assert", "Pos": "0", "ID": 1},
        ATTACK,
    ],
)
def test_guesses_that_are_not_understood(said: dict[str, JsonValue]) -> None:
    with pytest.raises(IllegalMessageError):
        read_message(said, fresh())
    assert read_message({"Action": "Assert", "Pos": 0.0, "ID": 12}, fresh()) == Guess(0, 12)


@pytest.mark.parametrize(
    "said",
    [
        {"Action": "Finish"},
        {"Action": "Pick"},
        {"Action": "Pick", "ChooseFishs": [1, 2, 3, 3]},
        {"Action": "Pick", "ChooseFishs": [1, 2, 3]},
        {"Action": "Pick", "ChooseFishs": [1, 2, 3, 13]},
        {"Action": "Pick", "ChooseFishs": [1, 2, 3, "4"]},
        {"Action": "Pick", "ChooseFishs": [1, 2, 3, 5]},
    ],
)
def test_line_ups_that_lose(said: dict[str, JsonValue]) -> None:
    battle = Battle()
    assert battle.phase is Phase.PICK
    try:
        assert battle.play(read_message(said, battle)) is None
    except IllegalMessageError:
        battle.forfeit()
    assert battle.winner == 1
