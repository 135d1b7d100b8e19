"""How MySQL reads text as a number, compares, and prints a number as text."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

Value = str | int | float | bytes | None
"""What SQLite hands to a function."""

_DIGITS = re.compile(r"\s*([+-]?)0*(\d{1,20})", re.ASCII)
"""The whole number that a text begins with; twenty digits are more than 64 bits hold."""
_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)

_LARGEST = 1.7976931348623157e308
"""The largest double, which MySQL puts in place of infinity."""


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return the text as `*_ai_ci` collations compare it: without case and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


def collate(left: str, right: str) -> int:
    """Compare two texts as SQLite wants a collation: negative, zero, positive."""
    first, second = fold(left), fold(right)
    return (first > second) - (first < second)


def as_text(value: Value) -> str | None:
    """Return a value as MySQL prints it into text; a double without a fraction has none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def as_number(value: Value) -> int | float | None:
    """Return a value as a number: text by its leading number, 0.0 without one."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        number = value
    else:
        found = _NUMBER.match(as_text(value) or "")
        number = float(found[1]) if found else 0.0
    return number if math.isfinite(number) else math.copysign(_LARGEST, number)


def compare(left: Value, right: Value) -> int | None:
    """Compare two values: as texts if both are, else as numbers; None if one is NULL."""
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str):
        return collate(left, right)
    first, second = as_number(left), as_number(right)
    if first is None or second is None:
        return None
    return (first > second) - (first < second)


def as_integer(value: Value) -> int | None:
    """Return a value cast to SIGNED: text by its leading digits, a double rounded half away from zero."""
    if isinstance(value, str | bytes):
        found = _DIGITS.match(as_text(value) or "")
        whole: float = int(found[1] + found[2]) if found else 0
    else:
        number = as_number(value)
        if number is None:
            return None
        whole = round_half_away(number, 0)
    return max(-(2**63), min(2**63 - 1, int(whole)))


def round_half_away(number: float, places: int) -> float:
    """Round as MySQL does: halves away from zero."""
    places = max(-30, min(30, places))
    if not math.isfinite(number) or abs(number) > 1e15:
        return number
    scale = 10.0**places
    return math.copysign(math.floor(abs(number) * scale + 0.5 + 1e-9), number) / scale
