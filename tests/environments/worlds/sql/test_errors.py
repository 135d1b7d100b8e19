"""What is refused, and in whose words: every case on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.environments.worlds.sql.play import Play

    from agenttuning.environments.worlds.sql.table import Table


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT `home  city` FROM shop", "1054 (42S22): Unknown column 'home  city' in 'field list'"),
        ('SELECT item FROM shop WHERE "nope" = nope', "1054 (42S22): Unknown column 'nope' in 'where clause'"),
        ("DELETE FROM shop WHERE nope = 1", "1054 (42S22): Unknown column 'nope' in 'where clause'"),
        ("UPDATE shop SET price = 1 WHERE nope = 1", "1054 (42S22): Unknown column 'nope' in 'where clause'"),
        ("SELECT a.nope FROM shop a", "1054 (42S22): Unknown column 'a.nope' in 'field list'"),
        ("SELECT COUNT(nope) FROM shop", "1054 (42S22): Unknown column 'nope' in 'field list'"),
        ("SELECT a.item FROM shop a JOIN shop b ON a.x = b.item", "1054 (42S22): Unknown column 'a.x' in 'on clause'"),
        ("SELECT item FROM shop a, shop b", "1052 (23000): Column 'item' in "),
        ("SELECT * FROM (SELECT 1)", "1248 (42000): Every derived table must have its own alias|1064 (42000)"),
        ("SELECT 1 FROM shop a JOIN shop a ON 1", "1066 (42000): Not unique table/alias: 'a'"),
        ("SELECT * FROM nope", "1146 (42S02): Table 'shop.nope' doesn't exist"),
        ("SELECT * FROM shop WHERE item IN (SELECT a FROM nope)", "1146 (42S02): Table 'shop.nope' doesn't exist"),
        ("TRUNCATE TABLE nope", "1146 (42S02): Table 'shop.nope' doesn't exist"),
        ("ALTER TABLE nope ADD COLUMN a TEXT", "1146 (42S02): Table 'shop.nope' doesn't exist"),
        ("DESCRIBE nope", "1146 (42S02): Table 'shop.nope' doesn't exist"),
        ("SHOW CREATE TABLE nope", "1146 (42S02): Table 'shop.nope' doesn't exist"),
        (
            "INSERT INTO shop (item, price) VALUES ('a')",
            "1136 (21S01): Column count doesn't match value count at row 1",
        ),
        ("INSERT INTO shop SELECT 'a'", "1136 (21S01): Column count doesn't match value count at row 1"),
        ("SELECT 1, 2 UNION SELECT 1", "1222 (21000): The used SELECT statements have a different number of columns"),
        ("SELECT SUM(COUNT(*)) FROM shop", "1111 (HY000): Invalid use of group function"),
        ("UPDATE shop SET price = MAX(price)", "1111 (HY000): Invalid use of group function"),
        ("CREATE TABLE t (a TEXT, A TEXT)", "1060 (42S21): Duplicate column name 'A'"),
        ("ALTER TABLE shop ADD COLUMN item TEXT", "1060 (42S21): Duplicate column name 'item'"),
        ("SELECT (SELECT 1, 2)", "1241 (21000): Operand should contain 1 column(s)"),
        ("SELECT item FROM shop WHERE price = (SELECT * FROM shop)", "1241 (21000): |4078 (42000): "),
        ("SELECT REPEAT('a')", "1064 (42000)|1582 (42000)"),
        ("SELECT ROUND(1, 2, 3)", "1064 (42000)|1582 (42000)"),
        ("SELECT Nope(1)", "1305 (42000): FUNCTION shop.Nope does not exist|1305 (42000): FUNCTION shop.nope does"),
        ("   ", "1065 (42000): Query was empty"),
        (";", "1065 (42000): Query was empty"),
        ("SELECT * FORM shop", "1064 (42000): You have an error in your SQL syntax"),
        ("DELETE shop WHERE 1", "1064 (42000): You have an error in your SQL syntax"),
        ("UPDATE shop price = 1", "1064 (42000): You have an error in your SQL syntax"),
        ("SELECT item FROM shop WHERE item = 'it's'", "1064 (42000): You have an error in your SQL syntax"),
        ("SELECT item FROM shop LIMIT 'a'", "1064 (42000): You have an error in your SQL syntax"),
        ("SELECT item FROM 'shop'", "1064 (42000): You have an error in your SQL syntax"),
        ("```sql SELECT 1```", "1064 (42000): You have an error in your SQL syntax"),
        ("Final Answer: [1]", "1064 (42000): You have an error in your SQL syntax"),
    ],
)
def test_a_refusal_has_the_servers_number_and_leaves_the_table(play: Play, shop: Table, sql: str, error: str) -> None:
    shown, before, after = play(shop, [sql, "SELECT COUNT(*), SUM(price) FROM shop", "SELECT COUNT(*) FROM shop"])
    assert shown.startswith(tuple(error.split("|")))
    assert (before, after) == ("[(5, 123.5)]", "[(5,)]")


@pytest.mark.parametrize("sql", ["SELECT * FROM other.shop", "INSERT INTO other.t VALUES (1)", "DROP TABLE other.t"])
def test_another_database_is_closed(play: Play, shop: Table, sql: str) -> None:
    (shown,) = play(shop, [sql])
    assert shown.startswith(("1044 (42000): ", "1142 (42000): "))


def test_a_syntax_error_shows_where_it_is(play: Play, shop: Table) -> None:
    (shown,) = play(shop, ["SELECT item FROM shop WHERE (price > 5"])
    assert shown.startswith("1064 (42000): ")
    assert "item" not in shown.split("near '")[1]


def test_a_long_statement_is_refused_and_a_usual_one_is_not(on_sqlite: Play, shop: Table) -> None:
    usual, long = (f"SELECT COUNT(*) FROM shop WHERE item <> '{'a' * size}'" for size in (15_000, 25_000))
    assert on_sqlite(shop, [usual, long]) == [
        "[(5,)]",
        "1153 (08S01): Got a packet bigger than 'max_allowed_packet' bytes",
    ]


def test_an_error_in_one_row_undoes_the_whole_statement(play: Play, shop: Table) -> None:
    shown, count = play(shop, ["INSERT INTO shop VALUES ('a', 'b', 'c'), ('d')", "SELECT COUNT(*) FROM shop"])
    assert shown.startswith("1136 (21S01)")
    assert count == "[(5,)]"


def test_a_refused_statement_does_not_stop_the_next(play: Play, shop: Table) -> None:
    shown = play(shop, ["SELEC", "SELECT nope FROM shop", "SELECT * FROM nope", "SELECT COUNT(*) FROM shop"])
    assert [text[:4] for text in shown] == ["1064", "1054", "1146", "[(5,"]
