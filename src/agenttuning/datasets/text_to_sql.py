"""Readers of text-to-SQL corpora: BIRD, Spider and WikiSQL as published, all as question, SQLite statement, database.

    BIRD      dev.json           question, SQL, evidence, db_id     dev_databases/<db_id>/<db_id>.sqlite
    Spider    train_spider.json  question, query, db_id             database/<db_id>/<db_id>.sqlite
    WikiSQL   dev.jsonl          question, sql {sel, agg, conds}    dev.tables.jsonl, or dev.db

Licences: BIRD and Spider CC BY-SA 4.0, WikiSQL BSD-3-Clause; nothing of them is packaged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, Field, JsonValue, ValidationError

from agenttuning.datasets.sqlite_source import Column, DatabaseFile, DatabaseSource, InlineTable, quoted
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    _Find = Callable[[str, int], tuple[DatabaseSource, str, str] | None]

Layout = Literal["bird", "spider", "wikisql"]

_FOLDERS: Final = ("databases", "database", "dev_databases", "train_databases", "test_database")
_AGGREGATES: Final = ("", "MAX", "MIN", "COUNT", "SUM", "AVG")
_OPERATORS: Final = ("=", ">", "<")
_LAYOUT_KEYS: Final[dict[Layout, tuple[str, ...]]] = {
    "bird": ("question", "SQL", "db_id"),
    "spider": ("question", "query", "db_id"),
    "wikisql": ("question", "sql", "table_id"),
}


@dataclass(frozen=True, slots=True)
class CorpusQuestion:
    """One question with the statement that answers it."""

    name: str
    """Corpus, file and place from 0, such as `bird-dev-17`."""
    text: str
    evidence: str
    """What a reader must know beside the question; empty in most corpora."""
    sql: str
    """In SQLite's dialect."""
    database: DatabaseSource


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    name: str
    why: str


class _Bird(BaseModel):
    question: str = Field(min_length=1)
    statement: str = Field(min_length=1, alias="SQL")
    db_id: str = Field(pattern=r"^\w[\w .-]*$")
    evidence: str = ""


class _Spider(BaseModel):
    question: str = Field(min_length=1)
    statement: str = Field(min_length=1, alias="query")
    db_id: str = Field(pattern=r"^\w[\w .-]*$")
    evidence: str = ""


class _Sketch(BaseModel):
    sel: int = Field(ge=0)
    agg: int = Field(ge=0, lt=len(_AGGREGATES))
    conds: list[tuple[int, int, str | int | float]]


class _WikiSql(BaseModel):
    question: str = Field(min_length=1)
    table_id: str = Field(min_length=1)
    sql: _Sketch


class _WikiTable(BaseModel):
    id: str
    header: list[str] = Field(min_length=1)
    types: list[str]
    rows: list[list[str | int | float | None]]


def read_corpus(questions: Path, *, databases: Path | None = None) -> Iterator[CorpusQuestion | BadRow]:
    """Yield the questions of a corpus in order; the layout is told by the keys of the first row.

    Args:
        questions: the file of questions, JSON or JSONL.
        databases: the folder of databases, or WikiSQL's tables file; None looks beside the questions.

    Raises:
        DataError: a file or folder is missing, or the questions are of no known layout.
    """
    rows = _rows(questions)
    layout = _layout(questions, rows)
    label = f"{layout}-{questions.stem}"
    if layout == "wikisql":
        return _wikisql(label, rows, _wiki_tables(questions, databases))
    folder = databases or _beside(questions)
    if not folder.is_dir():
        raise DataError(f"no folder of databases at {str(folder)!r}; set `databases` to the one that holds <db_id>/")
    kind = _Bird if layout == "bird" else _Spider
    return _with_files(label, rows, kind, folder)


def _rows(path: Path) -> list[JsonValue]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the questions {str(path)!r}: {error}; correct `questions`") from error
    try:
        if text.lstrip().startswith("["):
            parsed: JsonValue = json.loads(text)
            return parsed if isinstance(parsed, list) else []
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is neither JSON nor JSONL: {error}; fetch the file again") from error


def _layout(path: Path, rows: list[JsonValue]) -> Layout:
    first = rows[0] if rows else None
    if isinstance(first, dict):
        for layout, keys in _LAYOUT_KEYS.items():
            if all(key in first for key in keys):
                return layout
    known = "; ".join(f"{layout}: {', '.join(keys)}" for layout, keys in _LAYOUT_KEYS.items())
    found = ", ".join(map(repr, first)) if isinstance(first, dict) else repr(first)[:80]
    raise DataError(f"{path} is of no known layout: its first row has {found}; known: {known}")


