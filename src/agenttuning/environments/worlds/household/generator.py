"""Draws household games: four rooms, six task types, three difficulties; train and test share no layout.

Task `i` of a split is drawn from (seed, split, difficulty, i) alone. A draft is kept when its layout belongs to the
split, it is not won from the start, and the exploring expert wins it in time; else the same stream drafts another.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.household.draft import Draft, Setting
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.explorer import Explorer
from agenttuning.environments.worlds.household.game import KINDS, Game

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.core.records import Difficulty

SETTINGS: Final[dict[Difficulty, Setting]] = {
    "tiny": Setting((2, 4), (1, 3), (3, 8), shut=0.4, hidden=0.3, small=True, search="listed"),
    "standard": Setting((10, 25), (14, 30), (3, 30), shut=0.85, hidden=0.2, small=False, search="likely"),
    "hard": Setting((18, 40), (25, 50), (8, 35), shut=0.9, hidden=0.6, small=False, search="likely"),
}

_TEST_SHARE = 5
"""One layout in five belongs to the test split."""


def draw_game(index: int, *, split: str, difficulty: Difficulty, seed: int) -> Game:
    """Draw the game of one index; the six task types take turns."""
    stream = random.Random(f"{seed}/{split}/{difficulty}/{index}")
    setting = SETTINGS[difficulty]
    while True:
        draft = Draft(stream, KINDS[index % len(KINDS)], setting)
        if split_of(layout(draft.places)) != split:
            continue
        game = draft.game()
        if game is not None and _is_sound(game, setting):
            return game


def layout(places: Iterable[str]) -> str:
    """Name a layout: its receptacle types and how many of each; the kind of room shows in them."""
    return " ".join(f"{count} {kind}" for kind, count in sorted(Counter(places).items()))


def split_of(name: str) -> str:
    """Return the split that a layout belongs to, the same for every seed."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
    return "test" if number % _TEST_SHARE == 0 else "train"


def _is_sound(game: Game, setting: Setting) -> bool:
    house = House(game)
    if house.won:
        return False
    explorer = Explorer(house.introduction(), search=setting.search)
    turns = explorer.play(house.act, until=lambda: house.won, limit=setting.turns[1])
    return turns is not None and turns >= setting.turns[0]
