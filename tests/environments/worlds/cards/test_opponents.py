"""The scripted opponents: what they see, guess and do."""

from __future__ import annotations

import random

import pytest
from tests.environments.worlds.cards.play import fresh, lines

from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.moves import KINDS, Action, Guess, Phase
from agenttuning.environments.worlds.cards.opponents import (
    Baseline1,
    Baseline2,
    Opponent,
    OpponentName,
    opponent,
    shuffled_kinds,
)
from agenttuning.environments.worlds.cards.view import View

SPRAY_AREA = Action(0, skill=True, target=None)
NAMES: tuple[OpponentName, ...] = ("baseline1", "baseline2", "baseline2-2023")


def play(first: Opponent, second: Opponent, seed: int) -> Battle:
    stream = random.Random(seed)
    battle = Battle.between(*(tuple((kind, 400) for kind in shuffled_kinds(stream)) for _ in range(2)))
    views = (View(battle, 0), View(battle, 1))
    while not battle.over:
        player, view = (first, second)[battle.player], views[battle.player]
        move = player.guess(view) if battle.phase is Phase.ASSERT else player.act(view)
        assert battle.play(move) is not None, move
    return battle


def after(*moves: Guess | Action | None) -> Battle:
    battle = fresh()
    for move in moves:
        assert battle.play(move) is not None
    return battle


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_no_opponent_ever_breaks_a_rule(first: OpponentName, second: OpponentName) -> None:
    for seed in range(25):
        play(opponent(first, random.Random(seed)), opponent(second, random.Random(-seed)), seed)


def test_the_second_baseline_beats_the_first() -> None:
    won = sum(play(Baseline2(random.Random(n)), Baseline1(random.Random(-n)), n).winner == 0 for n in range(30))
    lost = sum(play(Baseline1(random.Random(n)), Baseline2(random.Random(-n)), n).winner == 0 for n in range(30))
    assert won >= 27
    assert lost <= 6


def test_the_same_stream_plays_the_same_game() -> None:
    games = [play(Baseline1(random.Random(3)), Baseline2(random.Random(4)), 5).turns for _ in range(2)]
    assert games[0] == games[1]


def test_line_ups_are_shuffled_evenly() -> None:
    stream = random.Random(0)
    seen = {tuple(shuffled_kinds(stream)) for _ in range(500)}
    assert len(seen) == 24


def test_baseline1_guesses_nothing_at_an_exposed_enemy_and_anything_elsewhere() -> None:
    battle = after(None, SPRAY_AREA)
    for fish in battle.sides[0][1:]:
        fish.exposed = True
    guesses = [Baseline1(random.Random(seed)).guess(View(battle, 1)) for seed in range(200)]
    assert {guess.kind for guess in guesses if guess} == set(KINDS)
    assert {guess.position for guess in guesses if guess} == {0}
    assert 120 < guesses.count(None) < 180


def test_baseline1_uses_skills_seven_times_in_ten_and_never_with_an_exposed_fish() -> None:
    battle = after(None)
    actions = [Baseline1(random.Random(seed)).act(View(battle, 0)) for seed in range(300)]
    assert 180 < sum(action.skill for action in actions) < 240
    assert {action.fish for action in actions} == {0, 1, 2, 3}
    for fish in battle.sides[0]:
        fish.exposed = True
    assert not any(Baseline1(random.Random(seed)).act(View(battle, 0)).skill for seed in range(50))


def test_baseline1_has_no_infight_without_an_ally() -> None:
    battle = Battle.between(((2, 400),), lines(400, 400))
    battle.play(None)
    assert not any(Baseline1(random.Random(seed)).act(View(battle, 0)).skill for seed in range(50))


@pytest.mark.parametrize(
    ("action", "guess"),
    [
        (SPRAY_AREA, Guess(0, 1)),
        (Action(2, skill=True, target=None), Guess(2, 1)),
        (Action(1, skill=True, target=0), Guess(1, 2)),
        (Action(3, skill=True, target=0), Guess(3, 2)),
    ],
)
def test_baseline2_guesses_by_the_skill_the_counter_first(action: Action, guess: Guess) -> None:
    player = Baseline2(random.Random(0))
    assert player.guess(View(after(None, action), 1)) == guess


def test_baseline2_goes_on_where_a_guess_failed() -> None:
    battle = after(None, Action(2, skill=True, target=None))
    player = Baseline2(random.Random(0))
    battle.play(player.guess(View(battle, 1)))
    battle.play(SPRAY_AREA)
    battle.play(None)
    battle.play(Action(0, skill=False, target=0))
    assert player.guess(View(battle, 1)) == Guess(2, 3)


