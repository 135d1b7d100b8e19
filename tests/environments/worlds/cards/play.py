"""Moves as messages, and random legal games: what several test files need."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.moves import KINDS, Action, Guess, Move, Pick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue


def lines(*hp: int, kinds: tuple[int, ...] = KINDS) -> tuple[tuple[int, int], ...]:
    """Return a side: the kinds 1, 2, 3, 4 with these hp."""
    return tuple(zip(kinds, hp, strict=False))


def fresh() -> Battle:
    """Return a full battle with equal line-ups, at the first guess."""
    return Battle.between(lines(400, 400, 400, 400), lines(400, 400, 400, 400))


def hp(battle: Battle, side: int) -> list[int]:
    return [fish.hp for fish in battle.sides[side]]


def message(move: Move, battle: Battle) -> dict[str, JsonValue]:
    """Return a move of the player to move as the engine's clients write it."""
    if move is None:
        return {"Action": "Null"}
    if isinstance(move, Pick):
        return {"Action": "Pick", "ChooseFishs": list(move.kinds)}
    if isinstance(move, Guess):
        return {"Action": "Assert", "Pos": move.position, "ID": move.kind}
    if not move.skill:
        return {"Action": "Action", "Type": 0, "MyPos": move.fish, "EnemyPos": move.target}
    skill: dict[str, JsonValue] = {"Action": "Action", "Type": 1, "MyPos": move.fish}
    if move.target is None:
        return skill | {"EnemyList": [fish.position for fish in battle.living(1 - battle.player)]}
    return skill | {"MyList": [move.target]}


def random_moves(seed: int) -> Iterator[tuple[Battle, Move]]:
    """Yield a battle with the move that is about to be played, until it is over."""
    stream = random.Random(seed)
    battle = Battle()
    for _ in range(2):
        move: Move = Pick(tuple(stream.sample(KINDS, 4)))
        yield battle, move
        battle.play(move)
    while not battle.over:
        move = stream.choice(list(battle.moves()))
        assert move is None or isinstance(move, Guess | Action)
        yield battle, move
        battle.play(move)
