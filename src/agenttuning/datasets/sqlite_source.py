"""A foreign SQLite database, read-only and confined: one SELECT at a time, a deadline, a cap on rows."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Value = str | int | float | bytes | None

_ALLOWED: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_AFFINITIES: Final = (
    (("INT",), "INTEGER"),
    (("CHAR", "CLOB", "TEXT"), "TEXT"),
    (("BLOB",), "BLOB"),
    (("REAL", "FLOA", "DOUB"), "REAL"),
)
_LONGEST_VALUE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its table declares it."""

    name: str
    type: str = ""

    @property
    def affinity(self) -> str:
        """Return the type by which SQLite stores its values (section 3.1 of its page on data types)."""
        declared = self.type.upper()
        for words, affinity in _AFFINITIES:
            if any(word in declared for word in words):
                return affinity
        return "NUMERIC" if declared else "BLOB"

    @property
    def numeric(self) -> bool:
        """Does SQLite keep numbers in it as numbers."""
        return self.affinity in ("INTEGER", "REAL", "NUMERIC")


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """A SQLite file."""

    path: Path


@dataclass(frozen=True, slots=True)
class InlineTable:
    """A table given cell by cell."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    fold_case: bool = False
    """Does text compare without regard to case."""


DatabaseSource = DatabaseFile | InlineTable


@dataclass(frozen=True, slots=True)
class Fault:
    """A statement that could not be run, in SQLite's words."""

    text: str


class ReadOnlyDatabase:
    """An open database; statements never raise for their text."""

    def __init__(self, connection: sqlite3.Connection, *, fold_case: bool) -> None:
        self._connection = connection
        self._deadline = 0.0
        self.fold_case = fold_case
        """Does text compare without regard to case."""
        self.tables: dict[str, tuple[Column, ...]] = _schema(connection)
        """Table name to columns."""
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(self._expired, 10_000)

    def _expired(self) -> bool:
        return time.monotonic() > self._deadline

    def scan(self, sql: str, *, seconds: float, rows: int) -> Iterator[tuple[Value, ...]]:
        """Yield at most so many rows.

        Raises:
            sqlite3.Error: the statement cannot be run, or its time is up.
        """
        self._deadline = time.monotonic() + seconds
        cursor = self._connection.execute(sql)
        for _, row in zip(range(rows), cursor, strict=False):
            yield row
        cursor.close()

    def run(self, sql: str, *, seconds: float = 5.0, rows: int = 10_000) -> list[tuple[Value, ...]] | Fault:
        """Return the rows of one SELECT, or why there are none."""
        try:
            return list(self.scan(sql, seconds=seconds, rows=rows))
        except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
            return Fault(str(error))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def open_database(source: DatabaseSource) -> Iterator[ReadOnlyDatabase | Fault]:
    """Open a database for reading; a file that is no database gives a `Fault`."""
    opened = _open(source)
    try:
        yield opened
    finally:
        if isinstance(opened, ReadOnlyDatabase):
            opened.close()


def _open(source: DatabaseSource) -> ReadOnlyDatabase | Fault:
    connection: sqlite3.Connection | None = None
    try:
        if isinstance(source, DatabaseFile):
            connection = sqlite3.connect(f"file:{quote(str(source.path.resolve()))}?mode=ro&immutable=1", uri=True)
        else:
            connection = sqlite3.connect(":memory:")
            _fill(connection, source)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        return ReadOnlyDatabase(connection, fold_case=isinstance(source, InlineTable) and source.fold_case)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        return Fault(str(error))


def _fill(connection: sqlite3.Connection, table: InlineTable) -> None:
    fold = " COLLATE NOCASE" if table.fold_case else ""
    declared = ", ".join(
        f"{quoted(column.name)} {column.affinity}{fold if column.affinity == 'TEXT' else ''}"
        for column in table.columns
    )
    connection.execute(f"CREATE TABLE {quoted(table.name)} ({declared})")
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(f"INSERT INTO {quoted(table.name)} VALUES ({marks})", table.rows)  # noqa: S608
    connection.commit()


def _schema(connection: sqlite3.Connection) -> dict[str, tuple[Column, ...]]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: tuple(Column(row[1], row[2] or "") for row in connection.execute(f"PRAGMA table_info({quoted(name)})"))
        for name in names
        if not name.startswith("sqlite_")
    }


def _authorize(action: int, _first: str | None, second: str | None, _third: str | None, _fourth: str | None) -> int:
    if action not in _ALLOWED or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def quoted(name: str) -> str:
    """Quote a table or column name for SQLite."""
    return '"' + name.replace('"', '""') + '"'
