"""The scripted opponents of the benchmark, each with a random stream of its own.

`baseline1` guesses at random and mostly uses active skills. `baseline2` gathers two clues per enemy, what its active
skill is (area or infight) and its passive (counter or deflect), guesses by them, and finishes weak fish off. It reads
some clues wrong, as the original does: an area skill that was countered looks like an infight, and a counter is booked
on the fish that was struck. `baseline2-2023` adds two defects of the 2023 build: empty slots of its report arrays say
that position 0 counters, and its first act is to cross out (position 3, sunfish).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from agenttuning.environments.worlds.cards.moves import AREA_KINDS, EEL, KINDS, SPRAY, SUNFISH, Action, Guess, Passive

if TYPE_CHECKING:
    from random import Random

    from agenttuning.environments.worlds.cards.engine import Fish
    from agenttuning.environments.worlds.cards.moves import Kind
    from agenttuning.environments.worlds.cards.view import View

OpponentName = Literal["baseline1", "baseline2", "baseline2-2023"]
_NORMAL_SHARE: Final = 0.3
_AREA: Final = 0
_INFIGHT: Final = 1
_COUNTER: Final = 0
_DEFLECT: Final = 1


class Opponent(Protocol):
    """Plays one side of one battle."""

    def guess(self, view: View) -> Guess | None:
        """Return the guess of this turn, None for none."""

    def act(self, view: View) -> Action:
        """Return the action of this turn."""


def shuffled_kinds(stream: Random, count: int = len(KINDS)) -> list[Kind]:
    """Draw a line-up: `count` different kinds."""
    return stream.sample(KINDS, count)


def opponent(name: OpponentName, stream: Random) -> Opponent:
    """Return an opponent that has seen nothing yet."""
    return Baseline1(stream) if name == "baseline1" else Baseline2(stream, build_2023=name == "baseline2-2023")


class Baseline1:
    """Plays at random, with a liking for active skills."""

    def __init__(self, stream: Random) -> None:
        self._stream = stream

    def guess(self, view: View) -> Guess | None:
        """Guess any kind at any living enemy; no guess where that one is exposed."""
        position = self._stream.choice(view.enemies)
        kind = self._stream.choice(KINDS)
        return Guess(position, kind) if position in view.hidden else None

    def act(self, view: View) -> Action:
        """Let any fish use its active skill; an exposed one, and three in ten others, attack instead."""
        fish = self._stream.choice(view.allies)
        allies = [ally.position for ally in view.allies if ally is not fish]
        area = fish.kind in AREA_KINDS
        if self._stream.random() < _NORMAL_SHARE or fish.exposed or not (area or allies):
            return Action(fish.position, skill=False, target=self._stream.choice(view.enemies))
        return Action(fish.position, skill=True, target=None if area else self._stream.choice(allies))


class Baseline2:
    """Collects clues, guesses by them, and goes for the weakest."""

    def __init__(self, stream: Random, *, build_2023: bool = False) -> None:
        self._stream = stream
        self._build_2023 = build_2023
        self._skills: dict[int, int] = {}
        self._passives: dict[int, int] = {}
        self._failed: set[Guess] = {Guess(3, SUNFISH)} if build_2023 else set()

    def guess(self, view: View) -> Guess | None:
        """Guess by both clues, by the skill alone, by the passive alone, or at random."""
        last, right = view.last_guess(view.player)
        if last is not None and not right:
            self._failed.add(last)
        self._read_clues(view)
        hidden = view.hidden
        for position in hidden:
            if position in self._skills and position in self._passives:
                return Guess(position, _kind(self._skills[position], self._passives[position]))
        for known, partial in ((self._skills, _by_skill), (self._passives, _by_passive)):
            for position in hidden:
                fitting = partial(known[position]) if position in known else ()
                if left := [kind for kind in fitting if Guess(position, kind) not in self._failed]:
                    return Guess(position, left[0])
        kinds = [kind for kind in KINDS if kind not in view.enemy_kinds]
        return Guess(self._stream.choice(hidden), self._stream.choice(kinds)) if hidden else None

    def _read_clues(self, view: View) -> None:
        """Take what the latest actions gave away, if the enemy that acted last is not exposed."""
        theirs = view.last_deed(1 - view.player)
        if theirs is None or view.enemy_kinds[theirs[0].fish] is not None:
            return
        action, deed = theirs
        if action.skill:
            hurt_own = any(event.player != view.player for event in deed.events if not isinstance(event, Passive))
            self._note(self._skills, view, action.fish, _INFIGHT if hurt_own else _AREA)
        own = view.last_deed(view.player)
        for event in (*deed.events, *(own[1].events if own else ())):
            if isinstance(event, Passive) and event.player != view.player:
                self._note(self._passives, view, event.source, _COUNTER if event.type == "counter" else _DEFLECT)
        if self._build_2023:
            self._note(self._passives, view, 0, _COUNTER)

    def _note(self, clues: dict[int, int], view: View, position: int, clue: int) -> None:
        if view.enemy_kinds[position] is None:
            clues[position] = clue

    def act(self, view: View) -> Action:
        """Finish the weakest enemy, else an area skill, else attack whoever acted last."""
        strongest = self._strongest(view.allies)
        enemies = view.enemies
        weakest = min(enemies, key=lambda position: view.enemy_hp[position])
        if strongest.attack * 0.5 >= view.enemy_hp[weakest] > 70:
            return Action(strongest.position, skill=False, target=weakest)
        areas = [fish for kind in (SPRAY, EEL) for fish in view.allies if fish.kind == kind and not fish.exposed]
        if len(enemies) >= 2 and areas:
            return Action(areas[0].position, skill=True, target=None)
        last = view.last_deed(1 - view.player)
        target = last[0].fish if last and last[0].fish in enemies else self._stream.choice(enemies)
        return Action(strongest.position, skill=False, target=target)

    def _strongest(self, allies: list[Fish]) -> Fish:
        """Return the fish of the highest attack; ties fall at random."""
        return max(self._stream.sample(allies, len(allies)), key=lambda fish: fish.attack)


def _kind(skill: int, passive: int) -> Kind:
    return 1 + skill + 2 * passive


def _by_skill(skill: int) -> tuple[Kind, ...]:
    return _kind(skill, _COUNTER), _kind(skill, _DEFLECT)


def _by_passive(passive: int) -> tuple[Kind, ...]:
    return _kind(_AREA, passive), _kind(_INFIGHT, passive)
