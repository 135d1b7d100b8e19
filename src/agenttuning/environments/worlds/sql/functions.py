"""MySQL's functions for SQLite, registered as `my_<name>`."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sql.aggregates import install_aggregates
from agenttuning.environments.worlds.sql.text_functions import TEXT_FUNCTIONS
from agenttuning.environments.worlds.sql.values import (
    Value,
    as_integer,
    as_number,
    as_text,
    collate,
    compare,
    round_half_away,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable


def install(connection: sqlite3.Connection, *, database: str) -> None:
    """Register collation, operators, functions and aggregates on a connection; `database` is what DATABASE() says."""
    connection.create_collation("my_ai_ci", collate)
    for name, function in {**SCALARS, **_OPERATORS}.items():
        connection.create_function(f"my_{name.lower()}", -1, function, deterministic=name not in _CHANGING)
    for name in ("my_database", "my_schema"):
        connection.create_function(name, 0, lambda: database)
    install_aggregates(connection)


@lru_cache(maxsize=1024)
def accepts(name: str, count: int) -> bool:
    """Say whether a function of `SCALARS` takes so many arguments."""
    parameters = signature(SCALARS[name]).parameters.values()
    single = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_POSITIONAL]
    needed = sum(parameter.default is parameter.empty for parameter in single)
    return needed <= count and (count <= len(single) or len(single) < len(parameters))


def _number(function: Callable[[float], float | int]) -> Callable[[Value], float | int | None]:
    def apply(value: Value) -> float | int | None:
        number = as_number(value)
        try:
            return None if number is None else function(number)
        except (ValueError, OverflowError):
            return None

    return apply


def _whole(function: Callable[[float], int]) -> Callable[[Value], float | int | None]:
    """Return a rounding that leaves text a double, as MySQL does."""

    def apply(value: Value) -> float | int | None:
        number = as_number(value)
        if number is None:
            return None
        return float(function(number)) if isinstance(value, str) else function(number)

    return apply


def _round(value: Value, places: Value = 0) -> float | int | None:
    number, digits = as_number(value), as_integer(places)
    if number is None or digits is None:
        return None
    if isinstance(number, int):
        return number if digits >= 0 else int(round_half_away(number, digits))
    return round_half_away(number, digits)


def _truncate(value: Value, places: Value) -> float | int | None:
    number, digits = as_number(value), as_integer(places)
    if number is None or digits is None:
        return None
    scale = 10.0 ** max(-30, min(30, digits))
    cut = math.trunc(number * scale) / scale if abs(number) < 1e15 else number
    return int(cut) if isinstance(number, int) else cut


def _power(base: Value, exponent: Value) -> float | None:
    first, second = as_number(base), as_number(exponent)
    try:
        return None if first is None or second is None else math.pow(first, second)
    except (ValueError, OverflowError):
        return None


def _mod(left: Value, right: Value) -> float | int | None:
    first, second = as_number(left), as_number(right)
    if first is None or not second:
        return None
    rest = math.fmod(first, second)
    return int(rest) if isinstance(first, int) and isinstance(second, int) else rest


def _int_div(left: Value, right: Value) -> int | None:
    first, second = as_number(left), as_number(right)
    return None if first is None or not second else math.trunc(first / second)


def _format(value: Value, places: Value = 0) -> str | None:
    number, digits = as_number(value), as_integer(places)
    if number is None or digits is None:
        return None
    return f"{round_half_away(number, digits):,.{max(0, min(30, digits))}f}"


def _if(condition: Value, yes: Value, no: Value) -> Value:
    return yes if as_number(condition) else no


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _nullif(left: Value, right: Value) -> Value:
    return None if compare(left, right) == 0 else left


def _extreme(*values: Value, sign: int) -> Value:
    if not values or None in values:
        return None
    best = values[0]
    for value in values[1:]:
        if sign * (compare(value, best) or 0) > 0:
            best = value
    return best


def _is_in(value: Value, *choices: Value) -> int | None:
    verdicts = [compare(value, choice) for choice in choices]
    return 1 if 0 in verdicts else None if None in verdicts else 0


def _cast_decimal(value: Value, places: Value = 0) -> float | int | None:
    number, digits = as_number(value), as_integer(places)
    if number is None or digits is None:
        return None
    rounded = round_half_away(number, digits)
    return rounded if digits else int(rounded)


def _double(value: Value) -> float | None:
    number = as_number(value)
    return None if number is None else float(number)


def _part(pattern: str) -> Callable[[Value], int | None]:
    def apply(value: Value) -> int | None:
        try:
            return int(datetime.fromisoformat(as_text(value) or "").strftime(pattern))
        except ValueError:
            return None

    return apply


def _date(value: Value) -> str | None:
    try:
        return datetime.fromisoformat(as_text(value) or "").date().isoformat()
    except ValueError:
        return None


def _xor(left: Value, right: Value) -> int | None:
    first, second = as_number(left), as_number(right)
    return None if first is None or second is None else int(bool(first) != bool(second))


def _sleep(seconds: Value) -> int:
    """Wait not at all; what would outlast the statement's time limit ends as if it had."""
    if (as_number(seconds) or 0) > 1:
        raise TimeoutError
    return 0


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


