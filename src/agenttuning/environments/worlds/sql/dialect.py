"""MySQL statements rewritten for SQLite: parsed by sqlglot, then every operator whose meaning differs made a call.

All columns are TEXT, so what MySQL decides by type is decided here at run time: a comparison with a number is by
numeric prefix, arithmetic is on doubles. No function of SQLite's own stays in reach but a short list: all others are
`my_<name>` from `functions.py`, or unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError

from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.functions import JOINT, SCALARS, VERSION

MAX_SQL = 20_000
"""Characters of one statement; the longest of 1,500 published gold statements has under 1,000."""
MAX_DEPTH = 40
"""Nested parentheses of one statement; sqlglot's time grows steeply with them."""
if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[exp.Expression], exp.Expression]

_WINDOWS = frozenset(
    [
        "ROW_NUMBER",
        "RANK",
        "DENSE_RANK",
        "PERCENT_RANK",
        "CUME_DIST",
        "NTILE",
        "LAG",
        "LEAD",
        "FIRST_VALUE",
        "LAST_VALUE",
        "NTH_VALUE",
    ]
)
_KNOWN_NODES = ("COUNT", "SUM", "AVG", "MIN", "MAX", "COALESCE", "EXISTS")
_MAX_ARGUMENTS = 100
_TEXT_CASTS = frozenset({"CHAR", "VARCHAR", "TEXT", "NCHAR", "NVARCHAR"})
_WHOLE_CASTS = frozenset({"BIGINT", "INT", "UBIGINT", "UINT", "SMALLINT", "TINYINT"})


class _AgentMySQL(MySQL):
    """MySQL, with functions kept as they were written."""

    class Parser(MySQL.Parser):
        FUNCTIONS = {name: MySQL.Parser.FUNCTIONS[name] for name in _KNOWN_NODES}
        FUNCTION_PARSERS = {
            name: MySQL.Parser.FUNCTION_PARSERS[name]
            for name in ("CAST", "CONVERT", "EXTRACT", "GROUP_CONCAT", "POSITION", "SUBSTRING", "SUBSTR", "TRIM")
        }

        def _warn_unsupported(self) -> None:
            self.raise_error("not supported")


class _BackquotedSQLite(SQLite):
    """SQLite takes "name" for a string when no column has that name; a name in backquotes it never does."""

    class Tokenizer(SQLite.Tokenizer):
        IDENTIFIERS = ["`"]


_READ, _WRITE = _AgentMySQL(), _BackquotedSQLite()


def parse(sql: str) -> exp.Expression | SqlError:
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
    found: list[dict[str, object]] = getattr(error, "errors", [])
    if not found:
        return sql
    return f"{found[0].get('highlight') or ''}{found[0].get('end_context') or ''}"


def unknown_function(statement: exp.Expression) -> str | None:
    """Return the first function that neither MySQL's common ones nor the shims have."""
    for call in statement.find_all(exp.Anonymous):
        name = str(call.this).upper()
        if name not in SCALARS and name not in _WINDOWS:
            return str(call.this)
    return None


def to_sqlite(statement: exp.Expression) -> str:
    """Return SQLite text with the meaning that MySQL gives the statement on text columns."""
    rewritten = statement.copy()
    for node in reversed(list(rewritten.walk())):
        for kinds, rule in _RULES:
            if isinstance(node, kinds):
                new = rule(node)
                if new is not node:
                    node.replace(new)
                break
    return _WRITE.generate(rewritten, copy=False)


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=f"my_{name}", expressions=list(arguments))


def _stored(value: exp.Expression) -> exp.Expression:
    """Wrap a computed value so that a TEXT column keeps the text that MySQL would print."""
    return value if isinstance(value, exp.Literal | exp.Null) else _call("cast_char", value)


def _number(value: exp.Expression) -> exp.Expression:
    if isinstance(value, exp.Literal) and not value.is_string:
        return value
    return _call("number", value)


