"""What a database is to the Database environment: statements in, rows or an error text out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, timedelta
    from decimal import Decimal

    Cell = str | int | float | bytes | Decimal | date | timedelta | None
    Rows = list[tuple[Cell, ...]]

BackendName = Literal["sqlite", "mariadb"]
MAX_ROWS = 1000
"""Rows fetched of one result; the agent sees 800 characters of them."""
MAX_CHARACTERS = 1_000_000
"""Text fetched of one result."""


@dataclass(frozen=True, slots=True)
class SqlError:
    """A statement that the server refused, printed as `mysql-connector` prints it."""

    number: int
    state: str
    text: str

    def __str__(self) -> str:
        return f"{self.number} ({self.state}): {self.text}"


class SqlBackend(Protocol):
    """The database of one episode. Every statement runs as on a connection of its own, with autocommit."""

    async def open(self) -> None:
        """Create the database and load its table.

        Raises:
            WorldError: the table cannot be created, or the server cannot be reached.
        """

    async def execute(self, sql: str) -> Rows | SqlError:
        """Run one statement; an empty list for one without rows. Hostile text gives an error, never an exception."""

    async def table_rows(self) -> list[tuple[str | None, ...]] | None:
        """Return the rows of the task's table as text; None once it is gone."""

    async def close(self) -> None:
        """Drop the database. Safe to call twice, and without `open`."""


def capped(rows: Iterable[tuple[Cell, ...]]) -> Rows:
    """Fetch at most `MAX_ROWS` rows of about `MAX_CHARACTERS` in all."""
    kept: Rows = []
    characters = 0
    for row in rows:
        kept.append(row)
        characters += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
        if len(kept) == MAX_ROWS or characters > MAX_CHARACTERS:
            break
    return kept
