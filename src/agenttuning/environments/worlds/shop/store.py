"""An imported shop on disk: one SQLite file and one search index, read by any number of workers, changed by none."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.shop.goals import make_goal
from agenttuning.environments.worlds.shop.official import Wording
from agenttuning.environments.worlds.shop.pages import HITS
from agenttuning.environments.worlds.shop.product import Product
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.environments.worlds.shop.goals import GoalKind
    from agenttuning.environments.worlds.shop.product import Goal

DATABASE: Final = "shop.sqlite"
INDEX: Final = "index"
SUMMARY: Final = "import.json"
"""Written last: a folder with it is a whole import."""
SCHEMA: Final = """
CREATE TABLE products (number INTEGER PRIMARY KEY, asin TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE wordings (
    place INTEGER PRIMARY KEY, kind TEXT NOT NULL, asin TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE TABLE state (place INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


def find_import(folder: Path) -> Path | None:
    """Return the folder of the whole import that `folder` is or holds."""
    return next((place for place in (folder, folder / "imported") if (place / SUMMARY).is_file()), None)


class StoredCatalogue:
    """The products of an imported shop."""

    def __init__(self, folder: Path) -> None:
        from agenttuning.environments.worlds.search.bm25 import Bm25Index

        self._folder = folder
        self._index = Bm25Index.load(folder / INDEX)
        self._database = _open(folder)

    def __len__(self) -> int:
        return self._index.documents

    def product(self, asin: str) -> Product:
        """Return a product that the shop has."""
        found = self._one("SELECT body FROM products WHERE asin = ?", asin)
        return Product.model_validate_json(found)

    def find(self, asin: str) -> Product | None:
        """Return a product, if the shop has it."""
        row = self._database.execute("SELECT body FROM products WHERE asin = ?", (asin,)).fetchone()
        return Product.model_validate_json(row[0]) if row else None

    def search(self, query: str) -> Sequence[str]:
        """Return the numbers of the best products, at most 50."""
        hits = self._index.search(query, HITS)
        return [self._one("SELECT asin FROM products WHERE number = ?", number) for number, _ in hits]

    def goal_places(self, kind: GoalKind) -> list[int]:
        """Return where the goals of a kind stand, in file order."""
        rows = self._database.execute("SELECT place FROM wordings WHERE kind = ? ORDER BY place", (kind,))
        return [place for (place,) in rows]

    def goal(self, place: int, *, seed: int) -> Goal:
        """Return one goal, its cap drawn from the seed."""
        kind, asin, number, body = self._database.execute(
            "SELECT kind, asin, number, body FROM wordings WHERE place = ?", (place,)
        ).fetchone()
        wording = Wording.model_validate_json(body)
        return make_goal(wording, self.product(asin), kind=kind, number=number, seed=seed)

    def _one(self, statement: str, value: str | int) -> str:
        row = self._database.execute(statement, (value,)).fetchone()
        if row is None:
            raise DataError(f"{self._folder} lacks product {value!r}; delete the folder and import again")
        return str(row[0])


def _open(folder: Path) -> sqlite3.Connection:
    try:
        where = f"{(folder / DATABASE).resolve().as_uri()}?mode=ro&immutable=1"
        database = sqlite3.connect(where, uri=True, check_same_thread=False)
        database.execute("SELECT count(*) FROM wordings")
    except sqlite3.Error as error:
        raise DataError(f"cannot read {folder / DATABASE}: {error}; delete the folder and import again") from error
    return database
