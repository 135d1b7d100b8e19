"""Rows for a task out of a table that may be large: few enough, and some that the question is about."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING, Final

from agenttuning.pipeline.construction.rejects import Reason, Refusal

if TYPE_CHECKING:
    from agenttuning.datasets.sqlite_source import ReadOnlyDatabase, Value

    Row = tuple[Value, ...]

_SCAN_ROWS: Final = 200_000
_SCAN_SECONDS: Final = 10.0


class _Pool:
    """A uniform draw of so many out of rows that come one by one."""

    def __init__(self, draw: random.Random, size: int) -> None:
        self._draw, self._size, self._seen = draw, size, 0
        self.rows: list[tuple[int, Row]] = []

    def add(self, number: int, row: Row) -> None:
        self._seen += 1
        if len(self.rows) < self._size:
            self.rows.append((number, row))
        elif (place := self._draw.randrange(self._seen)) < self._size:
            self.rows[place] = (number, row)


def sample_rows(
    database: ReadOnlyDatabase, selected: str, base: str, condition: str | None, *, max_rows: int, seed: str
) -> list[Row] | Refusal:
    """Return at most `max_rows` rows in the order of the database; of a cut table up to half meet the condition.

    Args:
        database: where the rows are.
        selected: the columns, as SQL.
        base: the FROM clause.
        condition: the WHERE clause's own text, None for none.
        max_rows: how many rows.
        seed: the same seed draws the same rows.
    """
    draw = random.Random(seed)
    met, others = _Pool(draw, max_rows), _Pool(draw, max_rows)
    hit = f"COALESCE(({condition}), 0)" if condition else "0"
    statement = f"SELECT {selected}, {hit} {base}"
    try:
        for number, row in enumerate(database.scan(statement, seconds=_SCAN_SECONDS, rows=_SCAN_ROWS)):
            (met if row[-1] else others).add(number, row[:-1])
    except (sqlite3.Error, OverflowError, ValueError) as error:
        late = "interrupted" in str(error)
        return Refusal(Reason.TABLE_TOO_LARGE if late else Reason.UNREADABLE_SQL, str(error))
    wanted = min(len(met.rows), max(max_rows // 2, max_rows - len(others.rows)))
    chosen = [*met.rows[:wanted], *others.rows[: max_rows - wanted]]
    return [row for _, row in sorted(chosen, key=lambda numbered: numbered[0])]
