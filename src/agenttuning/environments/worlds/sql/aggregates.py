"""MySQL's aggregates over text: sums by leading number, and GROUP_CONCAT."""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sql.values import Value, as_number, as_text, compare, fold

if TYPE_CHECKING:
    import sqlite3

JOINT: Final = "\x1f"
"""Stands between the parts of a GROUP_CONCAT until the wanted separator replaces it."""
_LONGEST_JOIN: Final = 1024
"""MySQL's default `group_concat_max_len`."""
_MOST_PARTS: Final = 10_000


def install_aggregates(connection: sqlite3.Connection) -> None:
    """Register the aggregates; all but the ordered one serve as window functions too."""
    connection.create_window_function("my_sum", 1, _Total)
    connection.create_window_function("my_avg", 1, _Mean)
    connection.create_window_function("my_group_concat", 1, _Joined)
    connection.create_aggregate("my_group_concat_by", 4, _OrderedJoin)  # type: ignore[arg-type]  # stubs know integers only


class _Total:
    """SUM over text: doubles by leading number; over integers it stays whole."""

    def __init__(self) -> None:
        self.numbers: list[int | float] = []

    def step(self, value: Value) -> None:
        number = as_number(value)
        if number is not None:
            self.numbers.append(number)

    def inverse(self, value: Value) -> None:
        number = as_number(value)
        if number is not None:
            self.numbers.remove(number)

    def value(self) -> int | float | None:
        return sum(self.numbers) if self.numbers else None

    finalize = value


class _Mean(_Total):
    """AVG over text."""

    def value(self) -> float | None:
        return sum(self.numbers) / len(self.numbers) if self.numbers else None

    finalize = value


class _Joined:
    """GROUP_CONCAT with a separator that is put in afterwards; cut where MySQL cuts, so its memory is bounded."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0

    def step(self, value: Value) -> None:
        text = as_text(value)
        if text is not None and self.length < _LONGEST_JOIN:
            self.parts.append(text)
            self.length += len(text) + 1

    def inverse(self, value: Value) -> None:
        text = as_text(value)
        if text in self.parts:
            self.parts.remove(text)
            self.length -= len(text) + 1

    def value(self) -> str | None:
        return JOINT.join(self.parts)[:_LONGEST_JOIN] if self.parts else None

    finalize = value


class _OrderedJoin:
    """GROUP_CONCAT with ORDER BY: text, key, and whether the order descends and the texts are distinct."""

    def __init__(self) -> None:
        self.parts: list[tuple[Value, str]] = []
        self.descending = self.distinct = False

    def step(self, *cells: Value) -> None:
        value, key, descending, distinct = cells
        self.descending, self.distinct = bool(descending), bool(distinct)
        text = as_text(value)
        if text is not None and len(self.parts) < _MOST_PARTS:
            self.parts.append((key, text[:_LONGEST_JOIN]))

    def finalize(self) -> str | None:
        texts = [text for _, text in sorted(self.parts, key=cmp_to_key(_by_key), reverse=self.descending)]
        kept = list({fold(text): text for text in reversed(texts)}.values())[::-1] if self.distinct else texts
        return JOINT.join(kept)[:_LONGEST_JOIN] if kept else None


def _by_key(one: tuple[Value, str], other: tuple[Value, str]) -> int:
    order = compare(one[0], other[0])
    return (one[0] is not None) - (other[0] is not None) if order is None else order
