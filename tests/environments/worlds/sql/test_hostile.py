"""Hostile SQL is refused or bounded, on both databases, and the episode goes on."""

import asyncio
import time

import pytest
from tests.environments.worlds.sql.play import Play

from agenttuning.environments.worlds.sql.sqlite import SqliteDatabase
from agenttuning.environments.worlds.sql.table import Table

FILES = [
    "SELECT LOAD_FILE('/etc/passwd')",
    "SELECT * FROM shop INTO OUTFILE '/tmp/agenttuning-outfile'",
    "SELECT 'x' INTO DUMPFILE '/tmp/agenttuning-dumpfile'",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE shop",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE shop",
    "ATTACH DATABASE '/tmp/agenttuning-attached' AS other",
    "VACUUM INTO '/tmp/agenttuning-vacuum'",
    "SELECT readfile('/etc/passwd')",
    "SELECT load_extension('libc.so.6')",
]
RIGHTS = [
    "SELECT * FROM mysql.user",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_temp_master",
    "SELECT * FROM pragma_table_info('shop')",
    "PRAGMA writable_schema = 1",
    "USE mysql; SELECT * FROM user",
    "SET GLOBAL max_connections = 1",
    "CREATE USER 'eve'@'%' IDENTIFIED BY 'x'",
    "GRANT ALL ON *.* TO 'eve'@'%'",
    "CREATE DATABASE other",
    "DROP DATABASE mysql",
    "SELECT 1; DROP TABLE shop",
    "CREATE TRIGGER t AFTER INSERT ON shop FOR EACH ROW DELETE FROM shop",
    "CREATE FUNCTION sys_exec RETURNS INTEGER SONAME 'udf.so'",
    "INSTALL PLUGIN example SONAME 'ha_example.so'",
    "CREATE VIRTUAL TABLE v USING fts5(a)",
    "SHUTDOWN",
    "KILL 1",
]
TIME = [
    "SELECT SLEEP(600)",
    "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c",
    "SELECT COUNT(*) FROM " + ", ".join(f"shop AS t{number}" for number in range(25)),
    "SELECT BENCHMARK(1000000000000, MD5('x'))",
    "SELECT REPEAT('a', 60000) LIKE '" + "%a" * 200 + "b'",
    "SELECT REPEAT('a', 60000) REGEXP '(a+)+$'",
    "SET STATEMENT max_statement_time = 0 FOR SELECT SLEEP(600)",
]
MEMORY = [
    "SELECT REPEAT('a', 1000000000)",
    "SELECT LPAD('a', 1000000000, 'b')",
    "SELECT zeroblob(900000000), randomblob(900000000)",
    "SELECT REPLACE(REPEAT('a', 60000), 'a', REPEAT('b', 60000))",
    "SELECT a.item, REPEAT('x', 60000) FROM " + ", ".join(f"shop AS {letter}" for letter in "abcdefgh"),
    "SELECT GROUP_CONCAT(REPEAT('x', 60000)) FROM " + ", ".join(f"shop AS {letter}" for letter in "abcdefgh"),
]
TEXT = [
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT " + "-" * 4000 + "1",
    "SELECT " + "NOT " * 3000 + "1",
    "SELECT " + " + ".join("1" * 3000),
    "SELECT " + ", ".join(["1"] * 5000),
    "SELECT 'a" + "\x00" + "b'",
    "SELECT '\ud800'",
    "SELECT `\x00`",
    "SELECT 'unclosed",
    "/* unclosed",
    "-- nothing",
    ";;;",
    "\\",
    "`",
    "{% raw %}",
    "SELECT 1e400, -1e400",
    "SELECT 9223372036854775807 + 1, -9223372036854775808 - 1",
    "x" * 100_000,
]


@pytest.mark.parametrize("sql", [*FILES, *RIGHTS, *TIME, *MEMORY, *TEXT], ids=lambda sql: repr(sql[:40]))
def test_it_ends_soon_and_the_table_is_unharmed(play: Play, shop: Table, sql: str) -> None:
    play(shop, [])
    begun = time.monotonic()
    shown, rest = play(shop, [sql, "SELECT COUNT(*) FROM shop"])
    assert time.monotonic() - begun < 10
    assert rest == "[(5,)]"
    assert len(shown) < 1_200_000


@pytest.mark.parametrize("sql", [*FILES, *RIGHTS], ids=lambda sql: repr(sql[:40]))
def test_nothing_outside_the_database_is_given_away(play: Play, shop: Table, sql: str) -> None:
    (shown,) = play(shop, [sql])
    refused = shown[:4].isdigit() and "): " in shown
    assert refused or shown in ("[]", "[(None,)]")
    if "SET GLOBAL" in sql and shown == "[]":
        pytest.fail("a global setting was accepted")


@pytest.mark.parametrize("sql", TIME[:3], ids=lambda sql: repr(sql[:40]))
def test_a_statement_without_end_is_interrupted(on_sqlite: Play, shop: Table, sql: str) -> None:
    begun = time.monotonic()
    assert "interrupted" in on_sqlite(shop, [sql])[0]
    assert time.monotonic() - begun < 3


def test_a_database_cannot_grow_without_bound(on_sqlite: Play, shop: Table) -> None:
    doubling = ["INSERT INTO shop SELECT item, REPEAT(item, 9000), price FROM shop"] * 14
    shown = on_sqlite(shop, doubling)
    assert any(text != "[]" for text in shown)


def test_a_table_of_its_own_making_does_not_stand_before_the_judge(shop: Table) -> None:
    """A temporary table hides no other, and numbers in a table made anew are judged as text."""

    async def judged(*statements: str) -> list[tuple[str | None, ...]] | None:
        database = SqliteDatabase(shop)
        await database.open()
        for statement in statements:
            await database.execute(statement)
        rows = await database.table_rows()
        await database.close()
        return rows

    assert asyncio.run(judged("CREATE TEMPORARY TABLE shop AS SELECT 1 AS item")) == asyncio.run(judged())
    assert asyncio.run(judged("DROP TABLE shop", "CREATE TABLE shop AS SELECT 1 AS item, NULL AS b")) == [("1", None)]


def test_hints_are_passed_over_in_silence(play: Play, shop: Table, caplog: pytest.LogCaptureFixture) -> None:
    """A model that writes hints in every statement does not flood the log of the run."""
    (shown,) = play(shop, ["SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1 FROM shop LIMIT 1"])
    assert shown == "[(1,)]"
    assert caplog.records == []
