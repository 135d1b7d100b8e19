"""Questions in the manner of dbbench: tables of many domains and sizes, names that need backquotes, varied wording."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sql.changes import CHANGES, HARD_CHANGES
from agenttuning.environments.worlds.sql.domains import Numbers
from agenttuning.environments.worlds.sql.hard import HARD_QUESTIONS
from agenttuning.environments.worlds.sql.question import Draft, Question, checked
from agenttuning.environments.worlds.sql.scene import Scene, both, identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenttuning.environments.worlds.sql.scene import Filter

    Family = Callable[[Scene], Draft | None]

_MOST_VALUES: Final = 6
"""An answer is a list that a person would read out."""


def make(*, seed: int, test: bool, index: int, hard: bool) -> Question:
    """Return question `index` of a split; the same arguments give the same question."""
    draw = random.Random(f"{'hard' if hard else 'standard'}/{seed}/{test}/{index}")
    families = _HARD if hard else _STANDARD
    while True:
        scene = Scene(draw, test=test, hard=hard)
        draft = draw.choice(draw.choice(families))(scene)
        if draft is not None and draft.does_something(scene.rows):
            break
    table = scene.table()
    numbers = frozenset(column.name for column in scene.columns if isinstance(column, Numbers))
    hint = f"The table is named {table.name}; its columns are: {', '.join(table.columns)}."
    return checked(draft, table=table, numbers=numbers, hint=hint)


def _lookup(scene: Scene) -> Draft:
    column, row = scene.other_column(), scene.draw.choice(scene.rows)
    wording = scene.draw.choice(
        (
            "What is the {column} of {key}?",
            "For the {subject} {key}, what does the column {column} say?",
            "I need the {column} of the {subject} called {key}.",
            "Which {column} belongs to {key}?",
            "Look up {key} and tell me its {column}.",
        )
    )
    return Draft(
        kind="other",
        text=wording.format(column=column.name, key=row[0], subject=scene.domain.subject),
        thought=f"I read {column.name} from the row of {row[0]}.",
        sql=f"SELECT {identifier(column.name)} FROM {identifier(scene.title)} "
        f"WHERE {identifier(scene.key.name)} = {literal(row[0])}",
        answer=(row[scene.place(column)],),
    )


def _listing(scene: Scene, chosen: Filter, *, kind: str) -> Draft | None:
    if not 1 <= len(chosen.rows) <= _MOST_VALUES:
        return None
    wording = scene.draw.choice(
        (
            "Which {subject} has this property: {words}? Give every match from {key}.",
            "List the {key} of each {subject} where {words}.",
            "Name all entries of {key} for which {words}.",
            "Find every {subject} where {words}; answer with {key}.",
        )
    )
    return Draft(
        kind=kind,
        text=wording.format(subject=scene.domain.subject, key=scene.key.name, words=chosen.words),
        thought=f"I list {scene.key.name} where {chosen.words}.",
        sql=f"SELECT {identifier(scene.key.name)} FROM {identifier(scene.title)} WHERE {chosen.sql}",
        answer=tuple(scene.rows[place][0] for place in chosen.rows),
    )


def _reverse(scene: Scene) -> Draft | None:
    return _listing(scene, scene.filter_text(), kind="other")


def _compared(scene: Scene) -> Draft | None:
    return _listing(scene, both(scene.filter_text(), scene.filter_number()), kind="comparison")


def _beyond(scene: Scene) -> Draft | None:
    return _listing(scene, scene.filter_number(), kind="comparison")


def _pair(scene: Scene) -> Draft | None:
    column = scene.number_column()
    first, second = scene.draw.sample(scene.rows, 2)
    left, right = (float(row[scene.place(column)]) for row in (first, second))
    if left == right:
        return None
    word, order = scene.draw.choice((("higher", "DESC"), ("lower", "ASC")))
    wording = scene.draw.choice(
        (
            "Which has the {word} {column}: {first} or {second}?",
            "Compare {first} with {second}. Whose {column} is {word}?",
            "Between {first} and {second}, name the one with the {word} {column}.",
        )
    )
    return Draft(
        kind="comparison",
        text=wording.format(word=word, column=column.name, first=first[0], second=second[0]),
        thought=f"I sort the two by {column.name} and keep the {word} one.",
        sql=f"SELECT {identifier(scene.key.name)} FROM {identifier(scene.title)} WHERE {identifier(scene.key.name)} "
        f"IN ({literal(first[0])}, {literal(second[0])}) ORDER BY {identifier(column.name)} + 0 {order} LIMIT 1",
        answer=((first if (left > right) == (word == "higher") else second)[0],),
    )


def _counting(scene: Scene) -> Draft:
    chosen = scene.draw.choice((scene.filter_text, scene.filter_number))()
    if scene.draw.random() < 0.25:
        chosen = both(scene.filter_text(), scene.filter_number())
    wording = scene.draw.choice(
        (
            "How many rows are there where {words}?",
            "Count the entries for which {words}.",
            "For how many a {subject} holds that {words}?",
            "What number of rows satisfies: {words}?",
        )
    )
    return Draft(
        kind="counting",
        text=wording.format(words=chosen.words, subject=scene.domain.subject),
        thought=f"I count the rows where {chosen.words}.",
        sql=f"SELECT COUNT(*) FROM {identifier(scene.title)} WHERE {chosen.sql}",
        answer=(len(chosen.rows),),
    )


def _distinct(scene: Scene) -> Draft:
    column = scene.text_column()
    wording = scene.draw.choice(
        (
            "How many different values does {column} have?",
            "Count the distinct entries of {column}.",
            "How many kinds of {column} occur in the table?",
        )
    )
    return Draft(
        kind="counting",
        text=wording.format(column=column.name),
        thought=f"I count the distinct values of {column.name}.",
        sql=f"SELECT COUNT(DISTINCT {identifier(column.name)}) FROM {identifier(scene.title)}",
        answer=(len(set(scene.cells(column))),),
    )


def _ranking(scene: Scene) -> Draft | None:
    column = scene.number_column()
    values = scene.numbers(column)
    word, order, place = scene.draw.choice(
        (("highest", "DESC", 0), ("lowest", "ASC", 0), ("second highest", "DESC", 1), ("third lowest", "ASC", 2))
    )
    ranked = sorted(values, reverse=order == "DESC")
    if values.count(ranked[place]) > 1:
        return None
    wording = scene.draw.choice(
        (
            "Which {subject} has the {word} {column}?",
            "Rank the table by {column}: what is the {key} with the {word} value?",
            "Name the {subject} whose {column} is the {word}.",
            "Give the {key} of the row with the {word} {column}.",
        )
    )
    limit = f"LIMIT 1 OFFSET {place}" if place else "LIMIT 1"
    return Draft(
        kind="ranking",
        text=wording.format(subject=scene.domain.subject, key=scene.key.name, column=column.name, word=word),
        thought=f"I sort by {column.name} as a number and take the {word}.",
        sql=f"SELECT {identifier(scene.key.name)} FROM {identifier(scene.title)} "
        f"ORDER BY {identifier(column.name)} + 0 {order} {limit}",
        answer=(scene.rows[values.index(ranked[place])][0],),
    )


def _aggregate(scene: Scene) -> Draft | None:
    column, values = scene.number_column(), []
    chosen = scene.filter_text() if scene.draw.random() < 0.5 else None
    values = [scene.numbers(column)[place] for place in (chosen.rows if chosen else range(len(scene.rows)))]
    name = scene.draw.choice(("MIN", "MAX", "SUM", "AVG"))
    result = {"MIN": min(values), "MAX": max(values), "SUM": sum(values), "AVG": sum(values) / len(values)}[name]
    digits = 2 if name == "AVG" else 1
    if name == "AVG" and abs(result * 100 % 1 - 0.5) < 0.01:
        return None  # engines do not agree on how to round a half
    inner = f"{name}({identifier(column.name)} + 0)"
    called = {"MIN": "lowest", "MAX": "highest", "SUM": "total", "AVG": "average"}[name]
    wording = scene.draw.choice(
        (
            "What is the {called} {column}{where}?",
            "Work out the {called} of {column}{where}.",
            "Tell me the {called} {column}{where}.",
        )
    )
    where = f", counting only rows where {chosen.words}" if chosen else ""
    rounding = {"AVG": " Round to two decimals.", "SUM": " Round to one decimal."}.get(name, "")
    return Draft(
        kind=f"aggregation-{name}",
        text=wording.format(called=called, column=column.name, where=where) + rounding,
        thought=f"I take the {called} of {column.name}" + (f" where {chosen.words}." if chosen else "."),
        sql=f"SELECT {f'ROUND({inner}, {digits})' if rounding else inner} FROM {identifier(scene.title)}"
        + (f" WHERE {chosen.sql}" if chosen else ""),
        answer=(round(result, digits),),
    )


_QUESTIONS: Final[tuple[Family, ...]] = (
    *(_lookup, _lookup, _reverse, _compared, _beyond, _pair),
    *(_counting, _counting, _distinct, _ranking, _ranking, _aggregate, _aggregate),
)
_STANDARD: Final = (_QUESTIONS, _QUESTIONS, *CHANGES)
_HARD: Final = ((*_QUESTIONS, *HARD_QUESTIONS), HARD_QUESTIONS, *HARD_CHANGES)