def test_baseline2_joins_both_clues() -> None:
    battle = after(None, Action(3, skill=True, target=0), None, Action(0, skill=False, target=3))
    battle.play(None)
    battle.play(Action(3, skill=True, target=0))
    assert Baseline2(random.Random(0)).guess(View(battle, 1)) == Guess(3, 4)


def test_baseline2_guesses_by_the_passive_alone() -> None:
    battle = after(None, Action(0, skill=False, target=0), None, Action(0, skill=False, target=2))
    battle.play(None)
    battle.play(Action(0, skill=False, target=0))
    assert Baseline2(random.Random(0)).guess(View(battle, 1)) == Guess(2, 3)


def test_baseline2_misreads_an_area_skill_that_was_countered() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(150, 400, 400, 400))
    battle.play(None)
    battle.play(SPRAY_AREA)
    assert Baseline2(random.Random(0)).guess(View(battle, 1)) == Guess(0, 2)


def test_baseline2_books_a_counter_on_the_fish_that_was_struck() -> None:
    battle = Battle.between(lines(400, 400, 400, 189), lines(400, 400, 400, 400))
    battle.play(None)
    battle.play(Action(0, skill=False, target=0))
    battle.play(None)
    battle.play(Action(0, skill=False, target=3))
    battle.play(None)
    battle.play(Action(1, skill=False, target=0))
    assert Baseline2(random.Random(0)).guess(View(battle, 1)) == Guess(3, 1)


def test_baseline2_reads_no_clue_from_an_exposed_fish_and_then_guesses_at_random() -> None:
    battle = after(None, SPRAY_AREA)
    battle.sides[0][0].exposed = True
    guesses = {Baseline2(random.Random(seed)).guess(View(battle, 1)) for seed in range(100)}
    assert {guess.position for guess in guesses if guess} == {1, 2, 3}
    assert {guess.kind for guess in guesses if guess} == {2, 3, 4}
    for fish in battle.sides[0]:
        fish.exposed = True
    assert Baseline2(random.Random(0)).guess(View(battle, 1)) is None


def test_the_2023_build_takes_position_0_for_a_spray_and_crosses_out_a_sunfish() -> None:
    battle = after(None, Action(0, skill=False, target=1))
    first = {Baseline2(random.Random(seed), build_2023=True).guess(View(battle, 1)) for seed in range(30)}
    assert first == {Guess(0, 1)}
    clean = {Baseline2(random.Random(seed)).guess(View(battle, 1)) for seed in range(30)}
    assert len(clean) > 5
    infight = after(None, Action(3, skill=True, target=0), None, Action(0, skill=False, target=3))
    infight.play(None)
    infight.play(Action(3, skill=True, target=0))
    infight.sides[0][0].exposed = True
    assert Baseline2(random.Random(0), build_2023=True).guess(View(infight, 1)) == Guess(3, 4)
    only_skill = after(None, Action(3, skill=True, target=0))
    player = Baseline2(random.Random(0), build_2023=True)
    player._failed.add(Guess(3, 2))
    assert player.guess(View(only_skill, 1)) == Guess(0, 1)


def test_moving_first_the_2023_build_guesses_at_random() -> None:
    guesses = {Baseline2(random.Random(seed), build_2023=True).guess(View(fresh(), 0)) for seed in range(100)}
    assert len(guesses) > 8


@pytest.mark.parametrize(
    ("enemy", "action"),
    [
        ((400, 100, 400, 400), Action(3, skill=False, target=1)),
        ((400, 71, 71, 400), Action(3, skill=False, target=1)),
        ((400, 70, 400, 400), SPRAY_AREA),
        ((400, 171, 400, 400), SPRAY_AREA),
    ],
)
def test_baseline2_finishes_the_weakest_or_strikes_all(enemy: tuple[int, ...], action: Action) -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(*enemy))
    battle.sides[0][3].attack = 340
    battle.play(None)
    assert {Baseline2(random.Random(seed)).act(View(battle, 0)) for seed in range(20)} == {action}


def test_baseline2_strikes_all_with_an_unexposed_fish_and_else_answers_the_last_attacker() -> None:
    battle = after(None, Action(3, skill=True, target=1), None)
    battle.sides[1][0].exposed = True
    assert Baseline2(random.Random(0)).act(View(battle, 1)) == Action(2, skill=True, target=None)
    battle.sides[1][2].exposed = True
    actions = [Baseline2(random.Random(seed)).act(View(battle, 1)) for seed in range(60)]
    assert {(action.skill, action.target) for action in actions} == {(False, 3)}
    assert {action.fish for action in actions} == {0, 1, 2, 3}
    battle.sides[0][3].dead = True
    assert {Baseline2(random.Random(seed)).act(View(battle, 1)).target for seed in range(60)} == {0, 1, 2}
