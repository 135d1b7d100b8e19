"""SHOW, DESCRIBE and information_schema over the embedded database, in MySQL's row shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from agenttuning.environments.worlds.sql.translation import no_table

if TYPE_CHECKING:
    import sqlite3
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


_SCHEMA: Final = {
    "information_schema_schemata": ("CATALOG_NAME", "SCHEMA_NAME"),
    "information_schema_tables": ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE"),
    "information_schema_columns": (
        *("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "COLUMN_DEFAULT"),
        *("IS_NULLABLE", "DATA_TYPE", "CHARACTER_MAXIMUM_LENGTH", "COLUMN_TYPE", "COLUMN_KEY", "EXTRA"),
    ),
}


def rename_information_schema(statement: exp.Expr) -> Mapping[str, tuple[str, ...]]:
    """Point the statement's tables of information_schema at stand-ins; return those, none if it names none."""
    named = [table for table in statement.find_all(exp.Table) if table.db.lower() == "information_schema"]
    for table in named:
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("this", exp.to_identifier(f"information_schema_{table.name.lower()}", quoted=True))
        table.set("db", None)
    return _SCHEMA if named else {}


def create_information_schema(
    connection: sqlite3.Connection, *, database: str, tables: Mapping[str, tuple[str, ...]]
) -> None:
    """Fill the stand-ins from the tables as they are."""
    filled: dict[str, list[tuple[str | int | None, ...]]] = {
        "information_schema_schemata": [("def", database), ("def", "information_schema")],
        "information_schema_tables": [("def", database, name, "BASE TABLE", "InnoDB") for name in tables],
        "information_schema_columns": [
            ("def", database, name, column, place, None, "YES", "text", 65535, "text", "", "")
            for name, columns in tables.items()
            for place, column in enumerate(columns, 1)
        ],
    }
    for name, columns in _SCHEMA.items():
        typed = ", ".join(f"{column} {'INT' if column in _WHOLE else 'TEXT COLLATE my_ai_ci'}" for column in columns)
        connection.execute(f"CREATE TEMP TABLE {name} ({typed})")
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", filled[name])


def drop_information_schema(connection: sqlite3.Connection) -> None:
    """Remove the stand-ins, whatever a statement did to them."""
    for name in _SCHEMA:
        connection.execute(f"DROP TABLE IF EXISTS temp.{name}")


_WHOLE: Final = ("ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH")
