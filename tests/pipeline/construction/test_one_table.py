"""A statement over a whole database, brought to one table of text; refused where that would change its meaning."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.pipeline.construction.corpora import make_school

from agenttuning.datasets.sqlite_source import DatabaseFile, ReadOnlyDatabase, open_database
from agenttuning.pipeline.construction.one_table import OneTable, as_one_table
from agenttuning.pipeline.construction.rejects import Reason, Refusal
from agenttuning.pipeline.construction.statements import same_rows

JOIN = "FROM pupil AS T1 INNER JOIN town AS T2 ON T1.town_id = T2.id"


@pytest.fixture(params=[1, 30], ids=["whole", "cut"])
def school(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ReadOnlyDatabase]:
    make_school(tmp_path / "school.sqlite", copies=request.param)
    with open_database(DatabaseFile(tmp_path / "school.sqlite")) as database:
        assert isinstance(database, ReadOnlyDatabase)
        yield database


def mapped(database: ReadOnlyDatabase, sql: str, *, max_rows: int = 20, seed: str = "0") -> OneTable:
    found = as_one_table(sql, database, max_rows=max_rows, seed=seed)
    assert isinstance(found, OneTable), found
    return found


def refused(database: ReadOnlyDatabase, sql: str) -> Reason:
    found = as_one_table(sql, database, max_rows=20, seed="0")
    assert isinstance(found, Refusal), found
    return found.reason


def test_one_table_is_taken_as_it_is(school: ReadOnlyDatabase) -> None:
    found = mapped(school, 'SELECT COUNT(*) FROM Town WHERE region = "South"')
    assert found.table.name == "town"
    assert found.table.rows == (("1", "Lowen", "North"), ("2", "Marsk", "South"), ("3", "Tal Bay", "South"))
    assert (found.rows, found.kind) == (((2,),), "counting")
    assert found.sql == "SELECT COUNT(*) FROM `town` WHERE `region` = 'South'"


def test_numbers_are_compared_as_numbers_though_cells_are_text(school: ReadOnlyDatabase) -> None:
    found = mapped(school, "SELECT `full name` FROM pupil WHERE age BETWEEN 9 AND 12 ORDER BY score DESC LIMIT 1")
    assert found.sql == (
        "SELECT `full name` FROM `pupil` WHERE `age` + 0 BETWEEN 9 AND 12 ORDER BY `score` + 0 DESC LIMIT 1"
    )
    assert found.kind == "ranking"


def test_a_join_becomes_the_joined_table(school: ReadOnlyDatabase) -> None:
    found = mapped(school, f"SELECT T1.`full name` {JOIN} WHERE T2.name = 'Lowen' AND T1.id < 99")
    assert found.table.name == "pupil_town"
    assert found.table.columns == ("pupil id", "full name", "age", "town_id", "score", "town id", "name", "region")
    assert found.sql == "SELECT `full name` FROM `pupil_town` WHERE `name` = 'Lowen' AND `pupil id` + 0 < 99"
    assert {str(row[0])[:2] for row in found.rows} <= {"Cl", "Fa", "Iv"}


def test_a_table_joined_with_itself_is_still_one(school: ReadOnlyDatabase) -> None:
    found = mapped(school, "SELECT A.name FROM town A JOIN town B ON A.region = B.region AND A.id <> B.id")
    assert (found.table.name, sorted(found.rows)) == ("town", [("Marsk",), ("Tal Bay",)])


def test_a_nested_statement_over_the_same_table_stays(school: ReadOnlyDatabase) -> None:
    found = mapped(school, "SELECT name FROM town WHERE id = (SELECT MAX(id) FROM town)")
    assert found.rows == (("Tal Bay",),)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT name FROM town WHERE id IN (SELECT town_id FROM pupil)", Reason.SEVERAL_TABLES),
        (f"SELECT * {JOIN}", Reason.SEVERAL_TABLES),
        ("SELECT name FROM town UNION SELECT `full name` FROM pupil", Reason.SEVERAL_TABLES),
        ("WITH x AS (SELECT id FROM pupil) SELECT name FROM town JOIN x ON x.id = town.id", Reason.SEVERAL_TABLES),
        ("SELECT 1", Reason.NOT_A_QUESTION),
        ("UPDATE town SET name = 'x'", Reason.NOT_A_QUESTION),
        ("DROP TABLE town", Reason.NOT_A_QUESTION),
        ("SELEC name FROM town", Reason.UNREADABLE_SQL),
        ("SELECT name FROM village", Reason.UNREADABLE_SQL),
        ("SELECT nothing FROM town", Reason.UNREADABLE_SQL),
        (f"SELECT id {JOIN}", Reason.UNREADABLE_SQL),
        (f"SELECT T3.id {JOIN}", Reason.UNREADABLE_SQL),
        ("SELECT load_extension('x') FROM town", Reason.UNREADABLE_SQL),
        ("SELECT " + "(" * 400 + "1" + ")" * 400 + " FROM town", Reason.UNREADABLE_SQL),
        ("SELECT name FROM town " + " " * 20_000, Reason.UNREADABLE_SQL),
        ("SELECT data FROM photo", Reason.ANSWER_UNFIT),
    ],
)
def test_what_has_no_honest_mapping_is_refused(school: ReadOnlyDatabase, sql: str, reason: Reason) -> None:
    assert refused(school, sql) == reason


def test_a_large_table_is_cut_to_rows_that_the_question_is_about(school: ReadOnlyDatabase) -> None:
    sql = f"SELECT COUNT(*) {JOIN} WHERE T1.`full name` LIKE 'Gus%'"
    found, again, other = (mapped(school, sql, max_rows=12, seed=seed) for seed in ("0", "0", "1"))
    assert found == again
    if len(school.run("SELECT 1 FROM pupil")) > 12:  # type: ignore[arg-type]
        assert len(found.table.rows) == 12
        assert found.rows == ((6,),)
        assert found.table != other.table
    else:
        assert found.rows == ((1,),)


def test_the_same_rows_in_another_order_or_writing_are_the_same() -> None:
    assert same_rows([(1, "a"), (2.5, None)], [("2.50", None), ("1.0", "a")])
    assert not same_rows([(1,), (1,)], [(1,)])
    assert not same_rows([(None,)], [("None",)])
