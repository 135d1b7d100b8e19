"""A question about a table with its gold, checked by execution."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sql.table import Table, table_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One generated problem; `answer` is None for a change, `answer_hash` for a question."""

    kind: str
    """`INSERT`, `UPDATE`, `DELETE` or the family of the question, in dbbench's words."""
    text: str
    hint: str
    """Names the table and its columns."""
    thought: str
    sql: str
    table: Table
    answer: tuple[str, ...] | None = None
    answer_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A question before its gold is checked: SQL beside what it must give by the rows themselves."""

    kind: str
    text: str
    thought: str
    sql: str
    answer: tuple[str | float, ...] | None = None
    """The values that the question asks for, in any order."""
    rows: tuple[Cells, ...] | None = None
    """The whole table after a change, in any order."""

    def does_something(self, before: Sequence[Cells]) -> bool:
        """Say whether an agent that does nothing would fail."""
        return self.rows is None or sorted(self.rows) != sorted(before)


def checked(draft: Draft, *, table: Table, numbers: frozenset[str], hint: str) -> Question:
    """Run the gold on a plain SQLite table with typed columns and freeze the question.

    `numbers` names the columns that hold numbers. That execution and rows agree is asserted: the two are written
    apart, so a wrong gold would have to be wrong twice.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        result = _execute(connection, draft.sql, table=table, numbers=numbers)
        if draft.rows is None:
            found = sorted(_printed(value) for row in result for value in row)
            assert draft.answer, draft
            assert found == sorted(_printed(value) for value in draft.answer), (draft, found)
            answer, gold_hash = tuple(_printed(value) for row in result for value in row), None
        else:
            after = [tuple(map(_printed, row)) for row in connection.execute(f"SELECT * FROM `{table.name}`")]
            assert sorted(after) == sorted(draft.rows), draft
            answer, gold_hash = None, table_hash(after)
    finally:
        connection.close()
    return Question(
        kind=draft.kind,
        text=draft.text,
        hint=hint,
        thought=draft.thought,
        sql=draft.sql,
        table=table,
        answer=answer,
        answer_hash=gold_hash,
    )


def _execute(
    connection: sqlite3.Connection, sql: str, *, table: Table, numbers: frozenset[str]
) -> Sequence[tuple[str | int | float, ...]]:
    columns = ", ".join(f"`{name}` {'NUMERIC' if name in numbers else 'TEXT COLLATE NOCASE'}" for name in table.columns)
    connection.execute(f"CREATE TABLE `{table.name}` ({columns})")
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(f"INSERT INTO `{table.name}` VALUES ({marks})", table.rows)
    return connection.execute(sql).fetchall()


def _printed(value: str | float) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(round(value, 6))
    return str(value)
