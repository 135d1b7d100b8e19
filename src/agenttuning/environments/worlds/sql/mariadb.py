"""The real thing: a database and a user per episode on a MariaDB (or MySQL) server, a connection per statement.

The episode's user has rights on its own database only, no FILE, no SUPER, four connections and two seconds per
statement; what outlives even that is killed by the administrator's connection.
"""

from __future__ import annotations

import re
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from agenttuning.environments.worlds.sql.backend import SqlError, capped
from agenttuning.environments.worlds.sql.mariadb_server import shared_address
from agenttuning.environments.worlds.sql.table import Table, check_loadable
from agenttuning.errors import MissingExtraError, WorldError

try:
    import pymysql
    from pymysql.connections import MySQLResult
    from pymysql.cursors import SSCursor
except ModuleNotFoundError as error:
    raise MissingExtraError("backend 'mariadb' needs PyMySQL; run `pip install 'agenttuning[sql]'`") from error

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sql.backend import Rows
    from agenttuning.environments.worlds.sql.mariadb_server import Address

STATEMENT_SECONDS: Final = 2
_KILL_SECONDS: Final = 4.0
_SQL_MODE: Final = "NO_ENGINE_SUBSTITUTION"
"""Not strict: some published gold compares text cells with numbers, which strict mode refuses in changes."""
_RIGHTS: Final = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, EXECUTE, CREATE TEMPORARY TABLES"
_INTERRUPTED: Final = SqlError(1969, "70100", "Query execution was interrupted (max_statement_time exceeded)")
_LOST: Final = frozenset({1053, 1317, 1927, 1969, 2006, 2013, 3024})
"""Errors after a kill or a time limit."""
_PLACE: Final = re.compile(r"in '([A-Z ]+)'\Z")
_PLACES: Final = {
    "SELECT": "field list",
    "SET": "field list",
    "INSERT INTO": "field list",
    "WHERE": "where clause",
    "ORDER BY": "order clause",
    "GROUP BY": "group statement",
    "HAVING": "having clause",
    "ON": "on clause",
}
"""MariaDB's names for the parts of a statement, and MySQL's."""
_STATES: Final = {
    "42000": (
        *(1044, 1049, 1055, 1059, 1064, 1065, 1066, 1068, 1091, 1103, 1115, 1142, 1143, 1166, 1227, 1248, 1305),
        *(1318, 1327, 1370, 1582, 4078),
    ),
    "42S02": (1051, 1109, 1146),
    "42S22": (1054, 1247),
    "42S21": (1060,),
    "42S01": (1050,),
    "23000": (1048, 1052, 1062),
    "21S01": (1136,),
    "21000": (1222, 1241, 1242),
    "22001": (1406,),
    "22003": (1264, 1690),
    "22007": (1292, 1366),
    "22012": (1365,),
    "28000": (1045,),
    "08S01": (1153,),
    "70100": (1317, 1969),
}
_STATE_OF: Final = {number: state for state, numbers in _STATES.items() for number in numbers}


