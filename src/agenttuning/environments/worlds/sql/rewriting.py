"""MySQL statements rewritten for SQLite: every operator whose meaning differs becomes a call.

All columns are TEXT, so what MySQL decides by type is decided here at run time: a comparison with a number is by
numeric prefix, arithmetic is on doubles. No function of SQLite's own stays in reach but a short list: all others are
`my_<name>` from `functions.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import ErrorLevel

from agenttuning.environments.worlds.sql.aggregates import JOINT
from agenttuning.environments.worlds.sql.dialect import WINDOWS
from agenttuning.environments.worlds.sql.functions import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[exp.Expr], exp.Expr]

_MAX_ARGUMENTS: Final = 100
_AGGREGATE_CALLS: Final = frozenset({"my_sum", "my_avg", "my_group_concat", "my_group_concat_by"})
_PRINTING: Final = frozenset({"CONCAT", "CONCAT_WS"})
"""Functions that print a decimal as it is written."""
_TEXT_CASTS: Final = frozenset({"CHAR", "VARCHAR", "TEXT", "NCHAR", "NVARCHAR"})
_WHOLE_CASTS: Final = frozenset({"BIGINT", "INT", "UBIGINT", "UINT", "SMALLINT", "TINYINT"})


class _BackquotedSQLite(SQLite):
    """SQLite takes "name" for a string when no column has that name; a name in backquotes it never does."""

    class Tokenizer(SQLite.Tokenizer):
        IDENTIFIERS = ["`"]


_WRITE: Final = _BackquotedSQLite()


def to_sqlite(statement: exp.Expr) -> str:
    """Return SQLite text with the meaning that MySQL gives the statement on text columns."""
    rewritten = statement.copy()
    for node in reversed(list(rewritten.walk())):
        for kinds, rule in _RULES:
            if isinstance(node, kinds):
                new = rule(node)
                if node is rewritten:
                    rewritten = new
                elif new is not node:
                    node.replace(new)
                break
    return _WRITE.generate(rewritten, copy=False, unsupported_level=ErrorLevel.IGNORE)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=f"my_{name}", expressions=list(arguments))


def _stored(value: exp.Expr) -> exp.Expr:
    """Turn a value into the text that MySQL would keep of it: a decimal as written, a double without zeros."""
    if isinstance(value, exp.Null) or (isinstance(value, exp.Literal) and value.is_string):
        return value
    sign, number = ("-", value.this) if isinstance(value, exp.Neg) else ("", value)
    if isinstance(number, exp.Literal) and not number.is_string and number.this.replace(".", "", 1).isdigit():
        whole, point, fraction = number.this.partition(".")
        return exp.Literal.string(f"{sign}{int(whole or 0)}{point}{fraction}")
    return _call("cast_char", value)


def _number(value: exp.Expr) -> exp.Expr:
    if isinstance(value, exp.Literal) and not value.is_string:
        return value
    return _call("number", value)


def _compared(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
        node.set("expression", _stored(node.expression))
        return node
    if any(isinstance(side, exp.Tuple | exp.Any | exp.All) for side in (node.this, node.expression)):
        return node
    return type(node)(this=_call("compare", node.this, node.expression), expression=exp.Literal.number(0))


def _between(node: exp.Expr) -> exp.Expr:
    zero = exp.Literal.number(0)
    low = exp.GTE(this=_call("compare", node.this, node.args["low"]), expression=zero)
    high = exp.LTE(this=_call("compare", node.this.copy(), node.args["high"]), expression=zero.copy())
    return exp.Paren(this=exp.And(this=low, expression=high))


def _in(node: exp.Expr) -> exp.Expr:
    if not node.expressions or isinstance(node.this, exp.Tuple) or len(node.expressions) > _MAX_ARGUMENTS:
        return node
    return exp.EQ(this=_call("in", node.this, *node.expressions), expression=exp.Literal.number(1))


def _arithmetic(node: exp.Expr) -> exp.Expr:
    left, right = _number(node.this), _number(node.expression)
    if isinstance(node, exp.IntDiv):
        return _call("int_div", left, right)
    if isinstance(node, exp.Mod):
        return _call("mod", left, right)
    if isinstance(node, exp.Div):
        return exp.Paren(this=exp.Div(this=_call("cast_double", left), expression=right))
    return type(node)(this=left, expression=right)


def _negated(node: exp.Expr) -> exp.Expr:
    return exp.Neg(this=_number(node.this))


def _aggregate(node: exp.Expr) -> exp.Expr:
    return _call("avg" if isinstance(node, exp.Avg) else "sum", node.this)


def _joined(node: exp.Expr) -> exp.Expr:
    separator = node.args.get("separator") or exp.Literal.string(",")
    parts, call = node.this, "group_concat"
    arguments = [parts]
    if isinstance(parts, exp.Order):
        key, call, parts = parts.expressions[0], "group_concat_by", parts.this
        distinct = isinstance(parts, exp.Distinct)
        flags = [exp.Literal.number(int(flag)) for flag in (bool(key.args.get("desc")), distinct)]
        arguments = [parts.expressions[0] if distinct else parts, key.this, *flags]
    return _call("replace", _call(call, *arguments), exp.Literal.string(JOINT), separator)


def _cast(node: exp.Expr) -> exp.Expr:
    kind = node.args["to"].this.name
    if kind in _TEXT_CASTS:
        return _stored(node.this)
    if kind in _WHOLE_CASTS:
        return _call("cast_signed", node.this)
    if kind == "DECIMAL":
        sizes = [size.this for size in node.args["to"].expressions]
        return _call("cast_decimal", node.this, *sizes[1:2])
    return _call("date" if kind == "DATE" else "cast_double" if kind in ("FLOAT", "DOUBLE") else "cast_char", node.this)


def _pattern(node: exp.Expr) -> exp.Expr:
    call = _call("like" if isinstance(node, exp.Like) else "regexp", node.this, node.expression)
    return exp.Not(this=call) if node.args.get("negate") else call


def _escape(node: exp.Expr) -> exp.Expr:
    matched: exp.Expr = node.this
    call = matched.this if isinstance(matched, exp.Not) else matched
    call.append("expressions", node.expression)
    return matched


def _substring(node: exp.Expr) -> exp.Expr:
    parts = [node.this, node.args.get("start"), node.args.get("length")]
    return _call("substring", *[part for part in parts if part is not None])


def _trim(node: exp.Expr) -> exp.Expr:
    side = exp.Literal.string(node.args.get("position") or "BOTH")
    return _call("trim", node.this, node.args.get("expression") or exp.Literal.string(" "), side)


def _extract(node: exp.Expr) -> exp.Expr:
    return _call(node.this.name.lower(), node.expression)


def _located(node: exp.Expr) -> exp.Expr:
    return _call("locate", node.args["substr"], node.this)


def _anonymous(node: exp.Expr) -> exp.Expr:
    name = str(node.this)
    if name.startswith("my_") or name.upper() in WINDOWS:
        return node
    arguments = [_stored(value) for value in node.expressions] if name.upper() in _PRINTING else node.expressions
    return _call(name.lower(), *arguments)


def _null_safe(node: exp.Expr) -> exp.Expr:
    same = exp.EQ(this=_call("compare", node.this, node.expression), expression=exp.Literal.number(0))
    both = exp.Is(this=_call("coalesce", node.this.copy(), node.expression.copy()), expression=exp.Null())
    return exp.Paren(this=exp.Or(this=both, expression=_call("ifnull", same, exp.Literal.number(0))))


def _if(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Case):
        return node
    return _call("if", node.this, node.args["true"], node.args.get("false") or exp.Null())


def _case(node: exp.Expr) -> exp.Expr:
    """Turn `CASE x WHEN y` into `CASE WHEN x = y`, with MySQL's comparison."""
    operand = node.this
    if operand is not None:
        node.set("this", None)
        for branch in node.args["ifs"]:
            same = exp.EQ(this=_call("compare", operand.copy(), branch.this), expression=exp.Literal.number(0))
            branch.set("this", same)
    return node


