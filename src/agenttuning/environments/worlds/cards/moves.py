"""What can be said in a fish battle: the kinds, the moves, and the record that every accepted message leaves."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, NamedTuple

Kind = int
"""1 spray, 2 flame, 3 eel, 4 sunfish."""
Line = tuple[tuple[Kind, int], ...]
"""One side before the battle: (kind, hp) by position."""
SPRAY: Final = 1
FLAME: Final = 2
EEL: Final = 3
SUNFISH: Final = 4
KINDS: Final = (SPRAY, FLAME, EEL, SUNFISH)
NAMES: Final = {SPRAY: "spray", FLAME: "flame", EEL: "eel", SUNFISH: "sunfish"}
AREA_KINDS: Final = frozenset({SPRAY, EEL})
"""Their active skill strikes every living enemy; that of the others hurts a teammate for attack (infight)."""
COUNTER_KINDS: Final = frozenset({SPRAY, FLAME})
"""Their passive skill strikes back for weak teammates; that of the others deflects and turns wounds into attack."""

SkillType = Literal["aoe", "infight", "normalattack"]
PassiveType = Literal["counter", "deflect"]


class Phase(StrEnum):
    """What the player to move is asked for."""

    PICK = "Pick"
    ASSERT = "Assert"
    ACTION = "Action"


class Ending(StrEnum):
    """Why a battle ended."""

    WIPE = "wipe"
    """All fish of a side are dead."""
    LIMIT = "limit"
    """The 128 messages are used up."""
    ILLEGAL = "illegal"
    """A move that the rules forbid; its sender loses."""


class Pick(NamedTuple):
    """A line-up: the kinds by position."""

    kinds: tuple[Kind, ...]


class Guess(NamedTuple):
    """An assertion about one enemy; None in its place is the empty guess."""

    position: int
    kind: int


class Action(NamedTuple):
    """One fish acts."""

    fish: int
    """Own position."""
    skill: bool
    """The active skill, or a normal attack."""
    target: int | None
    """Enemy position of a normal attack, own position of an infight, None for an area skill."""


Move = Pick | Guess | Action | None


class Hit(NamedTuple):
    """Damage taken."""

    player: int
    """Owner of the fish that was hit."""
    target: int
    value: int
    traceable: bool
    """False for shares of a deflection, counters and infights: these are neither deflected nor countered."""


class Passive(NamedTuple):
    """A passive skill at work."""

    type: PassiveType
    player: int
    source: int
    """Position of the fish that was struck; for a counter, too, though others struck back."""
    value: int


class Deed(NamedTuple):
    """What an action did, as both players see it."""

    type: SkillType
    targets: tuple[int, ...]
    side: int
    """Owner of the targets."""
    value: int
    """Damage before any passive, for each target."""
    events: tuple[Hit | Passive, ...]
    """In the order produced; the engine numbers them from 1."""


class Turn(NamedTuple):
    """One accepted message and its outcome."""

    state: int
    """Number of the state in which it was sent."""
    player: int
    move: Move
    right: bool | None = None
    """Outcome of a guess, None where none was made."""
    deed: Deed | None = None
    """Outcome of an action."""
