"""Replies as models write them, and as nobody should."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.worlds.cards.play import fresh

from agenttuning.environments.worlds.cards.moves import Action, Guess
from agenttuning.environments.worlds.cards.protocol import objects, read_action, read_guess
from agenttuning.environments.worlds.cards.view import View


def view() -> View:
    """Own sunfish and the enemy at 1 are dead, the enemy at 2 is exposed."""
    battle = fresh()
    battle.sides[0][3].dead = battle.sides[1][1].dead = battle.sides[1][2].exposed = True
    return View(battle, 0)


EEL_AT_0 = '{"guess_type": "eel", "target_position": "0"}'


@pytest.mark.parametrize(
    "reply",
    [
        EEL_AT_0,
        "{'guess_type': 'eel', 'target_position': '0'}",
        '{"guess_type": "eel", "target_position": 0}',
        '{"guess_type": "eel", "target_position": " 0 "}',
        '{\n  "guess_type": "eel",\n  "target_position": "0"\n}',
        f"Thought: it's an eel.\nAction: {EEL_AT_0} and more",
        f"```json\n{EEL_AT_0}\n```",
        f'{{}} {{"guess_type": "whale", "target_position": "0"}} {EEL_AT_0}',
        f'{{not json}} {EEL_AT_0} {{"guess_type": "spray", "target_position": "3"}}',
        '{"guess_type": "spray", "guess_type": "eel", "target_position": "0", "why": [1, 2]}',
        f"}} {EEL_AT_0}",
    ],
)
def test_guesses_that_are_read(reply: str) -> None:
    assert read_guess(reply, view()).move == Guess(0, 3)
    assert read_guess(reply, view()).fault == ""


def test_a_guess_at_an_exposed_enemy_is_no_guess_and_no_fault() -> None:
    assert read_guess('{"guess_type": "spray", "target_position": "2"}', view()) == (None, "")


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("", "it holds no JSON object in braces"),
        ("eel at 0", "it holds no JSON object in braces"),
        ("{", "it holds no JSON object in braces"),
        ("}{", "it holds no JSON object in braces"),
        ('{"guess": {"guess_type": "eel", "target_position": "0"}}', "it holds no JSON object in braces"),
        ('{"guess_type": "it\'s", "target_position": "0"}', "it holds no JSON object in braces"),
        ("{}", "guess_type must be one of spray, flame, eel, sunfish"),
        ('{"guess_type": "Eel", "target_position": "0"}', "guess_type must be one of spray, flame, eel, sunfish"),
        ('{"guess_type": ["eel"], "target_position": "0"}', "guess_type must be one of spray, flame, eel, sunfish"),
        ('{"guess_type": "eel"}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": "1"}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": "4"}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": -1}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": 0.0}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": false}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": NaN}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": -Infinity}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": 1e999}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": "\u0660"}', "target_position must be one of 0, 2, 3"),
        ('{"guess_type": "eel", "target_position": null}', "target_position must be one of 0, 2, 3"),
    ],
)
def test_guesses_that_are_refused(reply: str, fault: str) -> None:
    assert read_guess(reply, view()) == (None, fault)


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        ('{"pick_fish": "spray", "action": "normal", "target_position": "2"}', Action(0, skill=False, target=2)),
        ('{"pick_fish": "spray", "action": "active", "target_position": "9"}', Action(0, skill=True, target=None)),
        ('{"pick_fish": "eel", "action": "active"}', Action(2, skill=True, target=None)),
        ('{"pick_fish": "flame", "action": "active", "target_position": "2"}', Action(1, skill=True, target=2)),
        ('{"pick_fish": "flame", "action": "active", "target_position": 0}', Action(1, skill=True, target=0)),
    ],
)
def test_moves_that_are_read(reply: str, action: Action) -> None:
    assert read_action(f"Thought: so be it.\nAction: {reply}", view()) == (action, "")


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (EEL_AT_0, "pick_fish must be one of spray, flame, eel"),
        ('{"pick_fish": "sunfish", "action": "normal", "target_position": "0"}', "pick_fish must be one of"),
        ('{"pick_fish": 0, "action": "normal", "target_position": "0"}', "pick_fish must be one of"),
        ('{"pick_fish": "eel", "target_position": "0"}', "action must be normal or active"),
        ('{"pick_fish": "eel", "action": "attack", "target_position": "0"}', "action must be normal or active"),
        ('{"pick_fish": "eel", "action": "normal", "target_position": "1"}', "target_position must be one of 0, 2, 3"),
        ('{"pick_fish": "eel", "action": "normal"}', "target_position must be one of 0, 2, 3"),
        (
            '{"pick_fish": "flame", "action": "active", "target_position": "1"}',
            "target_position must be one of 0, 2, 3",
        ),
        ('{"pick_fish": "flame", "action": "active", "target_position": "3"}', "of active flame must be one of 0, 2"),
    ],
)
def test_moves_that_are_refused(reply: str, fault: str) -> None:
    reading = read_action(reply, view())
    assert reading.move is None
    assert fault in reading.fault


def test_an_infight_without_a_partner_says_so() -> None:
    held = view()
    for fish in held._battle.sides[0]:
        fish.dead = fish.position != 1
    held._battle.sides[1][1].dead = False
    fault = read_action('{"pick_fish": "flame", "action": "active", "target_position": "1"}', held).fault
    assert fault == "target_position of active flame must be one of none, so choose another action"


@pytest.mark.parametrize(
    "reply",
    [
        "{" * 300_000,
        "{}" * 30_000,
        "{" + "[" * 200_000 + "}",
        '{"a":' * 50_000 + "}" * 50_000,
        '{"guess_type": "eel", "target_position": ' + "9" * 100_000 + "}",
        '{"guess_type": "' + "\\u0000" * 50_000 + '"}',
        "'" * 300_000 + "{" + "'" * 300_000 + "}",
    ],
    ids=["open", "empty", "brackets", "nested", "huge number", "nuls", "quotes"],
)
def test_hostile_replies_are_refused_quickly(reply: str) -> None:
    began = time.process_time()
    assert read_guess(reply, view()).fault
    assert read_action(reply, view()).fault
    assert time.process_time() - began < 3


PIECES = st.sampled_from(
    ["{", "}", '"', "'", ":", ",", "guess_type", "pick_fish", "action", "target_position", "eel", "0", "[", "]", "NaN"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_whatever_is_read_is_legal(reply: str) -> None:
    held = view()
    guess = read_guess(reply, held)
    assert guess.fault or guess.move is None or held._battle.allows(guess.move)
    held._battle.play(None)
    action = read_action(reply, held)
    assert action.fault or held._battle.allows(action.move)
    assert all(isinstance(found, dict) for found in objects(reply))
