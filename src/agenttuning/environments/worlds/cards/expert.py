"""The expert: keeps every enemy line-up that fits what was seen, guesses the likeliest, and looks one action ahead.

A line-up fits when the battle, played again with it, tells the same story: same events, same outcomes of guesses. So
a fish that used an area skill is known to be spray or eel, and damage that was not shared rules out both deflectors.
An action is worth what it leads to, averaged over the line-ups that fit: hp + 60 per living fish + 0.4 per point of
attack above the first 200, own minus the enemy's.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.cards.engine import FULL_ATTACK, Battle
from agenttuning.environments.worlds.cards.moves import KINDS, Action, Guess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.cards.moves import Kind, Line
    from agenttuning.environments.worlds.cards.view import View

_LIFE: Final = 60.0
_ATTACK: Final = 0.4
_VICTORY: Final = 1e6


class Advice(NamedTuple):
    """A move of the expert and what speaks for it."""

    move: Guess | Action | None
    kinds: tuple[Kind, ...] = ()
    """Of a guess: the kinds that its target can still be."""
    falls: tuple[int, ...] = ()
    """Of an action: positions of the enemies that it kills, whatever the line-up is."""
    value: int = 0
    """Of an action: its damage to each target, before any passive."""
    loss: int = 0
    """Of an action: HP that the enemy loses in all, the least over all line-ups that fit."""


class Expert:
    """Plays one side of one battle from what that side may know."""

    def __init__(self, own: Line, enemy_hp: Sequence[int], *, player: int) -> None:
        self._player = player
        self._seen = 0
        self._worlds: list[Battle] = []
        """The battle as it would stand, once for every enemy line-up that fits."""
        for kinds in permutations(KINDS, len(enemy_hp)):
            lines = (own, tuple(zip(kinds, enemy_hp, strict=True)))
            self._worlds.append(Battle.between(lines[player], lines[1 - player]))

    def guess(self, view: View) -> Advice:
        """Return the guess that is right most often; of equals the first."""
        self._look(view)
        found = {position: self._kinds(position) for position in view.hidden}
        choices = [(found[position].count(kind), position, kind) for position in found for kind in KINDS]
        if not choices:
            return Advice(None)
        _, position, kind = max(choices, key=lambda choice: (choice[0], -choice[1], -choice[2]))
        return Advice(Guess(position, kind), tuple(sorted(set(found[position]))))

    def act(self, view: View) -> Advice:
        """Return the action of the highest value; of equals the first."""
        self._look(view)
        moves = [move for move in self._worlds[0].moves() if isinstance(move, Action) and _can_be_said(move, view)]
        futures = {move: self._futures(move) for move in moves}
        best = max(futures, key=lambda move: sum(map(self._value, futures[move])))
        enemy = 1 - self._player
        before = self._worlds[0].living(enemy)
        dead = [
            fish.position for fish in before if all(world.sides[enemy][fish.position].dead for world in futures[best])
        ]
        deed = futures[best][0].turns[-1].deed
        assert deed is not None
        loss = min(sum(fish.hp for fish in before) - _hp(world, enemy) for world in futures[best])
        return Advice(best, falls=tuple(dead), value=deed.value, loss=loss)

    def _look(self, view: View) -> None:
        """Play what happened since the last look in every world, and drop those where it would have come otherwise."""
        for turn in view.turns[self._seen :]:
            self._worlds = [world for world in self._worlds if world.play(turn.move) == turn]
            self._seen += 1
        assert self._worlds, "the true line-up always fits"

    def _kinds(self, position: int) -> list[Kind]:
        """Return the kind at an enemy's position in every world."""
        return [world.sides[1 - self._player][position].kind for world in self._worlds]

    def _futures(self, move: Action) -> list[Battle]:
        futures = [world.copy() for world in self._worlds]
        for future in futures:
            future.play(move)
        return futures

    def _value(self, world: Battle) -> float:
        if world.over:
            return _VICTORY if world.winner == self._player else -_VICTORY
        return _standing(world, self._player) - _standing(world, 1 - self._player)


def _can_be_said(move: Action, view: View) -> bool:
    """An infight must name a position where an enemy lives, too: the benchmark's replies are checked so."""
    return not move.skill or move.target is None or move.target in view.enemies


def _standing(world: Battle, side: int) -> float:
    return sum(fish.hp + _LIFE + _ATTACK * (fish.attack - FULL_ATTACK) for fish in world.living(side))


def _hp(world: Battle, side: int) -> int:
    return sum(max(fish.hp, 0) for fish in world.sides[side])
