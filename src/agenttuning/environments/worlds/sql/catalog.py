"""SHOW, DESCRIBE and information_schema over the embedded database, in MySQL's row shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from agenttuning.environments.worlds.sql.translation import no_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.environments.worlds.sql.backend import Rows, SqlError


def answer(statement: exp.Expr, *, database: str, tables: Mapping[str, tuple[str, ...]]) -> Rows | SqlError | None:
    """Answer a statement about the schema; None for any other statement."""
    if isinstance(statement, exp.Describe):
        return _described(statement.this, database=database, tables=tables)
    if isinstance(statement, exp.Show):
        return _shown(statement, database=database, tables=tables)
    return None


def _described(subject: exp.Expr, *, database: str, tables: Mapping[str, tuple[str, ...]]) -> Rows | SqlError:
    if not isinstance(subject, exp.Table):
        return [(1, "SIMPLE", None, None, "ALL", None, None, None, None, None, 100.0, None)]
    if subject.name not in tables:
        return no_table(subject.name, database=database)
    return [(column, "text", "YES", "", None, "") for column in tables[subject.name]]


def _shown(show: exp.Expr, *, database: str, tables: Mapping[str, tuple[str, ...]]) -> Rows | SqlError:
    kind, target = str(show.this).upper(), show.args.get("target")
    if kind == "TABLES":
        return [(name,) for name in sorted(tables)]
    if kind in ("DATABASES", "SCHEMAS"):
        return [(name,) for name in sorted((database, "information_schema"))]
    if isinstance(target, exp.Expr) and kind in ("COLUMNS", "FIELDS", "CREATE TABLE", "INDEX"):
        name = target.name
        if name not in tables:
            return no_table(name, database=database)
        if kind == "CREATE TABLE":
            return [(name, _definition(name, tables[name]))]
        return [] if kind == "INDEX" else [(column, "text", "YES", "", None, "") for column in tables[name]]
    return []


def _definition(name: str, columns: tuple[str, ...]) -> str:
    lines = ",\n".join(f"  `{column}` text" for column in columns)
    return f"CREATE TABLE `{name}` (\n{lines}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"
