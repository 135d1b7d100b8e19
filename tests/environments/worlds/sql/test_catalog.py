"""What the database says of itself, before and after it has changed; on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.environments.worlds.sql.play import Play

    from agenttuning.environments.worlds.sql.table import Table

COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = '{}' ORDER BY ordinal_position"


@pytest.mark.parametrize("command", ["DESCRIBE shop", "DESC shop", "SHOW COLUMNS FROM shop", "EXPLAIN shop"])
def test_columns_are_told_in_one_shape(play: Play, shop: Table, command: str) -> None:
    rows = [(name, "text", "YES", "", None, "") for name in ("item", "price", "home city")]
    assert play(shop, [command]) == [str(rows)]


def test_a_new_table_is_listed_and_a_dropped_one_is_not(play: Play, shop: Table) -> None:
    statements = ["CREATE TABLE extra (a TEXT, b TEXT)", "SHOW TABLES", COLUMNS.format("extra"), "DROP TABLE extra"]
    made, listed, columns, dropped, left = play(shop, [*statements, "SHOW TABLES"])
    assert (made, dropped) == ("[]", "[]")
    assert listed == "[('extra',), ('shop',)]"
    assert columns == "[('a',), ('b',)]"
    assert left == "[('shop',)]"


def test_an_added_column_is_described_and_empty(play: Play, shop: Table) -> None:
    statements = ["ALTER TABLE shop ADD COLUMN colour TEXT", COLUMNS.format("shop"), "SELECT COUNT(colour) FROM shop"]
    assert play(shop, statements)[1:] == ["[('item',), ('price',), ('home city',), ('colour',)]", "[(0,)]"]


def test_the_definition_names_the_table_and_every_column(play: Play, shop: Table) -> None:
    (shown,) = play(shop, ["SHOW CREATE TABLE shop"])
    assert shown.startswith("[('shop', 'CREATE TABLE `shop` (")
    assert [name for name in ("`item` text", "`price` text", "`home city` text") if name not in shown] == []


def test_a_dropped_task_table_leaves_nothing_to_judge(play: Play, shop: Table) -> None:
    shown = play(shop, ["DROP TABLE shop", "SHOW TABLES", "SELECT * FROM shop"])
    assert shown == ["[]", "[]", "1146 (42S02): Table 'shop.shop' doesn't exist"]


def test_the_schema_cannot_be_changed(play: Play, shop: Table) -> None:
    shown = play(shop, ["DELETE FROM information_schema.columns", COLUMNS.format("shop")])
    assert shown[1] == "[('item',), ('price',), ('home city',)]"
