"""A corpus question in the Database world, which has one table of text: which table, which rows, which statement.

A statement over one table keeps it. A plain join (one SELECT, no nested one) becomes the joined table, whose columns
keep their names where these are unique and are called `<table> <column>` otherwise; that the rewritten statement means
the same is checked on the corpus' own data. Everything else is refused. A large table is cut to a sample of its rows,
half of them such as the WHERE clause keeps, and the answer is that of the sample.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from agenttuning.datasets.sqlite_source import Column, Fault, InlineTable, open_database, quoted
from agenttuning.environments.worlds.sql.table import Table
from agenttuning.pipeline.construction.rejects import Reason, Refusal
from agenttuning.pipeline.construction.row_sample import sample_rows
from agenttuning.pipeline.construction.statements import (
    family,
    for_the_world,
    from_clause,
    names_all_columns,
    parse_query,
    read_strings,
    same_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.datasets.sqlite_source import ReadOnlyDatabase
    from agenttuning.pipeline.construction.row_sample import Row

_MAX_COLUMNS: Final = 30
"""Those that the statement names, then the first others."""
_MAX_CHARACTERS: Final = 100_000
_LONGEST_NAME: Final = 64
_SECONDS: Final = 1.0
"""For the statement on the rows of the task."""


@dataclass(frozen=True, slots=True)
class OneTable:
    """A question as the world can hold it."""

    table: Table
    sql: str
    """In MySQL's dialect."""
    rows: tuple[Row, ...]
    """What the statement gives in SQLite, on the same rows with the corpus' own types."""
    kind: str
    """The family of the question, in dbbench's words."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A column of the table to be, and where it comes from."""

    source: str
    """As the statement calls its table."""
    column: Column
    name: str
    """In the table to be."""


def as_one_table(sql: str, database: ReadOnlyDatabase, *, max_rows: int, seed: str) -> OneTable | Refusal:
    """Map a statement of the corpus; the same seed gives the same rows."""
    tree = parse_query(sql)
    if isinstance(tree, Refusal):
        return tree
    common = {table.alias_or_name for table in tree.find_all(exp.CTE)}
    named = [table for table in tree.find_all(exp.Table) if table.name not in common]
    known = {name.casefold(): name for name in database.tables}
    if unknown := [table.name for table in named if table.name.casefold() not in known]:
        return Refusal(Reason.UNREADABLE_SQL, f"no table {unknown[0]!r}")
    for table in named:
        table.this.replace(exp.to_identifier(known[table.name.casefold()], quoted=True))
    used = {table.name for table in named}
    if not used:
        return Refusal(Reason.NOT_A_QUESTION, "no table is named")
    if len(used) == 1:
        return _plain(tree, used.pop(), database, max_rows=max_rows, seed=seed)
    return _joined(tree, named, database, max_rows=max_rows, seed=seed)


def _plain(tree: exp.Query, name: str, database: ReadOnlyDatabase, *, max_rows: int, seed: str) -> OneTable | Refusal:
    columns = database.tables[name]
    names = {column.name.casefold() for column in columns}
    read_strings(tree, names)
    mentioned = names if names_all_columns(tree) else {column.name.casefold() for column in tree.find_all(exp.Column)}
    parts = _choose([_Part("", column, column.name) for column in columns], mentioned)
    selected = ", ".join(quoted(part.column.name) for part in parts)
    simple = isinstance(tree, exp.Select) and not tree.args.get("joins") and not tree.args.get("with_")
    where = tree.args.get("where") if simple and tree.find(exp.Subquery) is None else None
    base = from_clause(tree) if isinstance(tree, exp.Select) and where is not None else f"FROM {quoted(name)}"
    condition = where.this.sql(dialect="sqlite") if where is not None else None
    rows = sample_rows(database, selected, base, condition, max_rows=max_rows, seed=seed)
    return rows if isinstance(rows, Refusal) else _finish(tree, name, parts, rows, fold_case=database.fold_case)


