"""One episode's own database: a copy, in memory, of the state that its scene begins with."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeVar

from agenttuning.environments.worlds.minisites.scene import make_scene
from agenttuning.environments.worlds.minisites.schema import TABLES, insertion, schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.minisites.rows import Row

RowT = TypeVar("RowT", bound="Row")
Value = str | int
TODAY: Final = "2024-05-14"
"""The day on which everything happens, so that pages do not depend on the clock."""
_LARGEST: Final = 2**63 - 1
"""Of SQLite's whole numbers; addresses may name any number."""


class Database:
    """Rows in, rows out; values go in as parameters only."""

    def __init__(self, image: bytes) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.deserialize(image)

    def rows(self, kind: type[RowT], rest: str = "", *values: Value) -> list[RowT]:
        """Return the records of a table that the rest of the statement (`where ...`) picks, as `kind`."""
        if any(isinstance(value, int) and value > _LARGEST for value in values):
            return []
        found = self._connection.execute(f"select t.* from {TABLES[kind]} t {rest}", values)  # noqa: S608  as above
        return [kind(*row) for row in found]

    def first(self, kind: type[RowT], rest: str = "", *values: Value) -> RowT | None:
        """Return the first such record."""
        found = self.rows(kind, f"{rest} limit 1", *values)
        return found[0] if found else None

    def number(self, statement: str, *values: Value) -> int:
        """Return the whole number that a statement computes; nothing counts as 0."""
        row = self._connection.execute(statement, values).fetchone()
        return int(row[0] or 0) if row else 0

    def pairs(self, statement: str, *values: Value) -> list[tuple[str, int]]:
        """Return text and number per row."""
        return [(str(text), int(number)) for text, number in self._connection.execute(statement, values)]

    def change(self, statement: str, *values: Value) -> None:
        """Run an insert, update or delete."""
        self._connection.execute(statement, values)

    def add(self, row: Row) -> None:
        """Insert one record."""
        self._connection.execute(insertion(type(row)), row)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


def open_database(difficulty: Difficulty, *, seed: int) -> Database:
    """Return a fresh database in the state that a scene begins with."""
    return Database(_image(difficulty, seed))


@lru_cache(maxsize=16)
def _image(difficulty: Difficulty, seed: int) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema())
    rows: Sequence[Row] = make_scene(difficulty, seed=seed).rows
    for kind, group in groupby(rows, key=type):
        connection.executemany(insertion(kind), list(group))
    connection.commit()
    image = connection.serialize()
    connection.close()
    return image
