"""Draws games: full ones, and for `tiny` the last turns of a small one, two fish a side and few hp.

Game `i` of a split is drawn from (seed, split, difficulty, i) alone. Seeds of full games end in the number of their
split, so that no two splits share a game. What can be seen at the start of a `tiny` game belongs to one split only,
and a draft is kept when the expert wins it in time, not by guesses alone; else the same stream drafts another.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.cards.match import Match
from agenttuning.environments.worlds.cards.opponents import shuffled_kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.cards.moves import Line
    from agenttuning.environments.worlds.cards.opponents import OpponentName

BENCHMARK_SETS: Final = {"dev": 12, "std": 20, "ext": 200}
"""The benchmark's sets: two opponents, both seats, 3, 5 or 50 games each."""
SPLITS: Final = {"train": 20_000, "test": 1_000, **BENCHMARK_SETS}
OPPONENTS: Final[dict[Difficulty | None, tuple[OpponentName, ...]]] = {
    "tiny": ("baseline1",),
    "standard": ("baseline1", "baseline2"),
    "hard": ("baseline2", "baseline2-2023"),
    None: ("baseline1", "baseline2-2023"),
}
"""Who plays when nobody is named; None stands for the benchmark's sets."""
_TINY_HP: Final = range(20, 170, 10)
_TINY_TURNS: Final = 2
_TEST_SHARE: Final = 5
"""One tiny start in five belongs to the test split."""


class Deal(NamedTuple):
    """One game to play."""

    opponent: OpponentName
    seed: int
    first: bool
    """Does the agent move first."""
    lines: tuple[Line, Line] | None = None
    """Fish of agent and opponent; None for a full game with the line-up of the seed."""


def deal(
    index: int, *, split: str, difficulty: Difficulty | None, seed: int, opponents: Sequence[OpponentName]
) -> Deal:
    """Draw one game; opponents take turns, and each plays from both seats."""
    stream = random.Random(f"{seed}/{split}/{difficulty}/{index}")
    name = opponents[index % len(opponents)]
    first = index // len(opponents) % 2 == 0
    if difficulty == "tiny":
        return _small(stream, name, first=first, split=split)
    number = stream.getrandbits(40) * len(SPLITS) + list(SPLITS).index(split)
    return Deal(name, number, first)


def _small(stream: random.Random, name: OpponentName, *, first: bool, split: str) -> Deal:
    while True:
        own, theirs = (tuple((kind, stream.choice(_TINY_HP)) for kind in shuffled_kinds(stream, 2)) for _ in range(2))
        found = Deal(name, stream.getrandbits(32), first, (own, theirs))
        seen = f"{first} {own} {[hp for _, hp in theirs]}"
        if split_of(seen) == split and _is_sound(found):
            return found


def split_of(start: str) -> str:
    """Return the split that the visible start of a tiny game belongs to, the same for every seed."""
    number = int.from_bytes(hashlib.blake2b(start.encode(), digest_size=4).digest(), "big")
    return "test" if number % _TEST_SHARE == 0 else "train"


def _is_sound(drawn: Deal) -> bool:
    match = Match(drawn.opponent, seed=drawn.seed, first=drawn.first, lines=drawn.lines)
    for _ in range(2 * _TINY_TURNS):
        if match.battle.over:
            break
        match.play(match.advice().move)
    return match.won and match.battle.turns[-1].deed is not None
