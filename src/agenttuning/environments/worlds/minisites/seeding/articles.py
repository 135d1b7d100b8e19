"""The wiki: towns, rivers, lakes, museums and people that link to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.minisites.rows import Article
from agenttuning.environments.worlds.minisites.seeding import words

if TYPE_CHECKING:
    from agenttuning.environments.worlds.minisites.rows import Row
    from agenttuning.environments.worlds.minisites.seeding.draw import Draw


def seed_wiki(draw: Draw) -> list[Row]:
    """Return the articles."""
    if draw.difficulty == "tiny":
        return [_short_town(draw) for _ in range(3)]
    return [article for _ in range(draw.size(1, 6, 20)) for article in _valley(draw)]


def _title(draw: Draw) -> str:
    return draw.name().replace("-", " ").title()


def _short_town(draw: Draw) -> Article:
    return Article(_title(draw), "town", f"A town of {draw.random.randint(11, 99) * 100} people.")


def _valley(draw: Draw) -> list[Article]:
    """Return a town, its river, its museum and its founder, told apart by links."""
    town, river, founder = _title(draw), f"{_title(draw)} River", draw.person()
    museum = f"Museum of {draw.pick(words.HOBBIES)} in {town}"
    year, born = draw.random.randint(1320, 1890), draw.random.randint(18, 61)
    people = draw.random.randint(2, 940) * 100 + draw.random.randint(1, 99)
    length = draw.random.randint(21, 870)
    trade = draw.pick(words.HOBBIES).lower()
    return [
        Article(
            town,
            "town",
            f"{town} is a town on the [[{river}]]. It was founded in {year} by [[{founder}]] and has {people:,} "
            f"inhabitants. The best known house of the town is the [[{museum}]].",
        ),
        Article(
            river,
            "river",
            f"The {river} is a river of {length} kilometres. It flows through [[{town}]] and rises at a height of "
            f"{draw.random.randint(300, 2400)} metres.",
        ),
        Article(
            founder,
            "person",
            f"{founder}, born in {year - born}, founded [[{town}]] in {year} and wrote the first book on {trade} "
            "there.",
        ),
        Article(
            museum,
            "museum",
            f"The {museum} was opened in {draw.random.randint(1891, 2019)}. It shows "
            f"{draw.random.randint(3, 90) * 50:,} objects and stands on the bank of the [[{river}]].",
        ),
    ]
