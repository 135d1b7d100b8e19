"""The rules of the battle, exact to the event: line-ups, guesses, actions, ends. Nothing in them is random.

Messages alternate: both line-ups, then per turn a guess and an action of the same player, player 0 first. Every
accepted message adds one to `state`; a move that the rules forbid leaves it as it is and loses the battle.
Written from the rules of AgentBench's engine for fish 1 to 4 (arXiv 2308.03688, Apache-2.0); products with a fraction
are cut to integers as doubles are in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.cards.moves import (
    AREA_KINDS,
    COUNTER_KINDS,
    KINDS,
    SPRAY,
    Action,
    Deed,
    Ending,
    Guess,
    Hit,
    Kind,
    Move,
    Passive,
    Phase,
    Pick,
    Turn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.cards.moves import Line, SkillType

FULL_HP: Final = 400
FULL_ATTACK: Final = 200
LAST_STATE: Final = 128
_GUESS_DAMAGE: Final = 50
_WEAK: Final = 120
_COUNTER_DAMAGE: Final = 30
_AREA_DAMAGE: Final = 70
_EEL_SHARE: Final = 0.35
_KEPT: Final = 0.7
_SHARED: Final = 0.3
_INFIGHT_DAMAGE: Final = 75
_INFIGHT_GAIN: Final = 140
_RAGE_WOUND: Final = 200
_RAGE_GAIN: Final = 40


class Fish:
    """One card."""

    __slots__ = ("attack", "dead", "exposed", "hp", "kind", "position", "side", "wound")

    def __init__(self, kind: Kind, *, side: int, position: int, hp: int = FULL_HP) -> None:
        self.kind = kind
        self.side = side
        self.position = position
        self.hp = hp
        self.attack = FULL_ATTACK
        self.wound = 0
        """Damage taken since the last gain of attack; eel and sunfish turn 200 of it into 40 attack."""
        self.dead = False
        """Set after an action as a whole: within it a fish without hp still counts."""
        self.exposed = False

    def copy(self) -> Fish:
        """Return a fish of the same state."""
        twin = Fish.__new__(Fish)
        twin.kind, twin.side, twin.position, twin.hp = self.kind, self.side, self.position, self.hp
        twin.attack, twin.wound, twin.dead, twin.exposed = self.attack, self.wound, self.dead, self.exposed
        return twin


class Battle:
    """One battle, moved by `play`."""

    __slots__ = ("ending", "events", "phase", "player", "sides", "state", "turns", "winner")

    def __init__(self) -> None:
        self.sides: tuple[list[Fish], list[Fish]] = ([], [])
        self.state = 1
        self.phase = Phase.PICK
        self.player = 0
        """The player to move."""
        self.winner: int | None = None
        self.ending: Ending | None = None
        self.turns: list[Turn] = []
        """Every accepted guess and action; all of it is public."""
        self.events: list[Hit | Passive] = []
        """Of the latest action, in the order produced."""

    @classmethod
    def between(cls, first: Line, second: Line) -> Battle:
        """Return a battle after the line-ups: (kind, hp) by position, for player 0 and player 1."""
        battle = cls()
        for side, line in enumerate((first, second)):
            battle.sides[side].extend(
                Fish(kind, side=side, position=position, hp=hp) for position, (kind, hp) in enumerate(line)
            )
        battle.state, battle.phase = 3, Phase.ASSERT
        return battle

    def copy(self) -> Battle:
        """Return a battle of the same state that remembers no turns: for looking ahead."""
        twin = Battle.__new__(Battle)
        twin.sides = ([fish.copy() for fish in self.sides[0]], [fish.copy() for fish in self.sides[1]])
        twin.state, twin.phase, twin.player = self.state, self.phase, self.player
        twin.winner, twin.ending = self.winner, self.ending
        twin.turns, twin.events = [], []
        return twin

    @property
    def over(self) -> bool:
        """Has somebody won."""
        return self.winner is not None

    def living(self, side: int) -> list[Fish]:
        """Return the living fish of a side, by position."""
        return [fish for fish in self.sides[side] if not fish.dead]

    def play(self, move: Move) -> Turn | None:
        """Carry out the move of the player to move; None when the rules forbid it and the battle is lost."""
        assert not self.over, "the battle is over"
        if not self.allows(move):
            self.forfeit()
            return None
        turn = self._carry_out(move)
        if self.phase is not Phase.PICK:
            self.turns.append(turn)
        self._advance()
        return turn

    def forfeit(self) -> None:
        """End the battle against the player to move: an illegal message, a crash, a timeout."""
        self.winner, self.ending = 1 - self.player, Ending.ILLEGAL

    def allows(self, move: Move) -> bool:
        """Tell whether the rules allow a move of the player to move."""
        if self.phase is Phase.PICK:
            return isinstance(move, Pick) and sorted(move.kinds) == list(KINDS)
        mine, theirs = self.sides[self.player], self.sides[1 - self.player]
        if self.phase is Phase.ASSERT:
            if not isinstance(move, Guess):
                return move is None
            return _alive(theirs, move.position) and not theirs[move.position].exposed
        if not isinstance(move, Action) or not _alive(mine, move.fish):
            return False
        if not move.skill:
            return _alive(theirs, move.target)
        if mine[move.fish].kind in AREA_KINDS:
            return move.target is None
        return _alive(mine, move.target) and move.target != move.fish

    def moves(self) -> Iterator[Guess | Action | None]:
        """Yield every move that a guess or an action phase allows, guesses at kinds that are not in play left out."""
        theirs = self.living(1 - self.player)
        if self.phase is Phase.ASSERT:
            yield None
            yield from (Guess(fish.position, kind) for fish in theirs if not fish.exposed for kind in KINDS)
            return
        mine = self.living(self.player)
        for fish in mine:
            yield from (Action(fish.position, skill=False, target=target.position) for target in theirs)
            if fish.kind in AREA_KINDS:
                yield Action(fish.position, skill=True, target=None)
            else:
                yield from (
                    Action(fish.position, skill=True, target=ally.position) for ally in mine if ally is not fish
                )

    def _carry_out(self, move: Move) -> Turn:
        if isinstance(move, Pick):
            self.sides[self.player].extend(
                Fish(kind, side=self.player, position=position) for position, kind in enumerate(move.kinds)
            )
            return Turn(self.state, self.player, move)
        if isinstance(move, Action):
            return Turn(self.state, self.player, move, deed=self._act(move))
        return Turn(self.state, self.player, move, right=None if move is None else self._judge(move))

    def _judge(self, guess: Guess) -> bool:
        """Right: the fish is exposed and its whole side pays. Wrong: only own negative hp is tidied up."""
        theirs = self.sides[1 - self.player]
        if theirs[guess.position].kind != guess.kind:
            for fish in self.sides[self.player]:
                fish.hp = max(fish.hp, 0)
            return False
        theirs[guess.position].exposed = True
        for fish in theirs:
            fish.hp = fish.hp - _GUESS_DAMAGE if fish.hp >= _GUESS_DAMAGE else 0
        self._bury()
        return True

    def _act(self, action: Action) -> Deed:
        actor = self.sides[self.player][action.fish]
        kind, targets, value = self._aim(actor, action)
        self.events = []
        if kind == "infight":
            self._hurt(targets[0], None, value)
            actor.attack += _INFIGHT_GAIN
        else:
            for target in targets:
                self._strike(target, actor, value)
        self._bury()
        side = self.player if kind == "infight" else 1 - self.player
        return Deed(kind, tuple(target.position for target in targets), side, value, tuple(self.events))

    def _aim(self, actor: Fish, action: Action) -> tuple[SkillType, list[Fish], int]:
        """Return type, targets and damage of an action, before any of it is done."""
        if action.target is None:
            value = _AREA_DAMAGE if actor.kind == SPRAY else int(actor.attack * _EEL_SHARE)
            return "aoe", self.living(1 - self.player), value
        if action.skill:
            return "infight", [self.sides[self.player][action.target]], _INFIGHT_DAMAGE
        return "normalattack", [self.sides[1 - self.player][action.target]], actor.attack // 2

    def _strike(self, fish: Fish, source: Fish, damage: int) -> None:
        """Hit a fish; when that leaves it weak, every living counterer beside it strikes back."""
        self._hurt(fish, source, damage)
        if fish.hp >= _WEAK:
            return
        for mate in self.sides[fish.side]:
            if mate is not fish and not mate.dead and mate.kind in COUNTER_KINDS:
                self.events.append(Passive("counter", fish.side, fish.position, _COUNTER_DAMAGE))
                self._hurt(source, None, _COUNTER_DAMAGE)

    def _hurt(self, fish: Fish, source: Fish | None, damage: int) -> None:
        """Take hp from a fish; an eel or sunfish that an enemy hits shares the damage, and gains attack by wounds."""
        if source is not None and fish.kind not in COUNTER_KINDS:
            mates = [mate for mate in self.sides[fish.side] if mate is not fish and not mate.dead]
            if mates:
                kept = int(damage * _KEPT)
                self.events.append(Passive("deflect", fish.side, fish.position, kept))
                share = int(damage * _SHARED) // len(mates)
                for mate in mates:
                    self._hurt(mate, None, share)
                damage = kept
        fish.hp -= damage
        fish.wound += damage
        self.events.append(Hit(fish.side, fish.position, damage, traceable=source is not None))
        if fish.kind not in COUNTER_KINDS and fish.wound >= _RAGE_WOUND:
            fish.attack += _RAGE_GAIN * (fish.wound // _RAGE_WOUND)
            fish.wound %= _RAGE_WOUND

    def _bury(self) -> None:
        for side in self.sides:
            for fish in side:
                if fish.hp <= 0:
                    fish.dead = True

    def _advance(self) -> None:
        """Count the message, then look for an end, then hand over."""
        self.state += 1
        if self.state > LAST_STATE:
            self.winner, self.ending = self._leader(), Ending.LIMIT
            return
        if self.phase is not Phase.PICK:
            wiped = [all(fish.dead for fish in side) for side in self.sides]
            if any(wiped):
                self.winner = self.player if all(wiped) else wiped.index(False)
                self.ending = Ending.WIPE
                return
        self._hand_over()

    def _hand_over(self) -> None:
        if self.phase is Phase.ASSERT:
            self.phase = Phase.ACTION
            return
        picked = self.phase is Phase.ACTION or self.player == 1
        self.phase = Phase.ASSERT if picked else Phase.PICK
        self.player = 1 - self.player

    def _leader(self) -> int:
        """At the limit: more fish with hp, then more hp in all, then the healthiest fish, then player 1."""
        standing = [[fish.hp for fish in side if fish.hp > 0] for side in self.sides]
        first, second = ((len(held), sum(held), max(held, default=0)) for held in standing)
        return 0 if first > second else 1


def _alive(side: list[Fish], position: int | None) -> bool:
    return position is not None and 0 <= position < len(side) and not side[position].dead
