"""The rules, one by one, on states worked out by hand."""

from __future__ import annotations

import pytest
from tests.environments.worlds.cards.play import fresh, hp, lines

from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.moves import Action, Ending, Guess, Hit, Passive, Phase, Pick

SPRAY_AREA = Action(0, skill=True, target=None)
EEL_AREA = Action(2, skill=True, target=None)


def attack(fish: int, target: int) -> Action:
    return Action(fish, skill=False, target=target)


def infight(fish: int, target: int) -> Action:
    return Action(fish, skill=True, target=target)


def act(battle: Battle, action: Action) -> tuple[Hit | Passive, ...]:
    """Skip the guess and act; return the events."""
    battle.play(None)
    turn = battle.play(action)
    assert turn is not None
    assert turn.deed is not None
    return turn.deed.events


def test_phases_follow_one_another_and_player_0_begins() -> None:
    battle = Battle()
    seen = []
    for move in (Pick((1, 2, 3, 4)), Pick((4, 3, 2, 1)), None, SPRAY_AREA, None, Action(3, skill=True, target=None)):
        seen.append((battle.state, battle.phase, battle.player))
        battle.play(move)
    assert seen == [
        (1, Phase.PICK, 0),
        (2, Phase.PICK, 1),
        (3, Phase.ASSERT, 0),
        (4, Phase.ACTION, 0),
        (5, Phase.ASSERT, 1),
        (6, Phase.ACTION, 1),
    ]
    assert (battle.state, battle.phase, battle.player, battle.over) == (7, Phase.ASSERT, 0, False)


def test_a_normal_attack_deals_half_the_attack() -> None:
    battle = fresh()
    assert act(battle, attack(0, 1)) == (Hit(1, 1, 100, traceable=True),)
    assert hp(battle, 1) == [400, 300, 400, 400]


def test_a_deflector_keeps_seven_tenths_and_its_living_teammates_share_three() -> None:
    battle = fresh()
    assert act(battle, attack(0, 2)) == (
        Passive("deflect", 1, 2, 70),
        Hit(1, 0, 10, traceable=False),
        Hit(1, 1, 10, traceable=False),
        Hit(1, 3, 10, traceable=False),
        Hit(1, 2, 70, traceable=True),
    )
    assert hp(battle, 1) == [390, 390, 330, 390]


def test_a_deflector_alone_takes_everything() -> None:
    battle = Battle.between(lines(400), lines(0, 0, 400))
    for fish in battle.sides[1][:2]:
        fish.dead = True
    assert act(battle, attack(0, 2)) == (Hit(1, 2, 100, traceable=True),)


def test_fractions_are_cut_as_doubles_are_in_c() -> None:
    battle = fresh()
    battle.sides[0][2].attack = 340
    events = act(battle, EEL_AREA)
    # 340 * 0.35 is 118.99...; of 118 the deflectors keep int(82.6) and pass on int(35.4) // 3 to each of three.
    assert [event.value for event in events if isinstance(event, Hit) and event.traceable] == [118, 118, 82, 82]
    assert {event.value for event in events if isinstance(event, Hit) and not event.traceable} == {11}


def test_an_area_skill_strikes_in_order_of_position() -> None:
    battle = fresh()
    events = act(battle, SPRAY_AREA)
    assert [event.target for event in events if isinstance(event, Hit) and event.traceable] == [0, 1, 2, 3]
    assert hp(battle, 1) == [400 - 70 - 14, 400 - 70 - 14, 400 - 49 - 7, 400 - 49 - 7]


def test_the_damage_of_an_eel_is_settled_before_it_is_countered_into_rage() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(180, 180, 180, 180))
    eel = battle.sides[0][2]
    eel.wound = 190
    turn_value = [event.value for event in act(battle, EEL_AREA) if isinstance(event, Hit) and event.traceable]
    assert turn_value == [70, 70, 49, 49]
    assert eel.attack > 200


@pytest.mark.parametrize(
    ("before", "counters"),
    [(221, 0), (220, 0), (219, 1), (101, 1), (100, 1), (90, 1)],
)
def test_a_fish_left_below_120_hp_is_avenged(before: int, counters: int) -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(400, before, 400, 400))
    events = act(battle, attack(1, 1))
    assert [event for event in events if isinstance(event, Passive)] == [Passive("counter", 1, 1, 30)] * counters
    assert hp(battle, 0) == [400, 400 - 30 * counters, 400, 400]