def _beside(questions: Path) -> Path:
    for name in _FOLDERS:
        if (questions.parent / name).is_dir():
            return questions.parent / name
    raise DataError(f"no databases beside {str(questions)!r} (looked for {', '.join(_FOLDERS)}); set `databases`")


def _with_files(
    label: str, rows: list[JsonValue], kind: type[_Bird | _Spider], folder: Path
) -> Iterator[CorpusQuestion | BadRow]:
    for number, raw in enumerate(rows):
        name = f"{label}-{number}"
        try:
            row = kind.model_validate(raw)
        except ValidationError as error:
            yield BadRow(name, _told(error))
            continue
        path = folder / row.db_id / f"{row.db_id}.sqlite"
        if not path.is_file():
            yield BadRow(name, f"no database {row.db_id!r}")
            continue
        yield CorpusQuestion(name, row.question, row.evidence, row.statement, DatabaseFile(path))


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}"


def _wiki_tables(questions: Path, databases: Path | None) -> _Find:
    """Return how to find a table by id: its database, its name, and the name of one of its columns."""
    tables = databases or questions.with_name(f"{questions.stem}.tables.jsonl")
    if tables.suffix == ".jsonl" and tables.is_file():
        return _from_lines(tables)
    file = tables if tables.suffix == ".db" else questions.with_suffix(".db")
    if not file.is_file():
        raise DataError(
            f"neither {tables.name} nor {file.name} beside {str(questions)!r}; set `databases` to one of them"
        )
    source = DatabaseFile(file)
    return lambda table, column: (source, f"table_{table.replace('-', '_')}", f"col{column}")


def _from_lines(path: Path) -> _Find:
    held: dict[str, InlineTable] = {}
    for number, raw in enumerate(_rows(path)):
        try:
            row = _WikiTable.model_validate(raw)
        except ValidationError as error:
            raise DataError(
                f"{path}:{number + 1} is no table of WikiSQL: {_told(error)}; fetch the file again"
            ) from error
        types = dict(enumerate(row.types))
        columns = tuple(
            Column(name, "REAL" if types.get(place) == "real" else "TEXT") for place, name in enumerate(row.header)
        )
        cells = tuple(tuple(line) for line in row.rows)
        held[row.id] = InlineTable(f"table_{row.id.replace('-', '_')}", columns, cells, fold_case=True)

    def find(table: str, column: int) -> tuple[DatabaseSource, str, str] | None:
        found = held.get(table)
        return (found, found.name, found.columns[column].name) if found and column < len(found.columns) else None

    return find


def _wikisql(label: str, rows: list[JsonValue], find: _Find) -> Iterator[CorpusQuestion | BadRow]:
    for number, raw in enumerate(rows):
        name = f"{label}-{number}"
        try:
            row = _WikiSql.model_validate(raw)
        except ValidationError as error:
            yield BadRow(name, _told(error))
            continue
        chosen = find(row.table_id, row.sql.sel)
        conditions = [_condition(row.table_id, condition, find) for condition in row.sql.conds]
        if chosen is None or None in conditions:
            yield BadRow(name, f"no such table, column or operator in {row.table_id!r}")
            continue
        database, table, column = chosen
        value = f"{_AGGREGATES[row.sql.agg]}({quoted(column)})" if row.sql.agg else quoted(column)
        where = f" WHERE {' AND '.join(map(str, conditions))}" if conditions else ""
        sql = f"SELECT {value} FROM {quoted(table)}{where}"  # noqa: S608  it is run read-only
        yield CorpusQuestion(name, row.question, "", sql, database)


def _condition(table: str, condition: tuple[int, int, str | int | float], find: _Find) -> str | None:
    place, operator, value = condition
    found = find(table, place) if place >= 0 else None
    if found is None or not 0 <= operator < len(_OPERATORS):
        return None
    if isinstance(value, str):
        text = value.lower() if isinstance(found[0], DatabaseFile) else value  # the published databases are lower-cased
        return f"{quoted(found[2])} {_OPERATORS[operator]} '{text.replace(chr(39), chr(39) * 2)}'"
    return f"{quoted(found[2])} {_OPERATORS[operator]} {value!r}"
