"""Foreign databases are read and nothing else, whatever the statement says."""

from pathlib import Path

import pytest
from tests.pipeline.construction.corpora import make_school

from agenttuning.core.store import content_digest
from agenttuning.datasets.sqlite_source import Column, DatabaseFile, Fault, InlineTable, ReadOnlyDatabase, open_database


@pytest.fixture
def school(tmp_path: Path) -> Path:
    path = tmp_path / "a #?% name.sqlite"
    make_school(path)
    return path


def test_tables_have_their_columns_with_types(school: Path) -> None:
    with open_database(DatabaseFile(school)) as database:
        assert isinstance(database, ReadOnlyDatabase)
        assert database.tables["town"] == (Column("id", "INTEGER"), Column("name", "TEXT"), Column("region", "TEXT"))
        assert [column.numeric for column in database.tables["pupil"]] == [True, False, True, True, True]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM town",
        "CREATE TABLE x (y)",
        "ATTACH 'other.sqlite' AS other",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "SELECT 1; DROP TABLE town",
        "VACUUM INTO 'copy.sqlite'",
        "SELECT zeroblob(900000000)",
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT COUNT(*) FROM r",
        "SELECT nothing FROM nowhere",
        "SELECT '\0'",
        "",
    ],
)
def test_what_is_no_quick_select_changes_nothing(school: Path, sql: str, tmp_path: Path) -> None:
    before = content_digest(school)
    with open_database(DatabaseFile(school)) as database:
        assert isinstance(database, ReadOnlyDatabase)
        result = database.run(sql, seconds=0.2)
        assert isinstance(result, Fault) or result == []
        assert database.run("SELECT COUNT(*) FROM town") == [(3,)]
    assert content_digest(school) == before
    assert [path.name for path in tmp_path.iterdir()] == [school.name]


def test_rows_are_capped(school: Path) -> None:
    with open_database(DatabaseFile(school)) as database:
        assert isinstance(database, ReadOnlyDatabase)
        assert database.run("SELECT id FROM pupil", rows=3) == [(1,), (2,), (3,)]


def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"<html>" * 1000)
    for source in (DatabaseFile(path), DatabaseFile(tmp_path / "none.sqlite")):
        with open_database(source) as database:
            assert isinstance(database, Fault)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [((Column("a"), Column("A")), ()), ((Column("a"),), (("x", "y"),))],
)
def test_a_table_that_cannot_be_made_is_a_fault(columns: tuple[Column, ...], rows: tuple[tuple[str, ...], ...]) -> None:
    with open_database(InlineTable("t", columns, rows)) as database:
        assert isinstance(database, Fault)


def test_text_folds_case_where_the_corpus_does() -> None:
    for fold, count in ((True, 1), (False, 0)):
        table = InlineTable("t", (Column("a", "TEXT"),), (("Rome",),), fold_case=fold)
        with open_database(table) as database:
            assert isinstance(database, ReadOnlyDatabase)
            assert database.run("SELECT COUNT(*) FROM t WHERE a = 'ROME'") == [(count,)]