def _count(node: exp.Expr) -> exp.Expr:
    """SQLite counts distinct values of one expression only; a pair with a NULL does not count in either."""
    distinct = node.this
    if isinstance(distinct, exp.Distinct) and len(distinct.expressions) > 1:
        joint = exp.Literal.string(JOINT)
        parts = [part for value in distinct.expressions for part in (value, joint.copy())]
        distinct.set("expressions", [_call("concat", *parts)])
    return node


def _limited(node: exp.Expr) -> exp.Expr:
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


def _insert(node: exp.Expr) -> exp.Expr:
    """No table of these worlds has a key, so IGNORE and ON DUPLICATE KEY never matter."""
    node.set("ignore", None)
    node.set("conflict", None)
    if isinstance(node.expression, exp.Values):
        for row in node.expression.expressions:
            row.set("expressions", [_stored(value) for value in row.expressions])
    if isinstance(node.expression, exp.Select) and not node.expression.is_star:
        node.expression.set("expressions", [_stored(value.unalias()) for value in node.expression.expressions])
    return node


def _having(node: exp.Expr) -> exp.Expr:
    """Turn HAVING without groups or aggregates, which SQLite refuses, into WHERE; there aliases count as well."""
    having = node.args.get("having")
    aggregates = (exp.AggFunc, exp.Window)
    called = {str(call.this) for call in node.find_all(exp.Anonymous)}
    if having is None or node.args.get("group") or node.find(*aggregates) or called & _AGGREGATE_CALLS:
        return node
    where = node.args.get("where")
    node.set("having", None)
    node.set("where", exp.Where(this=exp.and_(where.this, having.this) if where else having.this))
    return node


def _session(node: exp.Expr) -> exp.Expr:
    """Every statement has a session of its own: a user variable is NULL."""
    if isinstance(node, exp.SessionParameter) and node.name.lower() == "version":
        return exp.Literal.string(VERSION)
    return exp.Null()


_RULES: Final[tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], Rule], ...]] = (
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
    (exp.Collate, lambda node: exp.Paren(this=node.this)),
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
    (exp.Select, _having),
    (exp.TruncateTable, lambda node: exp.Delete(this=node.expressions[0])),
)