def _compared(node: exp.Expression) -> exp.Expression:
    if isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
        node.set("expression", _stored(node.expression))
        return node
    if any(isinstance(side, exp.Tuple | exp.Any | exp.All) for side in (node.this, node.expression)):
        return node
    return type(node)(this=_call("compare", node.this, node.expression), expression=exp.Literal.number(0))


def _between(node: exp.Expression) -> exp.Expression:
    zero = exp.Literal.number(0)
    low = exp.GTE(this=_call("compare", node.this, node.args["low"]), expression=zero)
    high = exp.LTE(this=_call("compare", node.this.copy(), node.args["high"]), expression=zero.copy())
    return exp.Paren(this=exp.And(this=low, expression=high))


def _in(node: exp.Expression) -> exp.Expression:
    if not node.expressions or isinstance(node.this, exp.Tuple) or len(node.expressions) > _MAX_ARGUMENTS:
        return node
    return exp.EQ(this=_call("in", node.this, *node.expressions), expression=exp.Literal.number(1))


def _arithmetic(node: exp.Expression) -> exp.Expression:
    left, right = _number(node.this), _number(node.expression)
    if isinstance(node, exp.IntDiv):
        return _call("int_div", left, right)
    if isinstance(node, exp.Mod):
        return _call("mod", left, right)
    if isinstance(node, exp.Div):
        return exp.Paren(this=exp.Div(this=_call("cast_double", left), expression=right))
    return type(node)(this=left, expression=right)


def _negated(node: exp.Expression) -> exp.Expression:
    return exp.Neg(this=_number(node.this))


def _aggregate(node: exp.Expression) -> exp.Expression:
    return _call("avg" if isinstance(node, exp.Avg) else "sum", node.this)


def _joined(node: exp.Expression) -> exp.Expression:
    separator = node.args.get("separator") or exp.Literal.string(",")
    parts = node.this.this if isinstance(node.this, exp.Order) else node.this
    return _call("replace", _call("group_concat", parts), exp.Literal.string(JOINT), separator)


def _cast(node: exp.Expression) -> exp.Expression:
    kind = node.to.this.name
    if kind in _TEXT_CASTS:
        return _call("cast_char", node.this)
    if kind in _WHOLE_CASTS:
        return _call("cast_signed", node.this)
    if kind == "DECIMAL":
        sizes = [size.this for size in node.to.expressions]
        return _call("cast_decimal", node.this, *sizes[1:2])
    return _call("date" if kind == "DATE" else "cast_double" if kind in ("FLOAT", "DOUBLE") else "cast_char", node.this)


def _pattern(node: exp.Expression) -> exp.Expression:
    name = "like" if isinstance(node, exp.Like) else "regexp"
    return _call(name, node.this, node.expression)


def _escape(node: exp.Expression) -> exp.Expression:
    node.this.append("expressions", node.expression)
    return node.this


def _substring(node: exp.Expression) -> exp.Expression:
    parts = [node.this, node.args.get("start"), node.args.get("length")]
    return _call("substring", *[part for part in parts if part is not None])


def _trim(node: exp.Expression) -> exp.Expression:
    side = exp.Literal.string(node.args.get("position") or "BOTH")
    return _call("trim", node.this, node.args.get("expression") or exp.Literal.string(" "), side)


def _extract(node: exp.Expression) -> exp.Expression:
    return _call(node.this.name.lower(), node.expression)


def _located(node: exp.Expression) -> exp.Expression:
    return _call("locate", node.args["substr"], node.this)


def _anonymous(node: exp.Expression) -> exp.Expression:
    name = str(node.this)
    if name.startswith("my_") or name.upper() in _WINDOWS:
        return node
    return _call(name.lower(), *node.expressions)


def _null_safe(node: exp.Expression) -> exp.Expression:
    same = exp.EQ(this=_call("compare", node.this, node.expression), expression=exp.Literal.number(0))
    both = exp.Is(this=_call("coalesce", node.this.copy(), node.expression.copy()), expression=exp.Null())
    return exp.Paren(this=exp.Or(this=both, expression=_call("ifnull", same, exp.Literal.number(0))))