def test_two_counterers_strike_twice_and_a_dead_one_not_at_all() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(400, 400, 190, 400))
    assert [event.source for event in act(battle, attack(0, 2)) if isinstance(event, Passive)] == [2]
    battle = Battle.between(lines(400, 400, 400, 400), lines(400, 400, 189, 400))
    events = act(battle, attack(0, 2))
    assert events[-4:] == (Passive("counter", 1, 2, 30), Hit(0, 0, 30, traceable=False)) * 2
    assert hp(battle, 0)[0] == 340
    battle = Battle.between(lines(400, 400, 400, 400), lines(0, 400, 180, 400))
    battle.sides[1][0].dead = True
    act(battle, attack(0, 2))
    assert hp(battle, 0)[0] == 370


def test_sourceless_damage_is_neither_deflected_nor_countered() -> None:
    battle = Battle.between(lines(400, 400, 100, 100), lines(400, 400, 400, 400))
    assert act(battle, infight(1, 2)) == (Hit(0, 2, 75, traceable=False),)
    assert hp(battle, 0) == [400, 400, 25, 100]
    assert [fish.attack for fish in battle.sides[0]] == [200, 340, 200, 200]


def test_counters_wound_a_deflecting_attacker_without_being_shared() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(120, 120, 400, 400))
    battle.sides[0][3].wound = 180
    act(battle, attack(3, 0))
    assert hp(battle, 0) == [400, 400, 400, 370]
    assert (battle.sides[0][3].attack, battle.sides[0][3].wound) == (240, 10)


@pytest.mark.parametrize(
    ("wound", "gain", "left"),
    [(99, 0, 199), (100, 40, 0), (101, 40, 1), (299, 40, 199), (300, 80, 0)],
)
def test_wounds_turn_into_attack_by_two_hundreds(wound: int, gain: int, left: int) -> None:
    battle = Battle.between(lines(400), ((3, 400),))
    eel = battle.sides[1][0]
    eel.wound = wound
    act(battle, attack(0, 0))
    assert (eel.attack, eel.wound) == (200 + gain, left)


def test_only_deflectors_rage_and_they_do_so_dying() -> None:
    battle = Battle.between(lines(400, 400), ((2, 100), (4, 90)))
    for fish in battle.sides[1]:
        fish.wound = 190
    act(battle, SPRAY_AREA)
    flame, sunfish = battle.sides[1]
    assert (flame.attack, flame.wound) == (200, 190 + 70 + 21)
    assert (sunfish.attack, sunfish.dead) == (240, False)
    battle = Battle.between(lines(400), ((4, 50),))
    battle.sides[1][0].wound = 150
    act(battle, attack(0, 0))
    assert (battle.sides[1][0].attack, battle.sides[1][0].dead) == (240, True)


def test_a_fish_without_hp_still_shares_and_counters_within_the_same_area_skill() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(60, 400, 400, 400))
    events = act(battle, SPRAY_AREA)
    spray_hits = [event.value for event in events if isinstance(event, Hit) and (event.player, event.target) == (1, 0)]
    assert spray_hits == [70, 7, 7]
    assert hp(battle, 1)[0] == 60 - 84
    assert battle.sides[1][0].dead
    battle = Battle.between(lines(400, 400, 400, 400), lines(60, 180, 400, 400))
    events = act(battle, SPRAY_AREA)
    assert [event.source for event in events if isinstance(event, Passive) and event.type == "counter"] == [0, 1]


def test_a_right_guess_exposes_and_costs_every_enemy_50_hp() -> None:
    battle = Battle.between(lines(400, 400, 400, 400), lines(400, 50, 49, 20))
    turn = battle.play(Guess(2, 3))
    assert turn is not None
    assert turn.right
    assert hp(battle, 1) == [350, 0, 0, 0]
    assert [fish.dead for fish in battle.sides[1]] == [False, True, True, True]
    assert [fish.exposed for fish in battle.sides[1]] == [False, False, True, False]
    assert [fish.wound for fish in battle.sides[1]] == [0, 0, 0, 0]
    assert (battle.phase, battle.player) == (Phase.ACTION, 0)


def test_a_right_guess_lifts_the_negative_hp_of_the_dead_to_0() -> None:
    battle = Battle.between(lines(400, 400), lines(-30, 400))
    battle.sides[1][0].dead = True
    battle.play(Guess(1, 2))
    assert hp(battle, 1) == [0, 350]


def test_a_wrong_guess_costs_nothing() -> None:
    battle = Battle.between(lines(-30, 400), lines(400, 400))
    battle.sides[0][0].dead = True
    turn = battle.play(Guess(0, 12))
    assert turn is not None
    assert turn.right is False
    assert (hp(battle, 0), hp(battle, 1)) == ([0, 400], [400, 400])
    assert not battle.sides[1][0].exposed


