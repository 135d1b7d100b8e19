"""MySQL read as an agent writes it: one statement, functions kept by name, errors in MySQL's words."""

from __future__ import annotations

from typing import Final

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.mysql import MySQLParser
from sqlglot.tokenizer_core import TokenType

from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.functions import SCALARS, accepts

MAX_SQL = 20_000
"""Characters of one statement; the longest published gold statement has a few hundred."""
MAX_DEPTH = 40
"""Nested parentheses of one statement; sqlglot's time grows steeply with them."""
WINDOWS: Final = frozenset(
    ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG", "LEAD", "FIRST_VALUE")
)
"""Window functions that mean the same in both."""
_KNOWN_NODES = ("COUNT", "SUM", "AVG", "MIN", "MAX", "COALESCE", "EXISTS")


class _AgentMySQL(MySQL):
    """MySQL, with functions kept as they were written."""

    class Parser(MySQLParser):
        FUNCTIONS = {name: MySQLParser.FUNCTIONS[name] for name in _KNOWN_NODES}
        FUNCTION_PARSERS = {
            name: MySQLParser.FUNCTION_PARSERS[name]
            for name in ("CAST", "CONVERT", "EXTRACT", "GROUP_CONCAT", "POSITION", "SUBSTRING", "SUBSTR", "TRIM")
        }

        def _warn_unsupported(self) -> None:
            self.raise_error("not supported")

        def _parse_table_part(self, schema: bool = False) -> exp.Expr | None:  # noqa: FBT001, FBT002  sqlglot's signature
            if self._curr and self._curr.token_type == TokenType.STRING:
                self.raise_error("a string is no table")
            return super()._parse_table_part(schema=schema)


_READ: Final = _AgentMySQL()


def parse(sql: str) -> exp.Expr | SqlError:
    """Parse one MySQL statement; what is no single statement gives MySQL's error 1064 (or 1065, 1153)."""
    if len(sql) > MAX_SQL:
        return SqlError(1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes")
    if _depth(sql) > MAX_DEPTH:
        return SqlError(1436, "HY000", "Thread stack overrun")
    try:
        statements = [statement for statement in _READ.parse(sql) if statement is not None]
    except SqlglotError as error:
        return syntax_error(_near(sql, error))
    except RecursionError:
        return SqlError(1436, "HY000", "Thread stack overrun")
    if not statements:
        return SqlError(1065, "42000", "Query was empty")
    if len(statements) > 1:
        return syntax_error(statements[1].sql(dialect=MySQL))
    if isinstance(statements[0], exp.Semicolon):
        return SqlError(1065, "42000", "Query was empty")
    for hint in list(statements[0].find_all(exp.Hint)):
        hint.pop()
    return statements[0]


def syntax_error(near: str) -> SqlError:
    """Return MySQL's error 1064 for the text where the parser stopped."""
    return SqlError(
        1064,
        "42000",
        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for "
        f"the right syntax to use near '{near[:80]}' at line 1",
    )


def _depth(sql: str) -> int:
    depth = deepest = 0
    for character in sql:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _near(sql: str, error: SqlglotError) -> str:
    found = error.errors if isinstance(error, ParseError) else []
    if not found:
        return sql
    return f"{found[0].get('highlight') or ''}{found[0].get('end_context') or ''}"


def check_functions(statement: exp.Expr, *, database: str) -> SqlError | None:
    """Refuse a function that neither MySQL's common ones nor the shims have, and a wrong number of arguments."""
    for call in statement.find_all(exp.Anonymous):
        name = str(call.this).upper()
        if name in WINDOWS:
            continue
        if name not in SCALARS:
            return SqlError(1305, "42000", f"FUNCTION {database}.{call.this} does not exist")
        if not accepts(name, len(call.expressions)):
            message = f"Incorrect parameter count in the call to native function '{call.this}'"
            return SqlError(1582, "42000", message)
    return None