def _if(node: exp.Expression) -> exp.Expression:
    if isinstance(node.parent, exp.Case):
        return node
    return _call("if", node.this, node.args["true"], node.args.get("false") or exp.Null())


def _case(node: exp.Expression) -> exp.Expression:
    """Turn `CASE x WHEN y` into `CASE WHEN x = y`, with MySQL's comparison."""
    operand = node.this
    if operand is not None:
        node.set("this", None)
        for branch in node.args["ifs"]:
            same = exp.EQ(this=_call("compare", operand.copy(), branch.this), expression=exp.Literal.number(0))
            branch.set("this", same)
    return node


def _count(node: exp.Expression) -> exp.Expression:
    """SQLite counts distinct values of one expression only; a pair with a NULL does not count in either."""
    distinct = node.this
    if isinstance(distinct, exp.Distinct) and len(distinct.expressions) > 1:
        joint = exp.Literal.string(JOINT)
        parts = [part for value in distinct.expressions for part in (value, joint.copy())]
        distinct.set("expressions", [_call("concat", *parts)])
    return node


def _limited(node: exp.Expression) -> exp.Expression:
    """Move LIMIT and ORDER BY of a change into a subquery over row ids; not every SQLite has them in place."""
    limit = node.args.get("limit")
    if limit is None:
        node.set("order", None)
        return node
    rows = exp.Select(expressions=[exp.column("rowid")], from_=exp.From(this=node.this.copy()))
    for part in ("where", "order", "limit"):
        if (value := node.args.get(part)) is not None:
            node.set(part, None)
            rows.set(part, value)
    node.set("where", exp.Where(this=exp.In(this=exp.column("rowid"), query=exp.Subquery(this=rows))))
    return node


def _insert(node: exp.Expression) -> exp.Expression:
    """No table of these worlds has a key, so IGNORE and ON DUPLICATE KEY never matter."""
    node.set("ignore", None)
    node.set("conflict", None)
    if isinstance(node.expression, exp.Values):
        for row in node.expression.expressions:
            row.set("expressions", [_stored(value) for value in row.expressions])
    return node


def _session(node: exp.Expression) -> exp.Expression:
    """Every statement has a session of its own: a user variable is NULL."""
    if isinstance(node, exp.SessionParameter) and node.name.lower() == "version":
        return exp.Literal.string(VERSION)
    return exp.Null()


_RULES: Final[tuple[tuple[type[exp.Expression] | tuple[type[exp.Expression], ...], Rule], ...]] = (
    ((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _compared),
    (exp.NullSafeEQ, _null_safe),
    (exp.Between, _between),
    (exp.In, _in),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod), _arithmetic),
    (exp.Neg, _negated),
    (exp.Xor, lambda node: _call("xor", node.this, node.expression)),
    ((exp.Sum, exp.Avg), _aggregate),
    (exp.Count, _count),
    (exp.GroupConcat, _joined),
    (exp.Cast, _cast),
    ((exp.Like, exp.RegexpLike), _pattern),
    (exp.Escape, _escape),
    (exp.Collate, lambda node: node.this),
    (exp.If, _if),
    (exp.Case, _case),
    (exp.Substring, _substring),
    (exp.Trim, _trim),
    (exp.Extract, _extract),
    (exp.StrPosition, _located),
    (exp.CurrentDate, lambda _node: _call("curdate")),
    ((exp.CurrentTimestamp, exp.CurrentDatetime), lambda _node: _call("now")),
    (exp.CurrentUser, lambda _node: _call("user")),
    (exp.Coalesce, lambda node: _call("coalesce", node.this, *node.expressions)),
    (exp.Anonymous, _anonymous),
    ((exp.Parameter, exp.SessionParameter), _session),
    ((exp.Update, exp.Delete), _limited),
    (exp.Insert, _insert),
)