VERSION: Final = "8.0.36"
"""The MySQL that the embedded database passes for."""
_CHANGING: Final = ("RAND", "SLEEP")
_OPERATORS: Final[dict[str, Callable[..., Value]]] = {
    "COMPARE": compare,
    "CAST_CHAR": as_text,
    "CAST_DECIMAL": _cast_decimal,
    "CAST_DOUBLE": _double,
    "CAST_SIGNED": as_integer,
    "IN": _is_in,
    "INT_DIV": _int_div,
    "NUMBER": as_number,
    "XOR": _xor,
}
SCALARS: Final[dict[str, Callable[..., Value]]] = {
    **TEXT_FUNCTIONS,
    "ABS": _number(abs),
    "BENCHMARK": lambda _times, _value: 0,
    "CEIL": _whole(math.ceil),
    "CEILING": _whole(math.ceil),
    "COALESCE": _coalesce,
    "CONNECTION_ID": lambda: 1,
    "CURDATE": lambda: _now()[:10],
    "CURRENT_DATE": lambda: _now()[:10],
    "CURRENT_TIMESTAMP": _now,
    "CURRENT_USER": lambda: "agent@localhost",
    "DATABASE": lambda: None,
    "DATE": _date,
    "DAY": _part("%d"),
    "DAYOFMONTH": _part("%d"),
    "EXP": _number(math.exp),
    "FLOOR": _whole(math.floor),
    "FORMAT": _format,
    "GREATEST": lambda *values: _extreme(*values, sign=1),
    "HOUR": _part("%H"),
    "IF": _if,
    "IFNULL": _coalesce,
    "ISNULL": lambda value: int(value is None),
    "LEAST": lambda *values: _extreme(*values, sign=-1),
    "LN": _number(math.log),
    "LOAD_FILE": lambda _path: None,
    "LOG": _number(math.log),
    "LOG10": _number(math.log10),
    "LOG2": _number(math.log2),
    "MINUTE": _part("%M"),
    "MOD": _mod,
    "MONTH": _part("%m"),
    "NOW": _now,
    "NULLIF": _nullif,
    "POW": _power,
    "POWER": _power,
    "RAND": lambda *_seed: random.random(),
    "ROUND": _round,
    "SCHEMA": lambda: None,
    "SECOND": _part("%S"),
    "SIGN": _number(lambda number: (number > 0) - (number < 0)),
    "SLEEP": _sleep,
    "SQRT": _number(math.sqrt),
    "TRUNCATE": _truncate,
    "USER": lambda: "agent@localhost",
    "VERSION": lambda: VERSION,
    "YEAR": _part("%Y"),
}
