"""The smallest setting: common words, two-digit numbers, three or four columns, one line per question.

Made so that a model of a million parameters can learn it; train and test share words, but no table: which split a
table belongs to is decided by the set of its first column.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import digest
from agenttuning.environments.worlds.sql.question import Draft, Question, checked
from agenttuning.environments.worlds.sql.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable


def _listed(words: str) -> list[str]:
    return words.split()


_WORDS: Final = {
    "item": _listed(
        "apple bread cake coat cup door egg fish hat jam key lamp milk nut pan pear pen rice ring rope "
        "salt shoe soap sock spoon tea"
    ),
    "name": _listed(
        "amy ben carl dora eva finn gina hugo ida jack kate leo mary nina otto paul rosa sam tina vera will zoe"
    ),
    "animal": _listed(
        "bear bird cat cow deer dog duck fox frog goat hen horse lion mouse owl pig rabbit sheep snake tiger wolf"
    ),
    "city": ["berlin", "cairo", "lima", "london", "madrid", "oslo", "paris", "rome", "tokyo", "vienna"],
    "color": ["black", "blue", "brown", "green", "grey", "pink", "red", "white", "yellow"],
    "job": ["artist", "baker", "clerk", "cook", "doctor", "driver", "farmer", "nurse", "pilot", "teacher"],
}
_THEMES: Final = (
    ("shop", "item", ("color", "city"), ("price", "count")),
    ("store", "item", ("color",), ("size", "price")),
    ("team", "name", ("city", "job"), ("score", "age")),
    ("club", "name", ("job", "color"), ("age",)),
    ("farm", "animal", ("color",), ("age", "size")),
    ("zoo", "animal", ("city", "color"), ("count",)),
)
_HIGHEST: Final = 30
_TEST_SHARE: Final = 10
"""One in so many sets of first cells belongs to `test`."""


class _Scene:
    """One drawn table and the draws that a question needs."""

    def __init__(self, draw: random.Random, *, test: bool) -> None:
        self.draw = draw
        self.name, self.key, groups, numbers = draw.choice(_THEMES)
        width = draw.choice((2, 3)) if len(groups) + len(numbers) > 2 else 2
        self.group = draw.choice(groups)
        self.number = draw.choice(numbers)
        rest = [column for column in (*groups, *numbers) if column not in (self.group, self.number)]
        chosen = {self.key, self.group, self.number, *draw.sample(rest, width - 2)}
        self.columns = tuple(column for column in (self.key, *groups, *numbers) if column in chosen)
        self.numbers = frozenset(column for column in self.columns if column not in _WORDS)
        self.rows = self._rows(test=test)

    def _rows(self, *, test: bool) -> tuple[tuple[str, ...], ...]:
        keys: list[str] = []
        while not keys or (int(digest(" ".join(sorted(keys))), 16) % _TEST_SHARE == 0) != test:
            keys = self.draw.sample(_WORDS[self.key], self.draw.randint(4, 8))
        few = {column: self.draw.sample(_WORDS[column], 3) for column in self.columns[1:] if column in _WORDS}
        return tuple((key, *(self.value(column, few.get(column)) for column in self.columns[1:])) for key in keys)

    def value(self, column: str, words: list[str] | None = None) -> str:
        """Draw a cell."""
        known = words or _WORDS.get(column)
        return self.draw.choice(known) if known else str(self.draw.randint(1, _HIGHEST))

    def cells(self, column: str) -> list[str]:
        """Return a column."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def new_key(self) -> str:
        """Draw a first cell that the table does not hold."""
        return self.draw.choice([word for word in _WORDS[self.key] if word not in self.cells(self.key)])


def make(*, seed: int, test: bool, index: int) -> Question:
    """Return question `index` of a split; the same arguments give the same question."""
    draw = random.Random(f"tiny/{seed}/{test}/{index}")
    while True:
        scene = _Scene(draw, test=test)
        draft = draw.choice(_FAMILIES)(scene)
        if draft is not None and draft.does_something(scene.rows):
            break
    table = Table(name=scene.name, columns=scene.columns, rows=scene.rows)
    hint = f"The table {scene.name} has the columns {', '.join(scene.columns)}."
    return checked(draft, table=table, numbers=scene.numbers, hint=hint)


def _lookup(scene: _Scene) -> Draft:
    column = scene.draw.choice(scene.columns[1:])
    row = scene.draw.choice(scene.rows)
    text = scene.draw.choice(("What is the {column} of {key}?", "Tell me the {column} of {key}."))
    return Draft(
        kind="other",
        text=text.format(column=column, key=row[0]),
        thought=f"look up the {column} of {row[0]}.",
        sql=f"SELECT {column} FROM {scene.name} WHERE {scene.key} = '{row[0]}'",
        answer=(row[scene.columns.index(column)],),
    )


