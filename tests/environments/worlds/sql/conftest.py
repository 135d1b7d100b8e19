"""Databases of both kinds for the tests of the SQL worlds."""

import asyncio
import importlib.util
from collections.abc import Callable, Sequence

import pytest
from tests.environments.worlds.sql.play import Play

from agenttuning.environments.worlds.sql.backend import SqlBackend
from agenttuning.environments.worlds.sql.mariadb_server import missing_programs
from agenttuning.environments.worlds.sql.sqlite import SqliteDatabase
from agenttuning.environments.worlds.sql.table import Table


def _player(make: Callable[[Table], SqlBackend]) -> Play:
    def play(table: Table, statements: Sequence[str]) -> list[str]:
        async def episode() -> list[str]:
            database = make(table)
            try:
                await database.open()
                return [str(await database.execute(statement)) for statement in statements]
            finally:
                await database.close()

        return asyncio.run(episode())

    return play


@pytest.fixture(scope="session")
def shop() -> Table:
    """Cells with cases, accents, units, decimals and a NULL; a name in need of backquotes."""
    return Table(
        name="shop",
        columns=("item", "price", "home city"),
        rows=(
            ("pear", "4", "Paris"),
            ("plum", "12.50", "rome"),
            ("Éclair", "7 eur", "ROME"),
            ("fig", None, "oslo"),
            ("O'Neil", "100", "Rome"),
        ),
    )


@pytest.fixture(scope="session")
def on_sqlite() -> Play:
    return _player(SqliteDatabase)


@pytest.fixture(scope="session")
def on_mariadb() -> Play:
    if importlib.util.find_spec("pymysql") is None:
        pytest.skip("PyMySQL is not installed; pip install 'agenttuning[sql]'")
    if reason := missing_programs():
        pytest.skip(reason)
    from agenttuning.environments.worlds.sql.mariadb import MariaDatabase

    return _player(MariaDatabase)


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def play(request: pytest.FixtureRequest) -> Play:
    chosen: Play = request.getfixturevalue(f"on_{request.param}")
    return chosen
