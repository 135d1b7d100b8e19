"""What a MySQL server says, the embedded database says too: every case runs on both."""

import pytest
from tests.environments.worlds.sql.play import Play

from agenttuning.environments.worlds.sql.table import Table


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT COUNT(*) FROM shop WHERE `home city` = 'rome'", "[(3,)]"),
        ('SELECT item FROM shop WHERE item = "eclair"', "[('Éclair',)]"),
        ("SELECT item FROM shop WHERE price > 5 ORDER BY price + 0", "[('Éclair',), ('plum',), (\"O'Neil\",)]"),
        ("SELECT item FROM shop WHERE price = 12.5", "[('plum',)]"),
        ("SELECT item FROM shop WHERE price BETWEEN 5 AND 50", "[('plum',), ('Éclair',)]"),
        ("SELECT item FROM shop WHERE price IN (4, 7)", "[('pear',), ('Éclair',)]"),
        ("SELECT MAX(price) FROM shop", "[('7 eur',)]"),
        ("SELECT MAX(price + 0), SUM(price), AVG(price) FROM shop", "[(100.0, 123.5, 30.875)]"),
        ("SELECT SUM(price) FROM shop WHERE item = 'nothing'", "[(None,)]"),
        ("SELECT item FROM shop WHERE item LIKE 'e%' OR item REGEXP '^P'", "[('pear',), ('plum',), ('Éclair',)]"),
        ("SELECT item FROM shop WHERE item LIKE '_ig'", "[('fig',)]"),
        ("SELECT '100%' LIKE '100\\\\%', '1000' LIKE '100\\\\%', 'a' LIKE 'A'", "[(1, 0, 1)]"),
        ("SELECT CONCAT(item, ':', price) FROM shop LIMIT 2 OFFSET 2", "[('Éclair:7 eur',), (None,)]"),
        ("SELECT GROUP_CONCAT(item SEPARATOR ';') FROM shop WHERE price < 13", "[('pear;plum;Éclair',)]"),
        ("SELECT GROUP_CONCAT(item ORDER BY item DESC) FROM shop WHERE price < 13", "[('plum,pear,Éclair',)]"),
        ("SELECT GROUP_CONCAT(DISTINCT `home city` ORDER BY `home city`) FROM shop", "[('oslo,Paris,rome',)]"),
        (
            "SELECT GROUP_CONCAT(item ORDER BY price + 0 SEPARATOR '-') FROM shop WHERE price > 5",
            '[("Éclair-plum-O\'Neil",)]',
        ),
        ("SELECT LENGTH(GROUP_CONCAT(REPEAT(item, 400))) FROM shop", "[(1024,)]"),
        ("SELECT SUM(price > 5), AVG(price > 5) FROM shop", "[(Decimal('3'), Decimal('0.7500'))]"),
        ("SELECT SUM(CASE WHEN item = 'fig' THEN 1 ELSE 0 END) AS n FROM shop", "[(Decimal('1'),)]"),
        (
            "SELECT 7 / 2, 1.50, 1.5 * 2, 2 + 0.25, 3 * 4, 1e1",
            "[(Decimal('3.5000'), Decimal('1.50'), Decimal('3.0'), Decimal('2.25'), 12, 10.0)]",
        ),
        (
            "SELECT CAST(price AS DECIMAL(10, 2)), CAST(price AS DECIMAL) FROM shop LIMIT 2",
            "[(Decimal('4.00'), Decimal('4')), (Decimal('12.50'), Decimal('13'))]",
        ),
        ("SELECT ROUND(AVG(CAST(price AS SIGNED)), 1) FROM shop", "[(Decimal('30.8'),)]"),
        (
            "SELECT ROUND(AVG(price), 1), (SELECT AVG(1)), COUNT(*) / 2 FROM shop",
            "[(30.9, Decimal('1.0000'), Decimal('2.5000'))]",
        ),
        ("SELECT MAX(CAST(price AS DECIMAL(6, 1))) - MIN(price + 0) FROM shop", "[(96.0,)]"),
        (
            "SELECT IF(1, 2.5, 1), COALESCE(NULL, 1, 2.25), SUM(DISTINCT 1)",
            "[(Decimal('2.5'), Decimal('1.00'), Decimal('1'))]",
        ),
        ("SELECT COUNT(DISTINCT `home city`) FROM shop", "[(3,)]"),
        ("SELECT COUNT(DISTINCT item, price) FROM shop", "[(4,)]"),
        ("SELECT IF(price > 5, 'a', 'b') FROM shop LIMIT 2", "[('b',), ('a',)]"),
        ("SELECT CASE price WHEN 4 THEN 'four' ELSE 'no' END FROM shop LIMIT 1", "[('four',)]"),
        ("SELECT MD5('abc'), LENGTH('é'), CHAR_LENGTH('é')", "[('900150983cd24fb0d6963f7d28e17f72', 2, 1)]"),
        ("SELECT SUBSTRING('abcdef', 2, 3), LEFT('abc', 2), RIGHT('abc', 2)", "[('bcd', 'ab', 'bc')]"),
        ("SELECT SUBSTRING_INDEX('a,b,c', ',', 2), REPLACE('aXa', 'X', '-'), TRIM('  a ')", "[('a,b', 'a-a', 'a')]"),
        ("SELECT CAST('12 km' AS SIGNED), CAST('x' AS SIGNED), CAST(2.5 AS SIGNED)", "[(12, 0, 3)]"),
        ("SELECT IFNULL(price, 'none') FROM shop WHERE price IS NULL", "[('none',)]"),
        ("SELECT NULL <=> NULL, 1 <=> NULL, 'a' <=> 'A'", "[(1, 0, 1)]"),
        ("SELECT 7 DIV 2, 7 MOD 2, '3 apples' + 4, 5 / 0", "[(3, 1, 7.0, None)]"),
        ("SELECT 1 XOR 1, 1 || 0, NOT 1, TRUE AND FALSE", "[(0, 1, 0, 0)]"),
        ("SELECT item FROM shop ORDER BY item DESC LIMIT 1", "[('plum',)]"),
        ("SELECT `home city`, COUNT(*) AS n FROM shop GROUP BY `home city` HAVING n > 1", "[('rome', 3)]"),
        ("SELECT @nothing", "[(None,)]"),
        ("SHOW TABLES", "[('shop',)]"),
        ("DESCRIBE shop", str([(name, "text", "YES", "", None, "") for name in ("item", "price", "home city")])),
        (
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'shop' ORDER BY ordinal_position",
            "[('item',), ('price',), ('home city',)]",
        ),
        ("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = DATABASE()", "[('shop',)]"),
        ("SELECT shop.item FROM shop WHERE shop.price = '4'", "[('pear',)]"),
        ("WITH cheap AS (SELECT item FROM shop WHERE price < 5) SELECT * FROM cheap", "[('pear',)]"),
    ],
)
def test_queries_mean_what_they_mean_in_mysql(play: Play, shop: Table, sql: str, shown: str) -> None:
    assert play(shop, [sql]) == [shown]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT nope FROM shop", "1054 (42S22): Unknown column 'nope' in 'field list'"),
        ("SELECT * FROM shop WHERE nope = 1", "1054 (42S22): Unknown column 'nope' in 'where clause'"),
        ("SELECT * FROM shop ORDER BY nope", "1054 (42S22): Unknown column 'nope' in 'order clause'"),
        ("UPDATE shop SET nope = 1", "1054 (42S22): Unknown column 'nope' in 'field list'"),
        ("INSERT INTO shop (nope) VALUES (1)", "1054 (42S22): Unknown column 'nope' in 'field list'"),
        ("SELECT * FROM Shop", "1146 (42S02): Table 'shop.Shop' doesn't exist"),
        ("INSERT INTO shop VALUES (1)", "1136 (21S01): Column count doesn't match value count at row 1"),
        ("INSERT INTO shop (item) VALUES (1, 2)", "1136 (21S01): Column count doesn't match value count at row 1"),
        ("SELECT 1 UNION SELECT 1, 2", "1222 (21000): The used SELECT statements have a different number of columns"),
        ("SELECT item FROM shop WHERE COUNT(*) > 1", "1111 (HY000): Invalid use of group function"),
        ("CREATE TABLE shop (a TEXT)", "1050 (42S01): Table 'shop' already exists"),
        ("DROP TABLE nothing", "1051 (42S02): Unknown table 'shop.nothing'"),
        ("SELEC 1", "1064 (42000): You have an error in your SQL syntax"),
        ("SELECT FROM WHERE", "1064 (42000): You have an error in your SQL syntax"),
        ("SELECT 1; SELECT 2", "1064 (42000): You have an error in your SQL syntax"),
        ("SELECT home city FROM shop WHERE", "1064 (42000): You have an error in your SQL syntax"),
        ("", "1065 (42000): Query was empty"),
        ("SELECT NOPE(1)", "1305 (42000): FUNCTION shop."),
    ],
)
def test_errors_have_mysqls_numbers_states_and_words(play: Play, shop: Table, sql: str, error: str) -> None:
    (shown,) = play(shop, [sql])
    assert shown.startswith(error)


