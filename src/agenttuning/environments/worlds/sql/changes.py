"""Orders to insert, update and delete rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sql.domains import Numbers
from agenttuning.environments.worlds.sql.question import Draft
from agenttuning.environments.worlds.sql.scene import Filter, Scene, both, identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Family = Callable[[Scene], Draft | None]


def _insert(scene: Scene) -> Draft:
    row = (scene.new_key(), *(scene.value(column) for column in scene.columns[1:]))
    pairs = [f"{column.name} {value}" for column, value in zip(scene.columns, row, strict=True)]
    wording = scene.draw.choice(
        (
            "Add a {subject} to the table {table}: {pairs}.",
            "A new {subject} is to be entered with {pairs}.",
            "Insert one row with {pairs}.",
            "Please record this {subject} in {table}: {pairs}.",
            "The {subject} {key} is missing. Enter it with {rest}.",
        )
    )
    return Draft(
        kind="INSERT",
        text=wording.format(
            subject=scene.domain.subject,
            table=scene.title,
            pairs=_enumerated(pairs),
            key=row[0],
            rest=_enumerated(pairs[1:]),
        ),
        thought=f"I insert one row for {row[0]}.",
        sql=f"INSERT INTO {identifier(scene.title)} ({', '.join(identifier(column.name) for column in scene.columns)}) "
        f"VALUES ({', '.join(map(literal, row))})",
        rows=(*scene.rows, row),
    )


def _insert_two(scene: Scene) -> Draft:
    first = (scene.new_key(), *(scene.value(column) for column in scene.columns[1:]))
    second = (scene.new_key({first[0], *scene.cells(scene.key)}), *first[1:])
    pairs = [f"{column.name} {value}" for column, value in zip(scene.columns[1:], first[1:], strict=True)]
    columns = ", ".join(identifier(column.name) for column in scene.columns)
    values = ", ".join(f"({', '.join(map(literal, row))})" for row in (first, second))
    return Draft(
        kind="INSERT",
        text=f"Enter two rows, {first[0]} and {second[0]} as {scene.key.name}, both with {_enumerated(pairs)}.",
        thought=f"I insert two rows that differ in {scene.key.name} only.",
        sql=f"INSERT INTO {identifier(scene.title)} ({columns}) VALUES {values}",
        rows=(*scene.rows, first, second),
    )


def _update(scene: Scene) -> Draft:
    key = scene.draw.choice(scene.cells(scene.key))
    columns = scene.draw.sample(scene.columns[1:], 2 if scene.draw.random() < 0.25 else 1)
    values = {scene.place(column): scene.value(column) for column in columns}
    told = [f"{column.name} to {values[scene.place(column)]}" for column in columns]
    wording = scene.draw.choice(
        (
            "Set {told} for {key}.",
            "Change {told} in the row of the {subject} {key}.",
            "The entry of {key} is wrong: correct {told}.",
            "In {table}, update {told} where {column} is {key}.",
        )
    )
    sets = ", ".join(f"{identifier(column.name)} = {literal(values[scene.place(column)])}" for column in columns)
    return Draft(
        kind="UPDATE",
        text=wording.format(
            told=_enumerated(told), key=key, subject=scene.domain.subject, table=scene.title, column=scene.key.name
        ),
        thought=f"I change the row of {key}.",
        sql=f"UPDATE {identifier(scene.title)} SET {sets} WHERE {identifier(scene.key.name)} = {literal(key)}",
        rows=tuple(
            tuple(values.get(place, cell) for place, cell in enumerate(row)) if row[0] == key else row
            for row in scene.rows
        ),
    )


def _update_many(scene: Scene) -> Draft | None:
    column = scene.other_column()
    chosen = scene.filter_text()
    if chosen.words.startswith(f"{column.name} is"):
        return None
    value = scene.value(column)
    wording = scene.draw.choice(
        (
            "Set {column} to {value} wherever {words}.",
            "For all rows in which {words}, change {column} to {value}.",
            "Every {subject} where {words} gets {value} as {column}.",
        )
    )
    return Draft(
        kind="UPDATE",
        text=wording.format(column=column.name, value=value, words=chosen.words, subject=scene.domain.subject),
        thought=f"I set {column.name} in all rows where {chosen.words}.",
        sql=f"UPDATE {identifier(scene.title)} SET {identifier(column.name)} = {literal(value)} WHERE {chosen.sql}",
        rows=tuple(
            _with(row, scene.place(column), value) if place in chosen.rows else row
            for place, row in enumerate(scene.rows)
        ),
    )


def _raise(scene: Scene) -> Draft | None:
    column = scene.number_column()
    if column.decimals:
        return None
    chosen = scene.filter_text()
    amount = scene.draw.randint(2, 25)
    return Draft(
        kind="UPDATE",
        text=f"Raise {column.name} by {amount} in every row where {chosen.words}.",
        thought=f"I add {amount} to {column.name} where {chosen.words}.",
        sql=f"UPDATE {identifier(scene.title)} SET {identifier(column.name)} = {identifier(column.name)} + {amount} "
        f"WHERE {chosen.sql}",
        rows=tuple(
            _with(row, scene.place(column), str(int(row[scene.place(column)]) + amount))
            if place in chosen.rows
            else row
            for place, row in enumerate(scene.rows)
        ),
    )


def _delete(scene: Scene) -> Draft:
    return _deleted(scene, scene.filter_text(scene.draw.choice((scene.key, scene.text_column()))))


def _delete_two(scene: Scene) -> Draft | None:
    chosen = both(scene.filter_text(), scene.filter_number())
    return _deleted(scene, chosen) if chosen.rows else None


def _deleted(scene: Scene, chosen: Filter) -> Draft:
    wording = scene.draw.choice(
        (
            "Delete every row where {words}.",
            "Remove each {subject} where {words}.",
            "Take out of {table} all entries for which {words}.",
            "Rows where {words} are no longer needed; delete them.",
        )
    )
    return Draft(
        kind="DELETE",
        text=wording.format(words=chosen.words, subject=scene.domain.subject, table=scene.title),
        thought=f"I delete the rows where {chosen.words}.",
        sql=f"DELETE FROM {identifier(scene.title)} WHERE {chosen.sql}",
        rows=tuple(row for place, row in enumerate(scene.rows) if place not in chosen.rows),
    )


def _delete_last(scene: Scene) -> Draft | None:
    column = scene.draw.choice([column for column in scene.columns if isinstance(column, Numbers)])
    values = scene.numbers(column)
    if values.count(min(values)) > 1:
        return None
    lowest = values.index(min(values))
    return Draft(
        kind="DELETE",
        text=f"Delete the {scene.domain.subject} with the lowest {column.name}.",
        thought=f"I delete the first row in the order of {column.name}.",
        sql=f"DELETE FROM {identifier(scene.title)} WHERE {identifier(scene.key.name)} = "
        f"{literal(scene.rows[lowest][0])}",
        rows=tuple(row for place, row in enumerate(scene.rows) if place != lowest),
    )


def _with(row: tuple[str, ...], place: int, value: str) -> tuple[str, ...]:
    return (*row[:place], value, *row[place + 1 :])


def _enumerated(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


CHANGES: Final[tuple[tuple[Family, ...], ...]] = ((_insert,), (_update, _update, _update_many), (_delete, _delete_two))
HARD_CHANGES: Final[tuple[tuple[Family, ...], ...]] = (
    (_insert, _insert_two),
    (_update_many, _raise),
    (_delete_two, _delete_last),
)
