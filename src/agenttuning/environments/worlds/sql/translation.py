"""Names checked as MySQL checks them, and SQLite's errors told in MySQL's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.dialect import syntax_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TIMEOUT = SqlError(3024, "HY000", "Query execution was interrupted, maximum statement execution time exceeded")
_CLAUSES = (
    (exp.Where, "where clause"),
    (exp.Order, "order clause"),
    (exp.Group, "group statement"),
    (exp.Having, "having clause"),
    (exp.Join, "on clause"),
)


def no_table(name: str, *, database: str) -> SqlError:
    """Return MySQL's error 1146."""
    return SqlError(1146, "42S02", f"Table '{database}.{name}' doesn't exist")


def check_names(statement: exp.Expr, *, database: str, tables: Mapping[str, tuple[str, ...]]) -> SqlError | None:
    """Refuse another database and an unknown table; strip this database's name from the statement's tables.

    Table names are compared exactly, as on a Linux server.
    """
    for select in statement.find_all(exp.Select):
        refused = _check_sources(select)
        if refused is not None:
            return refused
    known = {name.alias.casefold() for name in statement.find_all(exp.CTE)}
    made = statement.this if isinstance(statement, exp.Create) else None
    for table in list(statement.find_all(exp.Table)):
        if table.db and table.db != database:
            return SqlError(1044, "42000", f"Access denied for user 'agent'@'localhost' to database '{table.db}'")
        table.set("db", None)
        if made is not None and (table is made or table.parent is made):
            continue
        if table.name and table.name not in tables and table.name.casefold() not in known:
            if isinstance(statement, exp.Drop):
                missing = f"Unknown table '{database}.{table.name}'"
                return None if statement.args.get("exists") else SqlError(1051, "42S02", missing)
            return no_table(table.name, database=database)
    return None


def _check_sources(select: exp.Select) -> SqlError | None:
    """Every derived table has an alias, and no two sources of a SELECT have one name."""
    start = select.args.get("from_")
    sources = [part.this for part in (start, *(select.args.get("joins") or ())) if part is not None]
    names: set[str] = set()
    for source in sources:
        if isinstance(source, exp.Subquery) and not source.alias:
            return SqlError(1248, "42000", "Every derived table must have its own alias")
        if source.alias_or_name in names:
            return SqlError(1066, "42000", f"Not unique table/alias: '{source.alias_or_name}'")
        names.add(source.alias_or_name)
    return None


def translate_error(error: Exception, statement: exp.Expr, *, expired: bool) -> SqlError:
    """Return what MySQL would have said about a statement that SQLite refused."""
    text = str(error)
    if expired or text in ("interrupted", "user-defined function raised exception"):
        return _TIMEOUT
    for pattern, make in _TRANSLATIONS:
        if found := pattern.search(text):
            return make(found[1] if found.groups() else "", statement)
    return SqlError(1105, "HY000", f"Unknown error: {text}")


def _unknown_column(name: str, statement: exp.Expr) -> SqlError:
    where = "field list"
    for column in statement.find_all(exp.Column):
        if column.sql(dialect="mysql").replace("`", "").casefold() == name.casefold():
            where = next((label for kind, label in _CLAUSES if column.find_ancestor(kind)), where)
            break
    return SqlError(1054, "42S22", f"Unknown column '{name}' in '{where}'")


def _syntax(name: str, statement: exp.Expr) -> SqlError:
    return syntax_error(name or statement.sql(dialect="mysql"))


def _said(number: int, state: str, text: str) -> Callable[[str, exp.Expr], SqlError]:
    return lambda name, _statement: SqlError(number, state, text.replace("{name}", name))


_TRANSLATIONS: Final = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"no such column: (.*)", _unknown_column),
        (r"has no column named (.*)", _unknown_column),
        (r"ambiguous column name: (.*)", _said(1052, "23000", "Column '{name}' in field list is ambiguous")),
        (
            r"values (?:for|were supplied)|all VALUES must",
            _said(1136, "21S01", "Column count doesn't match value count at row 1"),
        ),
        (r"near \"(.*)\": syntax error", _syntax),
        (r"datatype mismatch", _syntax),
        (r"misuse of (?:window|aggregate)", _said(1111, "HY000", "Invalid use of group function")),
        (r"table `?(.*?)`? already exists", _said(1050, "42S01", "Table '{name}' already exists")),
        (r"duplicate column name: (.*)", _said(1060, "42S21", "Duplicate column name '{name}'")),
        (r"sub-select returns|row value misused", _said(1241, "21000", "Operand should contain 1 column(s)")),
        (
            r"number of result columns",
            _said(1222, "21000", "The used SELECT statements have a different number of columns"),
        ),
        (
            r"wrong number of arguments to function my_(\w+)",
            _said(1582, "42000", "Incorrect parameter count in the call to native function '{name}'"),
        ),
        (
            r"too big|out of memory|is full",
            _said(1301, "HY000", "Result was larger than max_allowed_packet - truncated"),
        ),
        (
            r"not authorized|prohibited",
            _said(1227, "42000", "Access denied; you need (at least one of) the SUPER privilege(s) for this operation"),
        ),
    )
)
