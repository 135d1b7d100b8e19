"""What one player may know of a battle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.cards.moves import Action, Guess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.cards.engine import Battle, Fish
    from agenttuning.environments.worlds.cards.moves import Deed, Kind, Turn


class View:
    """A battle through the eyes of one player: attack, wounds and hidden kinds of the enemy are not in it."""

    __slots__ = ("_battle", "player")

    def __init__(self, battle: Battle, player: int) -> None:
        self._battle = battle
        self.player = player

    @property
    def mine(self) -> Sequence[Fish]:
        """Own fish, by position."""
        return self._battle.sides[self.player]

    @property
    def allies(self) -> list[Fish]:
        """Own living fish, by position."""
        return self._battle.living(self.player)

    @property
    def enemies(self) -> list[int]:
        """Positions of the living enemies."""
        return [fish.position for fish in self._theirs if not fish.dead]

    @property
    def hidden(self) -> list[int]:
        """Positions of the living enemies whose kind is not known: those that can be guessed."""
        return [fish.position for fish in self._theirs if not fish.dead and not fish.exposed]

    @property
    def enemy_hp(self) -> list[int]:
        """HP of every enemy, by position; 0 when dead."""
        return [max(fish.hp, 0) for fish in self._theirs]

    @property
    def enemy_kinds(self) -> list[Kind | None]:
        """Kind of every enemy that is exposed, by position; None for the others."""
        return [fish.kind if fish.exposed else None for fish in self._theirs]

    @property
    def turns(self) -> Sequence[Turn]:
        """Every guess and action of both players so far."""
        return self._battle.turns

    def last_deed(self, player: int) -> tuple[Action, Deed] | None:
        """Return the latest action of a player and what it did."""
        for turn in reversed(self.turns):
            if turn.player == player and turn.deed is not None and isinstance(turn.move, Action):
                return turn.move, turn.deed
        return None

    def last_guess(self, player: int) -> tuple[Guess | None, bool | None]:
        """Return the latest guess of a player and whether it was right; (None, None) before the first."""
        for turn in reversed(self.turns):
            if turn.player == player and turn.deed is None:
                assert turn.move is None or isinstance(turn.move, Guess)
                return turn.move, turn.right
        return None, None

    @property
    def _theirs(self) -> Sequence[Fish]:
        return self._battle.sides[1 - self.player]