def _owner(scene: _Scene) -> Draft | None:
    place = scene.columns.index(scene.number)
    row = scene.draw.choice(scene.rows)
    if scene.cells(scene.number).count(row[place]) > 1:
        return None
    return Draft(
        kind="other",
        text=f"Which {scene.key} has {scene.number} {row[place]}?",
        thought=f"find the {scene.key} with {scene.number} {row[place]}.",
        sql=f"SELECT {scene.key} FROM {scene.name} WHERE {scene.number} = {row[place]}",
        answer=(row[0],),
    )


def _count(scene: _Scene) -> Draft:
    value = scene.draw.choice(scene.cells(scene.group))
    text = scene.draw.choice(("How many rows have {column} {value}?", "Count the rows with {column} {value}."))
    return Draft(
        kind="counting",
        text=text.format(column=scene.group, value=value),
        thought=f"count rows where {scene.group} is {value}.",
        sql=f"SELECT COUNT(*) FROM {scene.name} WHERE {scene.group} = '{value}'",
        answer=(scene.cells(scene.group).count(value),),
    )


def _compare(scene: _Scene) -> Draft:
    word, sign = scene.draw.choice((("above", ">"), ("below", "<")))
    limit = scene.draw.randint(5, _HIGHEST - 5)
    values = [int(cell) for cell in scene.cells(scene.number)]
    return Draft(
        kind="comparison",
        text=f"How many rows have {scene.number} {word} {limit}?",
        thought=f"count rows where {scene.number} is {word} {limit}.",
        sql=f"SELECT COUNT(*) FROM {scene.name} WHERE {scene.number} {sign} {limit}",
        answer=(sum(value > limit if sign == ">" else value < limit for value in values),),
    )


def _rank(scene: _Scene) -> Draft | None:
    word, order = scene.draw.choice((("highest", "DESC"), ("lowest", "ASC")))
    values = [int(cell) for cell in scene.cells(scene.number)]
    best = max(values) if order == "DESC" else min(values)
    if values.count(best) > 1:
        return None
    return Draft(
        kind="ranking",
        text=f"Which {scene.key} has the {word} {scene.number}?",
        thought=f"find the {scene.key} with the {word} {scene.number}.",
        sql=f"SELECT {scene.key} FROM {scene.name} ORDER BY {scene.number} + 0 {order} LIMIT 1",
        answer=(scene.rows[values.index(best)][0],),
    )


def _aggregate(scene: _Scene) -> Draft:
    values = [int(cell) for cell in scene.cells(scene.number)]
    word, name, value = scene.draw.choice(
        (("highest", "MAX", max(values)), ("lowest", "MIN", min(values)), ("total", "SUM", sum(values)))
    )
    return Draft(
        kind=f"aggregation-{name}",
        text=f"What is the {word} {scene.number}?",
        thought=f"take the {word} {scene.number}.",
        sql=f"SELECT {name}({scene.number} + 0) FROM {scene.name}",
        answer=(value,),
    )


def _insert(scene: _Scene) -> Draft:
    row = (scene.new_key(), *(scene.value(column) for column in scene.columns[1:]))
    pairs = ", ".join(f"{column} {value}" for column, value in zip(scene.columns, row, strict=True))
    values = ", ".join(f"'{value}'" for value in row)
    return Draft(
        kind="INSERT",
        text=scene.draw.choice((f"Add a row: {pairs}.", f"Insert {pairs}.")),
        thought=f"add a row for {row[0]}.",
        sql=f"INSERT INTO {scene.name} ({', '.join(scene.columns)}) VALUES ({values})",
        rows=(*scene.rows, row),
    )


def _update(scene: _Scene) -> Draft:
    column = scene.draw.choice(scene.columns[1:])
    key, value = scene.draw.choice(scene.cells(scene.key)), scene.value(column)
    place = scene.columns.index(column)
    changed = tuple((*row[:place], value, *row[place + 1 :]) if row[0] == key else row for row in scene.rows)
    text = scene.draw.choice(("Set the {column} of {key} to {value}.", "Change the {column} of {key} to {value}."))
    return Draft(
        kind="UPDATE",
        text=text.format(column=column, key=key, value=value),
        thought=f"set the {column} of {key} to {value}.",
        sql=f"UPDATE {scene.name} SET {column} = '{value}' WHERE {scene.key} = '{key}'",
        rows=changed,
    )


def _delete(scene: _Scene) -> Draft:
    column = scene.draw.choice((scene.key, scene.group))
    value = scene.draw.choice(scene.cells(column))
    place = scene.columns.index(column)
    text = scene.draw.choice(("Delete the rows with {column} {value}.", "Remove all rows with {column} {value}."))
    return Draft(
        kind="DELETE",
        text=text.format(column=column, value=value),
        thought=f"delete rows where {column} is {value}.",
        sql=f"DELETE FROM {scene.name} WHERE {column} = '{value}'",
        rows=tuple(row for row in scene.rows if row[place] != value),
    )


_FAMILIES: Final[tuple[Callable[[_Scene], Draft | None], ...]] = (
    *(_lookup, _owner, _count, _compare, _rank, _aggregate),
    *(_insert, _update, _delete),
)