def _joined(
    tree: exp.Query, named: Sequence[exp.Table], database: ReadOnlyDatabase, *, max_rows: int, seed: str
) -> OneTable | Refusal:
    if not isinstance(tree, exp.Select) or len(list(tree.find_all(exp.Query))) > 1 or names_all_columns(tree):
        return Refusal(Reason.SEVERAL_TABLES, "a nested statement, or all columns of a join")
    sources = {table.alias_or_name: table.name for table in named}
    if len(sources) < len(named):
        return Refusal(Reason.UNREADABLE_SQL, "one name for two tables")
    renamed = _name_columns(sources, database)
    read_strings(tree, {part.column.name.casefold() for part in renamed})
    title = "_".join(dict.fromkeys(sources.values()))[:_LONGEST_NAME]
    new = _over(tree, renamed, title)
    if isinstance(new, Refusal):
        return new
    parts = _choose(renamed, {column.name.casefold() for column in new.find_all(exp.Column)})
    selected = ", ".join(f"{quoted(part.source)}.{quoted(part.column.name)} AS {quoted(part.name)}" for part in parts)
    base, where = from_clause(tree), tree.args.get("where")
    whole = f"WITH {quoted(title)} AS (SELECT {selected} {base}) {new.sql(dialect='sqlite')}"
    wanted, found = database.run(tree.sql(dialect="sqlite")), database.run(whole)
    if isinstance(wanted, Fault):
        return Refusal(Reason.UNREADABLE_SQL, wanted.text)
    if isinstance(found, Fault) or not same_rows(wanted, found):
        return Refusal(Reason.SEVERAL_TABLES, "the join as one table gives another result")
    condition = where.this.sql(dialect="sqlite") if where is not None else None
    rows = sample_rows(database, selected, base, condition, max_rows=max_rows, seed=seed)
    return rows if isinstance(rows, Refusal) else _finish(new, title, parts, rows, fold_case=database.fold_case)


def _name_columns(sources: dict[str, str], database: ReadOnlyDatabase) -> list[_Part]:
    """Name the columns of the join: by themselves where that is clear, else after their table."""
    pairs = [(source, column) for source, table in sources.items() for column in database.tables[table]]
    times = Counter(column.name.casefold() for _, column in pairs)
    tables = Counter(sources.values())
    parts = []
    for source, column in pairs:
        owner = source if tables[sources[source]] > 1 else sources[source]
        name = column.name if times[column.name.casefold()] == 1 else f"{owner} {column.name}"
        parts.append(_Part(source, column, name))
    return parts


def _choose(parts: Sequence[_Part], mentioned: set[str]) -> list[_Part]:
    """Return the columns that the statement names and the first others, in the order of the tables."""
    named = {part.name for part in parts if part.name.casefold() in mentioned}
    others = [part.name for part in parts if part.name not in named]
    kept = named.union(others[: max(0, _MAX_COLUMNS - len(named))])
    return [part for part in parts if part.name in kept]


def _over(tree: exp.Select, parts: Sequence[_Part], title: str) -> exp.Select | Refusal:
    """Return the statement over the joined table."""
    new = tree.copy()
    new.set("joins", None)
    new.set("from_", exp.From(this=exp.to_table(quoted(title), dialect="sqlite")))
    aliases = {alias.alias.casefold() for alias in new.find_all(exp.Alias)}
    for column in list(new.find_all(exp.Column)):
        owner, name = column.table.casefold(), column.name.casefold()
        found = [
            part for part in parts if part.column.name.casefold() == name and owner in ("", part.source.casefold())
        ]
        if len(found) == 1:
            column.replace(exp.column(found[0].name, quoted=True))
        elif owner or name not in aliases:
            return Refusal(Reason.UNREADABLE_SQL, f"no clear column {column.sql()}")
    return new


def _finish(
    tree: exp.Query, title: str, parts: Sequence[_Part], rows: Sequence[Row], *, fold_case: bool
) -> OneTable | Refusal:
    if any(isinstance(cell, bytes) for row in rows for cell in row):
        return Refusal(Reason.ANSWER_UNFIT, "binary cells")
    cells = tuple(tuple(None if cell is None else str(cell) for cell in row) for row in rows)
    if sum(len(cell) for row in cells for cell in row if cell is not None) > _MAX_CHARACTERS:
        return Refusal(Reason.TABLE_TOO_LARGE, "too much text in the cells")
    columns = tuple(Column(part.name, part.column.type) for part in parts)
    with open_database(InlineTable(title, columns, tuple(rows), fold_case=fold_case)) as typed:
        result = typed if isinstance(typed, Fault) else typed.run(tree.sql(dialect="sqlite"), seconds=_SECONDS)
    if isinstance(result, Fault):
        return Refusal(Reason.UNREADABLE_SQL, result.text)
    sql = for_the_world(tree, numeric={column.name.casefold() for column in columns if column.numeric})
    if isinstance(sql, Refusal):
        return sql
    table = Table(name=title, columns=tuple(column.name for column in columns), rows=cells)
    return OneTable(table=table, sql=sql, rows=tuple(result), kind=family(tree))
