"""Games dealt by the generator."""

from __future__ import annotations

import json

import pytest

from agenttuning.environments.worlds.cards.generator import OPPONENTS, SPLITS, Deal, deal, split_of
from agenttuning.environments.worlds.cards.match import Match


def dealt(count: int, split: str = "train", difficulty: str | None = "standard", seed: int = 0) -> list[Deal]:
    return [
        deal(index, split=split, difficulty=difficulty, seed=seed, opponents=OPPONENTS[difficulty])
        for index in range(count)
    ]


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard", None])
def test_every_opponent_is_met_from_both_seats_equally(difficulty: str | None) -> None:
    seen = [(one.opponent, one.first) for one in dealt(40, difficulty=difficulty)]
    pairs = {(name, first) for name in OPPONENTS[difficulty] for first in (True, False)}
    assert {seen.count(pair) for pair in pairs} == {40 // len(pairs)}


def test_no_two_splits_share_a_seed() -> None:
    seeds = [{one.seed for one in dealt(300, split)} for split in SPLITS]
    assert sum(map(len, seeds)) == len(set().union(*seeds)) == 300 * len(SPLITS)


def test_a_game_depends_on_its_own_index_alone() -> None:
    assert dealt(30, difficulty="tiny")[29] == deal(
        29, split="train", difficulty="tiny", seed=0, opponents=OPPONENTS["tiny"]
    )
    assert dealt(5, seed=1) != dealt(5, seed=2)


def test_tiny_games_are_small_and_won_by_the_expert_in_two_turns() -> None:
    for one in dealt(40, difficulty="tiny"):
        assert one.lines is not None
        assert [len(line) for line in one.lines] == [2, 2]
        assert all(20 <= hp <= 160 for line in one.lines for _, hp in line)
        match = Match(one.opponent, seed=one.seed, first=one.first, lines=one.lines)
        moves = 0
        while not match.battle.over:
            match.play(match.advice().move)
            moves += 1
        assert match.won
        assert 2 <= moves <= 4


def test_what_is_seen_of_a_tiny_game_belongs_to_one_split() -> None:
    starts = [
        {
            json.dumps((one.first, one.lines[0], [hp for _, hp in one.lines[1]]))
            for one in dealt(60, split, "tiny", seed)
        }
        for split in ("train", "test")
        for seed in (0, 1)
    ]
    assert (starts[0] | starts[1]).isdisjoint(starts[2] | starts[3])


def test_one_start_in_five_is_for_the_test() -> None:
    share = sum(split_of(str(number)) == "test" for number in range(2_000)) / 2_000
    assert 0.17 < share < 0.23
