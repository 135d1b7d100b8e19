"""A small encyclopaedia drawn from a seed: people, towns, rivers, companies, books, films and teams that are linked.

It comes in volumes, each drawn alone from difficulty, seed, split and number, so that any number of questions can be
asked lazily. Every title belongs to `train` or to `test` by its own digest, whatever the seed: the two share no page.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Record
from agenttuning.environments.worlds.sql.names import NameKind, belongs_to_test, draw_name
from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.environments.worlds.wiki.corpus import CorpusWiki
from agenttuning.environments.worlds.wiki.ranking import SmallIndex
from agenttuning.environments.worlds.wiki.relations import BY_NAME, Kind, Relation, relations_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.core.records import Difficulty

NAME: Final = "generated-1"
"""The generator and its version, as they stand in every number."""
PAGES: Final[Mapping[Difficulty, Mapping[Kind, int]]] = {
    "tiny": {"person": 12, "town": 6, "book": 8, "team": 5},
    "standard": {"person": 40, "town": 20, "river": 8, "company": 12, "book": 20, "film": 14, "team": 10},
    "hard": {"person": 120, "town": 60, "river": 16, "company": 36, "book": 60, "film": 42, "team": 30},
}
"""Pages of one volume."""
_LEAD: Final[Mapping[Difficulty, int]] = {"tiny": 2, "standard": 2, "hard": 1}
"""Sentences that Search shows; Lookup finds the others."""
_VOLUMES_KEPT: Final = 8


class Fact(Record):
    """One thing that a page says."""

    subject: str
    """Title of the page that says it."""
    relation: str
    """A key of `relations.BY_NAME`."""
    value: str
    """As it stands in the text."""
    target: str | None = None
    """Title of the page that the value names; None for words and numbers."""
    number: int | None = None
    """The value, where it is a number."""
    paragraph: int
    """Place of the sentence in the page."""


class Article(Record):
    """One page and what it says."""

    kind: Kind
    page: Page
    facts: tuple[Fact, ...]
    """In the order of the page's sentences."""


@dataclass(frozen=True)
class Volume:
    """Some linked articles."""

    articles: Mapping[str, Article]
    """By title."""

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Everything that is said."""
        return tuple(fact for article in self.articles.values() for fact in article.facts)

    @cached_property
    def wiki(self) -> CorpusWiki:
        """The pages, to be searched."""
        return CorpusWiki((article.page for article in self.articles.values()), name=NAME, index=SmallIndex)


@lru_cache(maxsize=_VOLUMES_KEPT)
def open_volume(difficulty: Difficulty, *, seed: int, test: bool, number: int) -> Volume:
    """Return a volume; the same arguments give the same pages, and no other volume is drawn for it."""
    draw = random.Random(f"encyclopaedia/{difficulty}/{seed}/{test}/{number}")
    titles: dict[Kind, list[str]] = {}
    taken: set[str] = set()
    for kind, count in PAGES[difficulty].items():
        titles[kind] = []
        for _ in range(count):
            title = _title(kind, draw, tiny=difficulty == "tiny", test=test, taken=taken)
            taken.add(title)
            titles[kind].append(title)
    articles = {
        title: _article(title, kind, draw, titles=titles, difficulty=difficulty)
        for kind, named in titles.items()
        for title in named
    }
    return Volume(articles)


_NAMES: Final[Mapping[Kind, NameKind]] = {
    "person": "person",
    "town": "place",
    "company": "company",
    "book": "title",
    "film": "title",
    "team": "team",
}
_RIVERS: Final = (
    "Adel Arun Bren Bure Cale Corve Dorn Dove Erva Esk Fenn Frome Gade Gara Hesk Irk Isel Jarn Kell Kenn Leam Lune",
    "River Water Brook Stream Canal Beck Bourne Creek Rapids Branch",
)
_TINY_TITLES: Final[Mapping[Kind, tuple[str, str]]] = {
    "person": (
        "Amy Ben Carl Dora Eva Finn Gina Hugo Ida Jack Kate Leo Mary Nina Otto Paul Rosa Sam Tina Vera Will Zoe",
        "Bell Cook Ford Fox Hill King Lake Moon Park Reed Rose Stone West Wood Young",
    ),
    "town": (
        "East Far Green High Long New North Old Red South West White",
        "Bay Bridge Dale Field Hill Lake Port Wood",
    ),
    "book": ("Big Blue Cold Dark Gold Last Lost Old Red Warm", "Boat Door Garden House Lamp Moon River Road Star Tree"),
    "team": ("Blue City Fast Gold Green Happy Red Wild", "Bears Birds Cats Dogs Foxes Lions Stars Tigers Wolves"),
}


def _title(kind: Kind, draw: random.Random, *, tiny: bool, test: bool, taken: set[str]) -> str:
    known = _NAMES.get(kind)
    if known is not None and not tiny:
        return draw_name(known, draw, test=test, taken=taken)
    first, second = _TINY_TITLES[kind] if tiny else _RIVERS
    while True:
        title = f"{draw.choice(first.split())} {draw.choice(second.split())}"
        if title not in taken and belongs_to_test(title) == test:
            return title


def _article(
    title: str, kind: Kind, draw: random.Random, *, titles: Mapping[Kind, list[str]], difficulty: Difficulty
) -> Article:
    """Draw what a page says; the first relation opens it, the others follow in an order of their own."""
    opening, *others = [one for one in relations_of(kind) if one.target is None or one.target in titles]
    draw.shuffle(others)
    facts, sentences = [], []
    for place, relation in enumerate((opening, *others)):
        fact = _fact(title, relation, draw, titles=titles, paragraph=place)
        facts.append(fact)
        sentences.append(relation.sentence.format(subject=title, value=fact.value))
    page = Page(title=title, paragraphs=tuple(sentences), lead=_LEAD[difficulty])
    return Article(kind=kind, page=page, facts=tuple(facts))


def _fact(
    title: str, relation: Relation, draw: random.Random, *, titles: Mapping[Kind, list[str]], paragraph: int
) -> Fact:
    target = number = None
    if relation.target is not None:
        value = target = draw.choice([other for other in titles[relation.target] if other != title])
    elif relation.numbers is not None:
        number = draw.randint(*relation.numbers)
        value = f"{number:,}" if relation.unit else str(number)
    else:
        value = draw.choice(relation.words)
    return Fact(subject=title, relation=relation.name, value=value, target=target, number=number, paragraph=paragraph)


def relation_of(fact: Fact) -> Relation:
    """Return the relation of a fact."""
    return BY_NAME[fact.relation]