@pytest.mark.parametrize(
    ("change", "rest"),
    [
        (
            "UPDATE shop SET price = price + 1 WHERE item = 'pear'",
            "[('5',), ('12.50',), ('7 eur',), (None,), ('100',)]",
        ),
        ("UPDATE shop SET price = 2.50", "[('2.50',), ('2.50',), ('2.50',), ('2.50',), ('2.50',)]"),
        ("UPDATE shop SET price = '0' LIMIT 2", "[('0',), ('0',), ('7 eur',), (None,), ('100',)]"),
        (
            "UPDATE shop SET price = '0' ORDER BY price + 0 DESC LIMIT 1",
            "[('4',), ('12.50',), ('7 eur',), (None,), ('0',)]",
        ),
        ("UPDATE shop SET price = 10 / 4 WHERE item = 'pear'", None),
        ("DELETE FROM shop WHERE `home city` = 'rome'", "[('4',), (None,)]"),
        ("DELETE FROM shop WHERE price < 10 LIMIT 1", "[('12.50',), ('7 eur',), (None,), ('100',)]"),
        (
            "INSERT INTO shop SET item = 'kiwi', price = 3",
            "[('4',), ('12.50',), ('7 eur',), (None,), ('100',), ('3',)]",
        ),
        (
            "INSERT INTO shop (price) VALUES (CONCAT('a', 1)), (1 + 1)",
            "[('4',), ('12.50',), ('7 eur',), (None,), ('100',), ('a1',), ('2',)]",
        ),
        (
            "INSERT INTO shop (price) SELECT MAX(price + 0) FROM shop",
            "[('4',), ('12.50',), ('7 eur',), (None,), ('100',), ('100',)]",
        ),
        ("TRUNCATE TABLE shop", "[]"),
    ],
)
def test_changes_leave_the_same_table(play: Play, shop: Table, change: str, rest: str | None) -> None:
    done, left = play(shop, [change, "SELECT price FROM shop"])
    assert done == "[]"
    assert rest is None or left == rest


