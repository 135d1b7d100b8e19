"""What holds in every battle, and the engine against a second one."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.worlds.cards.model import Model
from tests.environments.worlds.cards.play import message, random_moves

from agenttuning.environments.worlds.cards.engine import LAST_STATE, Battle
from agenttuning.environments.worlds.cards.moves import KINDS, Action, Ending, Guess, Hit, Phase

SEEDS = st.integers(min_value=0, max_value=2**32)


def final(seed: int) -> Battle:
    battle = Battle()
    for state, _ in random_moves(seed):
        battle = state
    return battle


def told(battle: Battle) -> list[list[tuple[int, ...]]]:
    return [
        [(fish.kind, fish.hp, fish.attack, fish.wound, fish.dead, fish.exposed) for fish in side]
        for side in battle.sides
    ]


def modelled(model: Model) -> list[list[tuple[int, ...]]]:
    names = ("id", "hp", "atk", "wound", "dead", "exposed")
    return [[tuple(fish[name] for name in names) for fish in team] for team in model.teams]


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_a_second_engine_written_from_the_rules_agrees_at_every_message(seed: int) -> None:
    model = None
    for battle, move in random_moves(seed):
        if battle.phase is Phase.PICK:
            continue
        model = model or Model(*([fish.kind for fish in side] for side in battle.sides))
        assert (model.state, model.player, modelled(model)) == (battle.state, battle.player, told(battle))
        model.send(message(move, battle))
        if isinstance(move, Action):
            future = battle.copy()
            turn = future.play(move)
            assert turn is not None
            assert turn.deed is not None
            events = [
                ("hit", *event) if isinstance(event, Hit) else (event.type, event.player, event.source, event.value)
                for event in turn.deed.events
            ]
            assert events == model.events
    assert model is not None
    assert model.winner == battle.winner
    assert modelled(model) == told(battle)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_hp_stays_within_bounds_and_the_dead_stay_dead(seed: int) -> None:
    dead: set[tuple[int, int]] = set()
    for battle, _ in random_moves(seed):
        for fish in (fish for side in battle.sides for fish in side):
            place = (fish.side, fish.position)
            assert fish.hp <= 400
            assert (fish.hp <= 0) == fish.dead
            assert place not in dead or fish.dead
            assert fish.attack >= 200
            assert fish.kind in {1, 2} or 0 <= fish.wound < 200
            if fish.dead:
                dead.add(place)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_every_battle_is_wiped_out_well_before_the_limit(seed: int) -> None:
    battle = final(seed)
    assert battle.ending is Ending.WIPE
    assert battle.state <= 100 < LAST_STATE
    assert battle.winner is not None
    assert all(fish.dead for fish in battle.sides[1 - battle.winner])


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_every_action_costs_somebody_hp(seed: int) -> None:
    before = None
    for battle, _ in random_moves(seed):
        total = sum(max(fish.hp, 0) for side in battle.sides for fish in side)
        if before is not None:
            assert total < before
        before = total if battle.phase is Phase.ACTION else None


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_same_moves_make_the_same_battle(seed: int) -> None:
    one, other = final(seed), final(seed)
    assert (told(one), one.turns, one.winner, one.state) == (told(other), other.turns, other.winner, other.state)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_exactly_the_listed_moves_are_legal(seed: int) -> None:
    stream = random.Random(seed)
    positions = (-1, 0, 1, 2, 3, 4)
    for battle, _ in random_moves(seed):
        if battle.phase is Phase.PICK or stream.random() < 0.7:
            continue
        guesses = {Guess(position, kind) for position in positions for kind in KINDS}
        actions = {
            Action(fish, skill=skill, target=target)
            for fish in positions
            for skill in (False, True)
            for target in (None, *positions)
        }
        listed = set(battle.moves())
        assert {move for move in (None, *guesses, *actions) if battle.allows(move)} == listed
        assert all(battle.copy().play(move) is not None for move in listed)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_copy_lives_its_own_life(seed: int) -> None:
    for battle, move in random_moves(seed):
        if battle.phase is not Phase.PICK:
            before = told(battle)
            battle.copy().play(move)
            assert told(battle) == before
