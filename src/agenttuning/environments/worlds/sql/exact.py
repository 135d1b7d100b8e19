"""Which results MySQL computes exactly and prints as `Decimal('3.50')`: by the shape of the expression, as MySQL does.

Text becomes a double in arithmetic, so a sum over a column prints as a float; a sum over whole numbers, a quotient of
whole numbers and a cast to DECIMAL do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agenttuning.environments.worlds.sql.backend import Cell, Rows

_WHOLE_CALLS = frozenset({"LENGTH", "CHAR_LENGTH", "LOCATE", "INSTR", "FIELD", "YEAR", "MONTH", "DAY", "STRCMP"})
_EXTRA_DIGITS = 4
"""MySQL's `div_precision_increment`: what a division and an average add to the scale."""


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact number: a whole one, or a decimal with so many digits behind the point."""

    scale: int = 0
    decimal: bool = False


def as_decimals(rows: Rows, statement: exp.Expr) -> Rows:
    """Turn the columns that MySQL computes as DECIMAL into `Decimal`."""
    if not isinstance(statement, exp.Select) or not rows or len(rows[0]) != len(statement.selects):
        return rows
    kinds = [_kind(value) for value in statement.selects]
    if not any(kind is not None and kind.decimal for kind in kinds):
        return rows
    return [tuple(_converted(cell, kind) for cell, kind in zip(row, kinds, strict=True)) for row in rows]


def _converted(cell: Cell, kind: Exact | None) -> Cell:
    if kind is None or not kind.decimal or not isinstance(cell, int | float):
        return cell
    try:
        return Decimal(repr(cell)).quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
    except InvalidOperation:
        return cell


def _kind(node: exp.Expr) -> Exact | None:
    """Return the exact kind of an expression; None for text, doubles and whatever is not known."""
    return next((rule(node) for kinds, rule in _RULES if isinstance(node, kinds)), None)


def _subquery(node: exp.Expr) -> Exact | None:
    selects = node.this.selects if isinstance(node.this, exp.Select) else []
    return _kind(selects[0]) if len(selects) == 1 else None


def _case(node: exp.Expr) -> Exact | None:
    return _widest([*(branch.args["true"] for branch in node.args["ifs"]), *_given(node.args.get("default"))])


def _literal(node: exp.Expr) -> Exact | None:
    if node.is_string or "e" in node.this.lower():
        return None
    fraction = node.this.partition(".")[2]
    return Exact(len(fraction), decimal="." in node.this)


def _aggregate(node: exp.Expr) -> Exact | None:
    argument = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    kind = _kind(argument)
    extra = _EXTRA_DIGITS if isinstance(node, exp.Avg) else 0
    return None if kind is None else Exact(kind.scale + extra, decimal=True)


def _arithmetic(node: exp.Expr) -> Exact | None:
    left, right = _kind(node.this), _kind(node.expression)
    if left is None or right is None:
        return None
    if isinstance(node, exp.Div):
        return Exact(left.scale + _EXTRA_DIGITS, decimal=True)
    scale = left.scale + right.scale if isinstance(node, exp.Mul) else max(left.scale, right.scale)
    return Exact(scale, decimal=left.decimal or right.decimal)


def _cast(node: exp.Expr) -> Exact | None:
    target = node.args["to"]
    if target.this.name == "DECIMAL":
        sizes = [int(size.name) for size in target.expressions if size.name.isdigit()]
        return Exact(sizes[1] if len(sizes) > 1 else 0, decimal=True)
    return Exact() if target.this.name in ("BIGINT", "UBIGINT", "INT", "UINT") else None


def _call(node: exp.Expr) -> Exact | None:
    name = str(node.this).upper()
    if name in _WHOLE_CALLS:
        return Exact()
    if name in ("ROUND", "TRUNCATE") and node.expressions:
        kind = _kind(node.expressions[0])
        digits = node.expressions[1] if len(node.expressions) > 1 else exp.Literal.number(0)
        if kind is None or not kind.decimal:
            return kind
        if isinstance(digits, exp.Neg):
            return Exact(0, decimal=True)
        return Exact(min(kind.scale, int(digits.name)), decimal=True) if digits.name.isdigit() else None
    if name in ("IFNULL", "GREATEST", "LEAST"):
        return _widest(node.expressions)
    if name == "ABS" and node.expressions:
        return _kind(node.expressions[0])
    return None


def _given(node: exp.Expr | None) -> list[exp.Expr]:
    return [] if node is None else [node]


def _widest(nodes: Iterable[exp.Expr]) -> Exact | None:
    kinds = [_kind(node) for node in nodes if not isinstance(node, exp.Null)]
    known = [kind for kind in kinds if kind is not None]
    if not known or len(known) < len(kinds):
        return None
    return Exact(max(kind.scale for kind in known), decimal=any(kind.decimal for kind in known))


_RULES: Final[tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr], Exact | None]], ...]] = (
    ((exp.Alias, exp.Paren, exp.Neg, exp.Max, exp.Min), lambda node: _kind(node.this)),
    ((exp.Subquery,), _subquery),
    ((exp.Literal,), _literal),
    ((exp.Case,), _case),
    ((exp.If,), lambda node: _widest([node.args["true"], *_given(node.args.get("false"))])),
    ((exp.Coalesce,), lambda node: _widest([node.this, *node.expressions])),
    ((exp.Sum, exp.Avg), _aggregate),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div), _arithmetic),
    ((exp.Cast,), _cast),
    ((exp.Anonymous,), _call),
    ((exp.Count, exp.Predicate, exp.Not, exp.And, exp.Or, exp.Boolean), lambda _node: Exact()),
)
