"""A scene: everything that the five sites hold when an episode begins, and who plays it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from agenttuning.environments.worlds.minisites.seeding.articles import seed_wiki
from agenttuning.environments.worlds.minisites.seeding.commerce import seed_commerce
from agenttuning.environments.worlds.minisites.seeding.community import seed_forum
from agenttuning.environments.worlds.minisites.seeding.draw import new_draw
from agenttuning.environments.worlds.minisites.seeding.projects import seed_projects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.minisites.rows import Row

RowT = TypeVar("RowT", bound="Row")


@dataclass(frozen=True)
class Scene:
    """The rows of every table; records of one type stand together."""

    difficulty: Difficulty
    seed: int
    user: str
    """Who is logged in at the shop, the forum and the code host."""
    admin: str
    """Who is logged in at the back office."""
    rows: tuple[Row, ...]

    @cached_property
    def _by_kind(self) -> Mapping[type[tuple[str | int, ...]], list[Row]]:
        found: dict[type[tuple[str | int, ...]], list[Row]] = defaultdict(list)
        for row in self.rows:
            found[type(row)].append(row)
        return found

    def all(self, kind: type[RowT]) -> list[RowT]:
        """Return the records of a type."""
        return cast("list[RowT]", self._by_kind.get(kind, []))

    def account(self, site: str) -> str:
        """Return who is logged in at a site."""
        return self.admin if site == "shopping_admin" else self.user


@lru_cache(maxsize=16)
def make_scene(difficulty: Difficulty, *, seed: int) -> Scene:
    """Return the scene of a seed; scenes of an odd and of an even seed share no name of anything."""
    draw = new_draw(difficulty, seed=seed)
    user, admin = draw.account(), draw.account()
    rows: list[Row] = [
        *seed_commerce(draw, user=user, admin=admin),
        *seed_forum(draw, user=user),
        *seed_projects(draw, user=user),
        *seed_wiki(draw),
    ]
    return Scene(difficulty, seed, user, admin, tuple(sorted(rows, key=lambda row: type(row).__name__)))