def test_every_statement_has_a_session_of_its_own(play: Play, shop: Table) -> None:
    statements = ["SET @x = 5", "SELECT @x", "START TRANSACTION", "DELETE FROM shop", "ROLLBACK"]
    assert play(shop, [*statements, "SELECT COUNT(*) FROM shop"])[-1] == "[(0,)]"
    assert play(shop, statements)[1] == "[(None,)]"


def test_a_temporary_table_is_gone_with_its_statement(play: Play, shop: Table) -> None:
    made, read = play(shop, ["CREATE TEMPORARY TABLE t (a TEXT)", "SELECT * FROM t"])
    assert (made, read) == ("[]", "1146 (42S02): Table 'shop.t' doesn't exist")


def test_two_episodes_share_nothing(play: Play, shop: Table) -> None:
    assert play(shop, ["DELETE FROM shop", "SELECT COUNT(*) FROM shop"])[1] == "[(0,)]"
    assert play(shop, ["SELECT COUNT(*) FROM shop"]) == ["[(5,)]"]


def test_the_embedded_database_has_the_name_of_its_table(on_sqlite: Play, shop: Table) -> None:
    shown = on_sqlite(shop, ["SELECT DATABASE()", "SELECT COUNT(*) FROM shop.shop", "SHOW DATABASES"])
    assert shown == ["[('shop',)]", "[(5,)]", "[('information_schema',), ('shop',)]"]