def test_no_guess_is_neither_right_nor_wrong() -> None:
    turn = fresh().play(None)
    assert turn is not None
    assert turn.right is None


def test_a_guess_can_end_the_battle() -> None:
    battle = Battle.between(lines(400), lines(50, 30))
    battle.play(Guess(0, 1))
    assert (battle.winner, battle.ending, battle.state) == (0, Ending.WIPE, 4)


def test_the_last_enemy_dead_wins() -> None:
    battle = Battle.between(lines(400), lines(100))
    act(battle, attack(0, 0))
    assert (battle.winner, battle.ending) == (0, Ending.WIPE)


def test_one_can_kill_oneself_and_lose() -> None:
    battle = Battle.between(((1, 30),), lines(50, 400))
    act(battle, attack(0, 1))
    assert not battle.over
    battle = Battle.between(((1, 30),), lines(400, 200))
    act(battle, attack(0, 1))
    assert (battle.winner, battle.ending) == (1, Ending.WIPE)


def test_when_both_sides_die_at_once_the_acting_player_wins() -> None:
    for first in (0, 1):
        dying, dead = ((1, 30),), ((1, 40), (2, 60))
        battle = Battle.between(dying, dead) if first == 0 else Battle.between(dead, dying)
        if first == 1:
            battle.play(None)
            battle.phase, battle.player = Phase.ASSERT, 1
        act(battle, SPRAY_AREA)
        assert all(fish.dead for side in battle.sides for fish in side)
        assert (battle.winner, battle.ending) == (first, Ending.WIPE)


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ([10, 10], [390, 0], 0),
        ([10, 10], [10, 11], 1),
        ([30, 10], [20, 20], 0),
        ([20, 20], [30, 10], 1),
        ([20, 20], [20, 20], 1),
        ([20, -50], [19, 0], 0),
    ],
)
def test_at_the_limit_fish_then_hp_then_the_healthiest_then_the_second_mover(
    first: list[int], second: list[int], winner: int
) -> None:
    battle = Battle.between(lines(*first), lines(*second))
    for fish in (fish for side in battle.sides for fish in side):
        fish.dead = fish.hp <= 0
    battle.state = 127
    battle.play(None)
    assert not battle.over
    battle.phase = Phase.ASSERT
    battle.play(None)
    assert (battle.winner, battle.ending) == (winner, Ending.LIMIT)


def test_the_limit_is_looked_at_before_the_wipe() -> None:
    battle = Battle.between(lines(400), lines(50))
    battle.state = 128
    battle.play(Guess(0, 1))
    assert battle.ending is Ending.LIMIT


@pytest.mark.parametrize(
    "move",
    [
        Pick((1, 2, 3, 3)),
        Pick((1, 2, 3)),
        Pick((1, 2, 3, 5)),
        Pick(()),
        None,
        Guess(0, 1),
    ],
)
def test_a_line_up_is_one_of_each_kind(move: Pick | Guess | None) -> None:
    battle = Battle()
    assert battle.play(move) is None
    assert (battle.winner, battle.ending, battle.state) == (1, Ending.ILLEGAL, 1)


@pytest.mark.parametrize("move", [Guess(1, 2), Guess(2, 3), Guess(4, 1), Guess(-1, 1), SPRAY_AREA, Pick((1, 2, 3, 4))])
def test_guesses_that_lose(move: Guess | Action | Pick) -> None:
    battle = fresh()
    battle.sides[1][1].dead = battle.sides[1][2].exposed = True
    assert battle.play(move) is None
    assert (battle.winner, battle.ending, battle.state) == (1, Ending.ILLEGAL, 3)


@pytest.mark.parametrize(
    "move",
    [
        None,
        Guess(0, 1),
        attack(3, 0),
        attack(0, 1),
        attack(0, 4),
        attack(4, 0),
        attack(-1, 0),
        attack(0, -1),
        Action(0, skill=False, target=None),
        Action(0, skill=True, target=0),
        Action(2, skill=True, target=1),
        Action(1, skill=True, target=None),
        infight(1, 1),
        infight(1, 3),
        infight(1, 4),
        infight(3, 0),
    ],
)
def test_actions_that_lose(move: Action | Guess | None) -> None:
    battle = fresh()
    battle.sides[0][3].dead = battle.sides[1][1].dead = True
    battle.play(None)
    assert battle.play(move) is None
    assert (battle.winner, battle.ending, battle.state) == (1, Ending.ILLEGAL, 4)


def test_the_second_player_forfeits_to_the_first() -> None:
    battle = fresh()
    act(battle, SPRAY_AREA)
    battle.forfeit()
    assert (battle.winner, battle.ending) == (0, Ending.ILLEGAL)
