"""The drawing of names, days and numbers from a seed; every name belongs to one split."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from agenttuning.environments.worlds.linux.names import belongs_to_test, draw_account, draw_name
from agenttuning.environments.worlds.minisites.seeding.words import FIRST_NAMES, LAST_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agenttuning.core.records import Difficulty

ItemT = TypeVar("ItemT")
_FIRST_DAY: Final = date(2023, 1, 1)


@dataclass
class Draw:
    """A seeded generator with the split and the difficulty it draws for; a name is given out once."""

    difficulty: Difficulty
    test: bool
    random: random.Random
    _taken: set[str] = field(default_factory=set)

    def size(self, tiny: int, standard: int, hard: int) -> int:
        """Return the number of the difficulty."""
        return {"tiny": tiny, "standard": standard, "hard": hard}[self.difficulty]

    def pick(self, items: Sequence[ItemT]) -> ItemT:
        """Draw one item."""
        return self.random.choice(items)

    def fresh(self, make: Callable[[], str]) -> str:
        """Return a name that belongs to the split and was not given out yet."""
        while True:
            name = make()
            if name not in self._taken and belongs_to_test(name) == self.test:
                self._taken.add(name)
                return name

    def person(self) -> str:
        """Return a full name."""
        return self.fresh(lambda: f"{self.pick(FIRST_NAMES)} {self.pick(LAST_NAMES)}")

    def account(self) -> str:
        """Return a log-in name such as `klara42`."""
        return self.fresh(lambda: draw_account(self.random, test=self.test))

    def name(self) -> str:
        """Return a name of two words such as `amber-ridge`."""
        return self.fresh(lambda: draw_name(self.random, test=self.test))

    def mention(self) -> str:
        """Return such a name as a part of a longer one, which may be given out again."""
        return draw_name(self.random, test=self.test)

    def number(self, place: int) -> int:
        """Return the number of the record at a place in its list: odd ones are those of `test`."""
        return 2 * place + self.test

    def day(self, *, last: int = 499) -> str:
        """Return a day, the 1st of January 2023 or at most so many days later, as `2024-05-14`."""
        return str(_FIRST_DAY + timedelta(days=self.random.randint(0, last)))


def new_draw(difficulty: Difficulty, *, seed: int) -> Draw:
    """Return the generator of a scene: odd seeds draw the names of `test`, even ones those of `train`."""
    return Draw(difficulty, seed % 2 == 1, random.Random(f"minisites/{difficulty}/{seed}"))
