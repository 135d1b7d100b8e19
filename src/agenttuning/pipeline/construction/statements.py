"""A corpus' statement, read in SQLite's dialect and written in the world's; and when two results are the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from agenttuning.pipeline.construction.rejects import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_SQL: Final = 10_000
_OUTSIDE_FROM: Final = ("distinct", "where", "group", "having", "order", "limit", "offset", "windows")
_COMPARISONS: Final = (exp.Ordered, exp.Min, exp.Max, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
_FAMILIES: Final = (
    (exp.Count, "counting"),
    (exp.Sum, "aggregation-SUM"),
    (exp.Avg, "aggregation-AVG"),
    (exp.Min, "aggregation-MIN"),
    (exp.Max, "aggregation-MAX"),
)


def parse_query(sql: str) -> exp.Query | Refusal:
    """Read a SELECT, or several joined by set operations."""
    if len(sql) > _MAX_SQL:
        return Refusal(Reason.UNREADABLE_SQL, f"{len(sql)} characters")
    try:
        tree = sqlglot.parse_one(sql, read="sqlite")
    except (SqlglotError, RecursionError) as error:
        return Refusal(Reason.UNREADABLE_SQL, str(error).partition("\n")[0])
    return tree if isinstance(tree, exp.Query) else Refusal(Reason.NOT_A_QUESTION, type(tree).__name__)


def read_strings(tree: exp.Query, columns: set[str]) -> None:
    """Read `"Paris"` as text where no column is called so, as SQLite does."""
    aliases = {alias.alias.casefold() for alias in tree.find_all(exp.Alias)}
    for column in list(tree.find_all(exp.Column)):
        free = not column.table and isinstance(column.this, exp.Identifier) and column.this.quoted
        if free and column.name.casefold() not in columns | aliases:
            column.replace(exp.Literal.string(column.name))


def names_all_columns(tree: exp.Query) -> bool:
    """Is there a star that is not COUNT's."""
    return any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star))


def from_clause(tree: exp.Select) -> str:
    """Return the FROM clause with its joins, in SQLite's dialect."""
    bare = tree.copy()
    for key in _OUTSIDE_FROM:
        bare.set(key, None)
    bare.set("expressions", [exp.Literal.number(1)])
    return bare.sql(dialect="sqlite").removeprefix("SELECT 1 ")


def for_the_world(tree: exp.Query, *, numeric: set[str]) -> str | Refusal:
    """Translate into MySQL's dialect; what compares numbers does so though the world's cells are text."""
    new = tree.copy()
    for node in list(new.find_all(*_COMPARISONS)):
        for key in ("this", "expression", "low", "high"):
            child = node.args.get(key)
            if isinstance(child, exp.Column) and child.name.casefold() in numeric:
                child.replace(exp.Add(this=child.copy(), expression=exp.Literal.number(0)))
    try:
        return new.sql(dialect="mysql", identify=True, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, RecursionError) as error:
        return Refusal(Reason.ENGINES_DISAGREE, str(error))


def family(tree: exp.Query) -> str:
    """Return the family of the question, in dbbench's words."""
    selected = tree.selects[0] if tree.selects else tree
    for kind, name in _FAMILIES:
        if selected.find(kind) is not None:
            return name
    return "ranking" if tree.args.get("order") and tree.args.get("limit") else "other"


def same_rows(one: Iterable[Sequence[object]], other: Iterable[Sequence[object]]) -> bool:
    """Compare two results as multisets of rows; numbers, written in whatever way, to six digits."""
    return Counter(map(_canonical, one)) == Counter(map(_canonical, other))


def _canonical(row: Sequence[object]) -> tuple[str | None, ...]:
    return tuple(None if cell is None else _number(str(cell)) for cell in row)


def _number(text: str) -> str:
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text
