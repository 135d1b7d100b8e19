"""One battle between the agent and a scripted opponent, seen from the agent's side."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.cards.engine import FULL_HP, Battle
from agenttuning.environments.worlds.cards.expert import Expert
from agenttuning.environments.worlds.cards.moves import KINDS, Line, Phase
from agenttuning.environments.worlds.cards.opponents import opponent, shuffled_kinds
from agenttuning.environments.worlds.cards.view import View

if TYPE_CHECKING:
    from agenttuning.environments.worlds.cards.expert import Advice
    from agenttuning.environments.worlds.cards.moves import Action, Guess
    from agenttuning.environments.worlds.cards.opponents import OpponentName

AGENT_LINE: Final[Line] = tuple((kind, FULL_HP) for kind in KINDS)
"""The agent's fish in the benchmark: position = kind - 1."""


def enemy_line(stream: random.Random) -> Line:
    """Draw the opponent's line-up of a full game."""
    return tuple((kind, FULL_HP) for kind in shuffled_kinds(stream))


class Match:
    """A battle that waits for the agent whenever it is not over: the opponent moves at once."""

    def __init__(self, name: OpponentName, *, seed: int, first: bool, lines: tuple[Line, Line] | None = None) -> None:
        """Begin a full game, its line-up drawn from the seed, or a battle between given lines (agent, opponent)."""
        stream = random.Random(seed)
        own, theirs = lines or (AGENT_LINE, enemy_line(stream))
        self.seat = 0 if first else 1
        """The agent's player number."""
        self.battle = Battle.between(own, theirs) if first else Battle.between(theirs, own)
        self.view = View(self.battle, self.seat)
        self._own, self._enemy_hp = own, [hp for _, hp in theirs]
        self._expert: Expert | None = None
        """Made when it is first asked: it catches up with what happened."""
        self._opponent = opponent(name, stream)
        self._opponents_view = View(self.battle, 1 - self.seat)
        self._answer()

    @property
    def guessing(self) -> bool:
        """Is a guess asked for, or else an action."""
        return self.battle.phase is Phase.ASSERT

    @property
    def won(self) -> bool:
        """Has the agent won."""
        return self.battle.winner == self.seat

    @property
    def damage(self) -> float:
        """Share of the enemy's hp that is gone, in [0, 1]; overkill does not count."""
        return 1 - sum(self.view.enemy_hp) / sum(self._enemy_hp)

    def play(self, move: Guess | Action | None) -> None:
        """Carry out the agent's move and the opponent's answer."""
        self.battle.play(move)
        self._answer()

    def advice(self) -> Advice:
        """Return what the expert would do now."""
        if self._expert is None:
            self._expert = Expert(self._own, self._enemy_hp, player=self.seat)
        return self._expert.guess(self.view) if self.guessing else self._expert.act(self.view)

    def _answer(self) -> None:
        while not self.battle.over and self.battle.player != self.seat:
            view = self._opponents_view
            self.battle.play(self._opponent.guess(view) if self.guessing else self._opponent.act(view))
