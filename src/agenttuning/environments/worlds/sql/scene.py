"""One drawn table, with the draws that a question about it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sql.domains import DOMAINS, Column, Names, Numbers, Words
from agenttuning.environments.worlds.sql.names import draw_name
from agenttuning.environments.worlds.sql.table import Table

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that some rows meet: in SQL, in English, and as the rows' places."""

    sql: str
    words: str
    rows: tuple[int, ...]


class Scene:
    """A table of a drawn domain; `test` decides which names may stand in it."""

    def __init__(self, draw: random.Random, *, test: bool, hard: bool) -> None:
        self.draw, self.test = draw, test
        self.domain = draw.choice(DOMAINS)
        self.key = self.domain.key
        self.title = draw.choice(self.domain.titles)
        kept = set(draw.sample(self.domain.columns, draw.randint(4 if hard else 2, len(self.domain.columns))))
        kept.add(draw.choice([column for column in self.domain.columns if isinstance(column, Numbers)]))
        kept.add(draw.choice([column for column in self.domain.columns if not isinstance(column, Numbers)]))
        self.columns: tuple[Column, ...] = (self.key, *(column for column in self.domain.columns if column in kept))
        self.rows = self._rows(draw.randint(24, 60) if hard else min(draw.randint(8, 60), draw.randint(8, 60)))

    def _rows(self, count: int) -> list[tuple[str, ...]]:
        few: dict[Column, list[str]] = {
            column: [draw_name(column.kind, self.draw, test=self.test) for _ in range(max(3, count // 3))]
            for column in self.columns[1:]
            if isinstance(column, Names)
        }
        rows: list[tuple[str, ...]] = []
        taken: set[str] = set()
        for _ in range(count):
            rows.append((self.new_key(taken), *(self.value(column, few.get(column)) for column in self.columns[1:])))
            taken.add(rows[-1][0])
        return rows

    def new_key(self, taken: set[str] | None = None) -> str:
        """Draw a key that is not in the table."""
        known = set(self.cells(self.key)) if taken is None else taken
        return draw_name(self.key.kind, self.draw, test=self.test, taken=known)

    def value(self, column: Column, known: list[str] | None = None) -> str:
        """Draw a cell."""
        if known:
            return self.draw.choice(known)
        if isinstance(column, Words):
            return self.draw.choice(column.words)
        if isinstance(column, Names):
            return draw_name(column.kind, self.draw, test=self.test)
        whole = self.draw.randint(column.low, column.high)
        return f"{whole}.{self.draw.randint(1, 9)}" if column.decimals else str(whole)

    def place(self, column: Column) -> int:
        """Return the column's place in a row."""
        return self.columns.index(column)

    def cells(self, column: Column) -> list[str]:
        """Return the cells of a column."""
        return [row[self.place(column)] for row in self.rows]

    def numbers(self, column: Column) -> list[float]:
        """Return the cells of a column of numbers."""
        return [float(cell) for cell in self.cells(column)]

    def number_column(self) -> Numbers:
        """Draw a column of numbers."""
        return self.draw.choice([column for column in self.columns if isinstance(column, Numbers)])

    def text_column(self) -> Column:
        """Draw a column of text other than the key."""
        return self.draw.choice([column for column in self.columns[1:] if not isinstance(column, Numbers)])

    def other_column(self) -> Column:
        """Draw a column other than the key."""
        return self.draw.choice(self.columns[1:])

    def filter_text(self, column: Column | None = None) -> Filter:
        """Draw an equality with a cell of a text column."""
        chosen = column or self.text_column()
        value = self.draw.choice(self.cells(chosen))
        rows = tuple(place for place, cell in enumerate(self.cells(chosen)) if cell == value)
        return Filter(f"{identifier(chosen.name)} = {literal(value)}", f"{chosen.name} is {value}", rows)

    def filter_number(self) -> Filter:
        """Draw a comparison with a number that lies between the cells of a column."""
        column = self.number_column()
        values = self.numbers(column)
        limit = int(self.draw.choice(values))
        word, sign = self.draw.choice((("is greater than", ">"), ("is less than", "<"), ("is at least", ">=")))
        kept = {">": lambda value: value > limit, "<": lambda value: value < limit, ">=": lambda value: value >= limit}
        rows = tuple(place for place, value in enumerate(values) if kept[sign](value))
        return Filter(f"{identifier(column.name)} {sign} {limit}", f"{column.name} {word} {limit}", rows)

    def table(self) -> Table:
        """Freeze the table."""
        return Table(name=self.title, columns=tuple(column.name for column in self.columns), rows=tuple(self.rows))


def identifier(name: str) -> str:
    """Quote a table or column name."""
    return f"`{name}`"


def literal(value: str) -> str:
    """Quote a value."""
    return "'" + value.replace("'", "''") + "'"


def both(first: Filter, second: Filter) -> Filter:
    """Join two conditions by AND."""
    rows = tuple(place for place in first.rows if place in second.rows)
    return Filter(f"{first.sql} AND {second.sql}", f"{first.words} and {second.words}", rows)
