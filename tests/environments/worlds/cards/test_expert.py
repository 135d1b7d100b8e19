"""The expert: what it concludes, what it chooses, how often it wins."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from tests.environments.worlds.cards.play import fresh, hp, lines

from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.expert import Expert
from agenttuning.environments.worlds.cards.match import Match
from agenttuning.environments.worlds.cards.moves import KINDS, Action, Guess
from agenttuning.environments.worlds.cards.view import View
from agenttuning.environments.worlds.cards.wording import Wording

if TYPE_CHECKING:
    from agenttuning.environments.worlds.cards.opponents import OpponentName

FULL = lines(400, 400, 400, 400)


def expert(enemy_hp: tuple[int, ...] = (400, 400, 400, 400), player: int = 0) -> Expert:
    return Expert(FULL, enemy_hp, player=player)


def test_knowing_nothing_it_guesses_the_first() -> None:
    advice = expert().guess(View(fresh(), 0))
    assert (advice.move, advice.kinds) == (Guess(0, 1), KINDS)


def test_a_wrong_guess_and_an_area_skill_narrow_it_down() -> None:
    battle = fresh()
    watcher = expert(player=1)
    battle.play(None)
    battle.play(Action(2, skill=True, target=None))
    advice = watcher.guess(View(battle, 1))
    assert (advice.move, advice.kinds) == (Guess(2, 1), (1, 3))
    battle.play(advice.move)
    battle.play(watcher.act(View(battle, 1)).move)
    battle.play(None)
    battle.play(Action(0, skill=True, target=None))
    assert watcher.guess(View(battle, 1)).move == Guess(0, 1)


def test_unshared_damage_rules_deflectors_out() -> None:
    battle = fresh()
    watcher = expert()
    battle.play(None)
    battle.play(Action(0, skill=False, target=1))
    battle.play(None)
    battle.play(Action(0, skill=False, target=0))
    assert watcher.guess(View(battle, 0)).move == Guess(1, 1)
    assert watcher.guess(View(battle, 0)).kinds == (1, 2)


def test_with_every_enemy_known_it_has_no_guess() -> None:
    battle = fresh()
    for fish in battle.sides[1]:
        fish.exposed = True
    assert expert().guess(View(battle, 0)).move is None


def test_it_takes_the_kill_and_says_what_falls() -> None:
    battle = Battle.between(FULL, lines(400, 400, 400, 40))
    battle.play(None)
    advice = expert((400, 400, 400, 40)).act(View(battle, 0))
    assert isinstance(advice.move, Action)
    assert advice.falls == (3,)
    future = battle.copy()
    before = sum(hp(future, 1))
    future.play(advice.move)
    assert future.sides[1][3].dead
    assert before - sum(max(left, 0) for left in hp(future, 1)) >= advice.loss > 0


def test_it_never_looks_at_what_is_hidden() -> None:
    """Line-ups that differ but tell the same story so far are advised alike."""
    advised = set()
    for kinds in ((1, 2, 3, 4), (2, 1, 4, 3), (3, 4, 1, 2)):
        battle = Battle.between(FULL, tuple((kind, 400) for kind in kinds))
        view = View(battle, 0)
        player = expert()
        assert player.guess(view).kinds == KINDS
        battle.play(None)
        advised.add(player.act(view).move)
    assert len(advised) == 1


@pytest.mark.parametrize("name", ["baseline1", "baseline2", "baseline2-2023"])
@pytest.mark.parametrize("first", [True, False])
def test_it_wins_most_games_from_both_seats(name: OpponentName, first: bool) -> None:
    won = 0
    for seed in range(30):
        match = Match(name, seed=seed, first=first)
        while not match.battle.over:
            advice = match.advice()
            assert match.battle.allows(advice.move)
            match.play(advice.move)
        won += match.won
    assert won >= (27 if first else 24)


def test_its_words_are_true() -> None:
    """Every kill that is announced happens, and every `only` is the truth."""
    killed = sure = 0
    for seed in range(20):
        match = Match("baseline1", seed=seed, first=True)
        wording = Wording(random.Random(seed), brief=False)
        while not match.battle.over:
            advice, guessing, enemy = match.advice(), match.guessing, match.battle.sides[1]
            told = wording.guess(advice, match.view) if guessing else wording.act(advice, match.view)
            assert told.startswith("Thought: ")
            assert told.count("\nAction: {") == 1
            if guessing and len(advice.kinds) == 1:
                assert isinstance(advice.move, Guess)
                assert enemy[advice.move.position].kind == advice.move.kind
                sure += 1
            match.play(advice.move)
            assert all(enemy[position].dead for position in advice.falls)
            killed += len(advice.falls)
    assert killed > 20
    assert sure > 20