class MariaDatabase:
    """One episode's database on a server; implements `SqlBackend`."""

    def __init__(self, table: Table, *, address: Address | None = None) -> None:
        self.table = table
        self._address = address
        self._name = f"episode{secrets.token_hex(8)}"
        self._password = secrets.token_hex(16)
        self._made = False

    async def open(self) -> None:
        """Create database, user and table, and load the rows.

        Raises:
            WorldError: the table cannot be created, or the server cannot be reached.
        """
        check_loadable(self.table)
        await anyio.to_thread.run_sync(self._open)

    def _open(self) -> None:
        if self._address is None:
            self._address = shared_address()
        columns = ", ".join(f"{_quoted(name)} TEXT" for name in self.table.columns)
        table = f"{self._name}.{_quoted(self.table.name)}"
        marks = ", ".join(["%s"] * len(self.table.columns))
        try:
            with self._administrator() as administrator, administrator.cursor() as cursor:
                self._made = True
                cursor.execute(f"CREATE DATABASE {self._name} CHARACTER SET utf8mb4")
                cursor.execute(f"CREATE USER {self._user} IDENTIFIED BY '{self._password}' WITH MAX_USER_CONNECTIONS 4")
                cursor.execute(f"GRANT {_RIGHTS} ON {self._name}.* TO {self._user}")
                cursor.execute(f"CREATE TABLE {table} ({columns})")
                if self.table.rows:
                    cursor.executemany(f"INSERT INTO {table.replace('%', '%%')} VALUES ({marks})", self.table.rows)
        except pymysql.MySQLError as error:
            raise WorldError(f"table {self.table.name!r} cannot be created: {_text(error)}") from error

    @property
    def _user(self) -> str:
        return f"'{self._name}'@'{'localhost' if self._address and self._address.socket else '%'}'"

    def _administrator(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        assert self._address is not None, "open() comes first"
        return self._connect(self._address.user, self._address.password)

    def _connect(
        self, user: str, password: str, *, database: str | None = None
    ) -> pymysql.Connection[pymysql.cursors.Cursor]:
        assert self._address is not None, "open() comes first"
        if self._address.socket and not Path(self._address.socket).exists():
            raise WorldError(f"the database server of this process has ended: no {self._address.socket}")
        return pymysql.connect(
            user=user,
            password=password,
            database=database,
            unix_socket=self._address.socket,
            host=self._address.host,
            port=self._address.port,
            charset="utf8mb4",
            sql_mode=_SQL_MODE,
            autocommit=True,
            connect_timeout=10,
            local_infile=False,
            ssl_disabled=self._address.socket is not None,
        )

    async def execute(self, sql: str) -> Rows | SqlError:
        """Run one statement on a connection of its own; never raises for its text."""
        clean = sql.encode("utf-8", "replace").decode()
        return await anyio.to_thread.run_sync(self._execute, clean)

    def _execute(self, sql: str) -> Rows | SqlError:
        try:
            connection = self._connect(self._name, self._password, database=self._name)
        except pymysql.MySQLError as error:
            raise WorldError(f"the database server cannot be reached: {_text(error)}") from error
        thread: int = connection.thread_id()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        killer = threading.Timer(_KILL_SECONDS, self._kill, (thread,))
        killer.start()
        cursor = SSCursor(connection)
        try:
            cursor.execute(_limit(connection))
            cursor.execute(sql)
            return capped(cursor) if cursor.description else []
        except pymysql.MySQLError as error:
            return self._error(error)
        except UnicodeDecodeError as error:
            return SqlError(1366, "22007", f"Incorrect string value: {error.reason}")
        finally:
            killer.cancel()
            _abandon(cursor)
            connection.close()

    def _kill(self, thread: int) -> None:
        try:
            with self._administrator() as administrator, administrator.cursor() as cursor:
                cursor.execute(f"KILL {thread:d}")
        except (pymysql.MySQLError, WorldError):  # the statement, or the whole server, has just ended by itself
            return

    def _error(self, error: pymysql.MySQLError) -> SqlError:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if number in _LOST:
            return _INTERRUPTED
        text = str(error.args[1]) if len(error.args) > 1 else str(error)
        shown = _PLACE.sub(
            lambda found: f"in '{_PLACES.get(found[1], found[1])}'", text.replace(self._name, self.table.name)
        )
        return SqlError(number or 2000, _STATE_OF.get(number, "HY000"), shown)

    async def table_rows(self) -> list[tuple[str | None, ...]] | None:
        """Return the rows of the task's table as text; None once it is dropped."""
        return await anyio.to_thread.run_sync(self._table_rows)

    def _table_rows(self) -> list[tuple[str | None, ...]] | None:
        with self._administrator() as administrator, administrator.cursor() as cursor:
            try:
                cursor.execute(f"SELECT * FROM {self._name}.{_quoted(self.table.name)}")
            except pymysql.MySQLError as error:
                if error.args and error.args[0] == 1146:
                    return None
                raise
            return [tuple(None if cell is None else str(cell) for cell in row) for row in cursor.fetchall()]

    async def close(self) -> None:
        """Drop database and user. Safe to call twice."""
        if self._made:
            self._made = False
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._drop)

    def _drop(self) -> None:
        with self._administrator() as administrator, administrator.cursor() as cursor:
            cursor.execute(f"DROP USER IF EXISTS {self._user}")
            cursor.execute(f"DROP DATABASE IF EXISTS {self._name}")


def _limit(connection: pymysql.Connection[pymysql.cursors.Cursor]) -> str:
    version: str = connection.get_server_info()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    if "MariaDB" in version:
        return f"SET SESSION max_statement_time = {STATEMENT_SECONDS}, group_concat_max_len = 1024"
    return f"SET SESSION max_execution_time = {STATEMENT_SECONDS * 1000}, group_concat_max_len = 1024"


def _abandon(cursor: SSCursor) -> None:
    """Stop the driver from reading rows that nobody wants; it would drain them when the cursor is freed."""
    result = vars(cursor).get("_result")  # the driver has no public way to leave a result unread
    if isinstance(result, MySQLResult):
        result.unbuffered_active = False


def _text(error: pymysql.MySQLError) -> str:
    return str(error.args[1]) if len(error.args) > 1 else str(error)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
