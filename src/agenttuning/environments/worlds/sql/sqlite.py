"""The embedded database: SQLite behind MySQL's dialect, values and error texts; hostile SQL is confined.

Confinement: one statement only, no ATTACH, DETACH, PRAGMA, trigger, view or extension (authorizer), none of SQLite's
own functions but a short list, a deadline on every statement (progress handler), limits on length, depth and memory,
and a cap on fetched rows.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from agenttuning.environments.worlds.sql.backend import SqlError, capped
from agenttuning.environments.worlds.sql.catalog import (
    answer,
    create_information_schema,
    drop_information_schema,
    rename_information_schema,
)
from agenttuning.environments.worlds.sql.dialect import check_functions, parse, syntax_error
from agenttuning.environments.worlds.sql.exact import as_decimals
from agenttuning.environments.worlds.sql.functions import install
from agenttuning.environments.worlds.sql.rewriting import to_sqlite
from agenttuning.environments.worlds.sql.table import Table, check_loadable
from agenttuning.environments.worlds.sql.translation import check_names, translate_error

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sql.backend import Rows

DEADLINE_SECONDS: Final = 1.0
_MAX_CELL: Final = 1_000_000
_MAX_PAGES: Final = 4_096
"""Of 4 KiB: a database may grow to 16 MiB."""
_STATEMENTS: Final = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable)
_WITHOUT_EFFECT: Final = (exp.Set, exp.Use, exp.Transaction, exp.Commit, exp.Rollback)
_FORBIDDEN: Final = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_PRAGMA,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_ANALYZE,
    }
)


class SqliteDatabase:
    """One episode's database in this process; implements `SqlBackend`."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._connection: sqlite3.Connection | None = None
        self._deadline = 0.0

    async def open(self) -> None:
        """Create the table and load its rows.

        Raises:
            WorldError: MySQL would refuse to create it.
        """
        check_loadable(self.table)
        connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
        self._connection = connection
        install(connection, database=self.table.name)
        connection.execute(f"PRAGMA max_page_count = {_MAX_PAGES}")
        columns = ", ".join(f"{_quoted(name)} TEXT COLLATE my_ai_ci" for name in self.table.columns)
        connection.execute(f"CREATE TABLE {_quoted(self.table.name)} ({columns})")
        if self.table.rows:
            marks = ", ".join("?" * len(self.table.columns))
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO {_quoted(self.table.name)} VALUES ({marks})", self.table.rows)
            connection.execute("COMMIT")
        self._confine(connection)

    def _confine(self, connection: sqlite3.Connection) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, 500)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50)
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(self._expired, 200)

    def _expired(self) -> bool:
        return time.monotonic() > self._deadline

    async def execute(self, sql: str) -> Rows | SqlError:
        """Run one MySQL statement as on a fresh connection with autocommit; never raises for its text."""
        connection = self._opened()
        self._deadline = time.monotonic() + DEADLINE_SECONDS
        statement = parse(sql)
        if isinstance(statement, SqlError):
            return statement
        tables = _tables(connection)
        catalogued = answer(statement, database=self.table.name, tables=tables)
        if catalogued is not None:
            return catalogued
        schema = rename_information_schema(statement)
        refused = self._refused(statement, {**tables, **schema})
        if refused is not None:
            return refused
        if isinstance(statement, _WITHOUT_EFFECT) or _is_temporary(statement):
            return []
        if not schema:
            return self._run(connection, statement)
        try:
            create_information_schema(connection, database=self.table.name, tables=tables)
            return self._run(connection, statement)
        finally:
            self._deadline = time.monotonic() + DEADLINE_SECONDS
            drop_information_schema(connection)

    def _refused(self, statement: exp.Expr, tables: dict[str, tuple[str, ...]]) -> SqlError | None:
        if isinstance(statement, exp.Set) and "GLOBAL" in statement.sql(dialect="mysql").upper():
            return SqlError(1227, "42000", "Access denied; you need (at least one of) the SUPER privilege(s)")
        if not isinstance(statement, (*_STATEMENTS, *_WITHOUT_EFFECT)):
            return syntax_error(statement.sql(dialect="mysql"))
        wrong = check_functions(statement, database=self.table.name)
        if wrong is not None:
            return wrong
        return check_names(statement, database=self.table.name, tables=tables)

    def _run(self, connection: sqlite3.Connection, statement: exp.Expr) -> Rows | SqlError:
        try:
            cursor = connection.execute(to_sqlite(statement))
            rows = as_decimals(capped(cursor), statement) if cursor.description else []
            cursor.close()
        except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
            return translate_error(error, statement, expired=self._expired())
        except (RecursionError, MemoryError):
            return SqlError(1436, "HY000", "Thread stack overrun")
        return rows

    async def table_rows(self) -> list[tuple[str | None, ...]] | None:
        """Return the rows of the task's table as text; None once it is dropped, or is none that can be read."""
        connection = self._opened()
        self._deadline = time.monotonic() + DEADLINE_SECONDS
        if self.table.name not in _tables(connection):
            return None
        try:
            rows = connection.execute(f"SELECT * FROM main.{_quoted(self.table.name)}").fetchall()
        except sqlite3.Error:
            return None
        return [tuple(None if cell is None else str(cell) for cell in row) for row in rows]

    async def close(self) -> None:
        """Forget the database. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        assert self._connection is not None, "open() comes first"
        return self._connection


def _is_temporary(statement: exp.Expr) -> bool:
    """Does it make what would end with its connection: in MySQL it would be gone at the next statement."""
    return isinstance(statement, exp.Create) and statement.find(exp.TemporaryProperty) is not None


def _authorize(action: int, _first: str | None, second: str | None, _third: str | None, _fourth: str | None) -> int:
    if action in _FORBIDDEN or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    names = [str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: _columns(connection, name) for name in names}


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    cursor = connection.execute(f"SELECT * FROM {_quoted(table)} LIMIT 0")
    return tuple(column[0] for column in cursor.description)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
