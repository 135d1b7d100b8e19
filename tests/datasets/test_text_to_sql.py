"""Corpora in their published layouts, read alike; what is damaged is named."""

import json
from pathlib import Path

import pytest
from tests.pipeline.construction.corpora import bird, spider, wikisql

from agenttuning.datasets.sqlite_source import Fault, open_database
from agenttuning.datasets.text_to_sql import BadRow, CorpusQuestion, read_corpus
from agenttuning.errors import DataError

COUNT = ("How many pupils are there?", "SELECT COUNT(*) FROM pupil")


def read(questions: Path, databases: Path | None = None) -> list[CorpusQuestion]:
    rows = list(read_corpus(questions, databases=databases))
    assert all(isinstance(row, CorpusQuestion) for row in rows), rows
    return [row for row in rows if isinstance(row, CorpusQuestion)]


def answers(questions: Path, databases: Path | None = None) -> list[object]:
    found: list[object] = []
    for row in read(questions, databases):
        with open_database(row.database) as database:
            assert not isinstance(database, Fault)
            found.append(database.run(row.sql))
    return found


def test_bird_and_spider_lead_from_question_to_database(tmp_path: Path) -> None:
    first, second = bird(tmp_path / "bird", [COUNT]), spider(tmp_path / "spider", [COUNT])
    assert answers(first) == answers(second) == [[(10,)]]
    assert [row.name for row in (*read(first), *read(second))] == ["bird-dev-0", "spider-train_spider-0"]
    assert read(bird(tmp_path / "more", [("Best score?", "SELECT 1")]))[0].evidence == "score is in points"


def test_databases_elsewhere_are_named(tmp_path: Path) -> None:
    questions = bird(tmp_path / "here", [COUNT])
    (tmp_path / "here" / "dev_databases").rename(tmp_path / "there")
    with pytest.raises(DataError, match=r"no databases beside .*set `databases`"):
        read_corpus(questions)
    assert answers(questions, tmp_path / "there") == [[(10,)]]
    with pytest.raises(DataError, match="no folder of databases"):
        read_corpus(questions, databases=tmp_path / "nowhere")


@pytest.mark.parametrize("as_file", [False, True])
def test_wikisql_sketches_become_statements(tmp_path: Path, as_file: bool) -> None:
    sketches: list[tuple[str, int, int, list[list[object]]]] = [
        ("Who plays for Lyon?", 0, 0, [[1, 0, "Lyon"]]),
        ("Most goals at Porto?", 2, 1, [[1, 0, "Porto"]]),
        ("How many have more than 5 goals?", 0, 3, [[2, 1, 5]]),
        ("Mean goals?", 2, 5, []),
    ]
    found = answers(wikisql(tmp_path, sketches, as_file=as_file))
    who = "ben ode" if as_file else "Ben Ode"
    assert found == [[(who,)], [(12.0,)], [(2,)], [(pytest.approx(22 / 3),)]]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"question": "x", "SQL": "", "db_id": "school"}, "SQL"),
        ({"question": "x", "SQL": "SELECT 1", "db_id": "lost"}, "no database 'lost'"),
        ({"question": "x", "SQL": "SELECT 1", "db_id": "../school"}, "db_id"),
        ({"question": "\ud800", "SQL": "SELECT 1", "db_id": "school"}, "question"),
        ({"question": 3, "SQL": "SELECT 1", "db_id": "school"}, "question"),
        ("no row", "row"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_read(tmp_path: Path, row: dict[str, object], why: str) -> None:
    questions = bird(tmp_path, [COUNT, {}, COUNT])
    rows = json.loads(questions.read_text())
    rows[1] = row
    questions.write_text(json.dumps(rows))
    first, bad, last = read_corpus(questions)
    assert isinstance(first, CorpusQuestion)
    assert isinstance(last, CorpusQuestion)
    assert isinstance(bad, BadRow)
    assert bad.name == "bird-dev-1"
    assert why in bad.why


def test_a_sketch_that_names_no_column_is_a_bad_row(tmp_path: Path) -> None:
    rows = list(
        read_corpus(wikisql(tmp_path, [("x", 9, 0, []), ("x", 0, 0, [[0, 3, "odd"]]), ("x", 0, 0, [[-1, 0, 1]])]))
    )
    assert [type(row) for row in rows] == [BadRow] * 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot read the questions .*correct `questions`"),
        ("{", "is neither JSON nor JSONL"),
        ("[" * 100_000, "is neither JSON nor JSONL"),
        ("", "is of no known layout: its first row has None; known: bird: question, SQL, db_id"),
        ('[{"text": 1}]', "its first row has 'text'"),
        ("\udcff", "cannot read the questions"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "dev.json"
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=sentence):
        read_corpus(path)


def test_wikisql_without_tables_is_named(tmp_path: Path) -> None:
    questions = wikisql(tmp_path, [("x", 0, 0, [])])
    (tmp_path / "dev.tables.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(DataError, match=r"dev.tables.jsonl:1 is no table of WikiSQL"):
        read_corpus(questions)
    (tmp_path / "dev.tables.jsonl").unlink()
    with pytest.raises(DataError, match=r"neither dev.tables.jsonl nor dev.db"):
        read_corpus(questions)
