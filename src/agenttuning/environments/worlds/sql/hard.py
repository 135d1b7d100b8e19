"""Questions that need a group, a subquery or a pattern."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sql.domains import Words
from agenttuning.environments.worlds.sql.question import Draft
from agenttuning.environments.worlds.sql.scene import Scene, identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable

    Family = Callable[[Scene], Draft | None]


def _most_common(scene: Scene) -> Draft | None:
    column = scene.text_column()
    counts = Counter(scene.cells(column)).most_common(2)
    if len(counts) < 2 or counts[0][1] == counts[1][1]:
        return None
    wording = scene.draw.choice(("Which {column} occurs most often?", "What is the most frequent value of {column}?"))
    return Draft(
        kind="ranking",
        text=wording.format(column=column.name),
        thought=f"I group by {column.name} and take the largest group.",
        sql=f"SELECT {identifier(column.name)} FROM {identifier(scene.title)} GROUP BY {identifier(column.name)} "
        "ORDER BY COUNT(*) DESC LIMIT 1",
        answer=(counts[0][0],),
    )


def _groups(scene: Scene) -> Draft | None:
    column, least = scene.text_column(), scene.draw.randint(3, 9)
    kept = tuple(value for value, count in Counter(scene.cells(column)).items() if count >= least)
    if not 1 <= len(kept) <= 6:
        return None
    return Draft(
        kind="counting",
        text=f"Which values of {column.name} stand in at least {least} rows?",
        thought=f"I group by {column.name} and keep the groups of {least} or more.",
        sql=f"SELECT {identifier(column.name)} FROM {identifier(scene.title)} GROUP BY {identifier(column.name)} "
        f"HAVING COUNT(*) >= {least}",
        answer=kept,
    )


def _above_average(scene: Scene) -> Draft:
    column = scene.number_column()
    values = scene.numbers(column)
    return Draft(
        kind="comparison",
        text=f"In how many rows is {column.name} above the average of the column?",
        thought=f"I compare {column.name} with its average in a subquery.",
        sql=f"SELECT COUNT(*) FROM {identifier(scene.title)} WHERE {identifier(column.name)} + 0 > "
        f"(SELECT AVG({identifier(column.name)} + 0) FROM {identifier(scene.title)})",
        answer=(sum(value > sum(values) / len(values) for value in values),),
    )


def _difference(scene: Scene) -> Draft | None:
    column = scene.number_column()
    if column.decimals:
        return None
    first, second = scene.draw.sample(scene.rows, 2)
    left, right = (int(row[scene.place(column)]) for row in (first, second))
    if left <= right:
        return None
    select = "SELECT {column} FROM {table} WHERE {key} = {value}"
    parts = {"column": identifier(column.name), "table": identifier(scene.title), "key": identifier(scene.key.name)}
    one, other = (select.format(value=literal(row[0]), **parts) for row in (first, second))
    return Draft(
        kind="comparison",
        text=f"By how much does the {column.name} of {first[0]} exceed that of {second[0]}?",
        thought=f"I subtract the two cells of {column.name}.",
        sql=f"SELECT ({one}) - ({other})",
        answer=(left - right,),
    )


def _starting(scene: Scene) -> Draft | None:
    letters = scene.draw.choice(scene.cells(scene.key))[: scene.draw.randint(1, 3)]
    kept = tuple(cell for cell in scene.cells(scene.key) if cell.lower().startswith(letters.lower()))
    if not 1 <= len(kept) <= 6:
        return None
    return Draft(
        kind="other",
        text=f"Which entries of {scene.key.name} begin with {letters}?",
        thought=f"I match {scene.key.name} with a pattern.",
        sql=f"SELECT {identifier(scene.key.name)} FROM {identifier(scene.title)} WHERE {identifier(scene.key.name)} "
        f"LIKE {literal(letters + '%')}",
        answer=kept,
    )


def _neither(scene: Scene) -> Draft | None:
    column = scene.text_column()
    values = sorted(set(scene.cells(column)))
    if not isinstance(column, Words) or len(values) < 3:
        return None
    first, second = scene.draw.sample(values, 2)
    return Draft(
        kind="counting",
        text=f"How many rows have a {column.name} other than {first} and {second}?",
        thought=f"I count the rows whose {column.name} is none of the two.",
        sql=f"SELECT COUNT(*) FROM {identifier(scene.title)} WHERE {identifier(column.name)} NOT IN "
        f"({literal(first)}, {literal(second)})",
        answer=(sum(cell not in (first, second) for cell in scene.cells(column)),),
    )


def _top_of_group(scene: Scene) -> Draft | None:
    chosen, column = scene.filter_text(), scene.number_column()
    values = {place: scene.numbers(column)[place] for place in chosen.rows}
    best = max(values.values())
    if len(values) < 2 or list(values.values()).count(best) > 1:
        return None
    place = max(values, key=values.__getitem__)
    return Draft(
        kind="ranking",
        text=f"Among the rows where {chosen.words}, which {scene.domain.subject} has the highest {column.name}?",
        thought=f"I keep the rows where {chosen.words} and sort by {column.name}.",
        sql=f"SELECT {identifier(scene.key.name)} FROM {identifier(scene.title)} WHERE {chosen.sql} "
        f"ORDER BY {identifier(column.name)} + 0 DESC LIMIT 1",
        answer=(scene.rows[place][0],),
    )


HARD_QUESTIONS: Final[tuple[Family, ...]] = (
    *(_most_common, _groups, _above_average, _difference),
    *(_starting, _neither, _top_of_group),
)
