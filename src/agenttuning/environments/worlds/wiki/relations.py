"""What the generated encyclopaedia tells: seven kinds of things, and how each is tied to numbers, words and others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["person", "town", "river", "company", "book", "film", "team"]


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that a page says of its subject."""

    name: str
    subject: Kind
    sentence: str
    """States it; `{value}` is filled in, and `{subject}` where it opens the page."""
    noun: str
    """A noun phrase for the value that questions are made of: `the birthplace of {}`."""
    keyword: str
    """A word of the sentence, by which Lookup finds it."""
    target: Kind | None = None
    """Kind of the page that the value links to; None where it is a word or a number."""
    words: tuple[str, ...] = ()
    """The values drawn from, where they are words."""
    numbers: tuple[int, int] | None = None
    """Lowest and highest value, where they are numbers."""
    unit: str = ""
    """What the number counts; a year has none."""
    more: str = ""
    """Which of two has the higher number, as a question with `{}` twice; for numbers only."""
    less: str = ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


_REGIONS: Final = _words("Norland, Estmark, Valdria, Kesteria, Tirvania, Ossenland, Brevia, Halmark, Sundria, Wolmaria")
_SEAS: Final = _words("the Amber Sea, the Grey Gulf, the Northern Ocean, the Bay of Sails, the Long Lake, the Salt Sea")
_HEIGHTS: Final = _words("the Iron Hills, the Crane Alps, the Wind Mountains, the Blue Ridge, the Carn Plateau")
_JOBS: Final = _words(
    "novelist, painter, surveyor, chemist, singer, film director, builder, composer, geologist, historian, "
    "footballer, journalist, physician, politician, sculptor, botanist"
)
_GENRES: Final = _words("crime, science fiction, historical, romantic, travel, satirical, gothic, war")
_SPORTS: Final = _words("football, handball, rowing, ice hockey, basketball, volleyball, rugby, water polo")
_TRADES: Final = _words("shipbuilding, printing, brewing, mining, insurance, clockmaking, textiles, optics, railways")

RELATIONS: Final = (
    Relation("occupation", "person", "{subject} is a {value}.", "the profession of {}", "is", words=_JOBS),
    Relation("birthplace", "person", "Born in {value}.", "the birthplace of {}", "born", target="town"),
    Relation(
        *("birth year", "person", "The year of birth is {value}.", "the birth year of {}", "birth"),
        numbers=(1850, 1999),
        more="Who was born later, {} or {}?",
        less="Who was born first, {} or {}?",
    ),
    Relation("teacher", "person", "A pupil of {value}.", "the teacher of {}", "pupil", target="person"),
    Relation("region", "town", "{subject} is a town in {value}.", "the region of {}", "town", words=_REGIONS),
    Relation("river", "town", "It lies on the {value}.", "the river of {}", "lies", target="river"),
    Relation(
        *("population", "town", "It has a population of {value}.", "the population of {}", "population"),
        numbers=(800, 98_000),
        unit="people",
        more="Which town has more people, {} or {}?",
        less="Which town has fewer people, {} or {}?",
    ),
    Relation("mayor", "town", "Its mayor is {value}.", "the mayor of {}", "mayor", target="person"),
    Relation(
        "mouth", "river", "The {subject} is a river that flows into {value}.", "the mouth of {}", "flows", words=_SEAS
    ),
    Relation(
        *("length", "river", "It is {value} km long.", "the length of {}", "km"),
        numbers=(20, 990),
        unit="km",
        more="Which river is longer, {} or {}?",
        less="Which river is shorter, {} or {}?",
    ),
    Relation("source", "river", "It rises in {value}.", "the source of {}", "rises", words=_HEIGHTS),
    Relation(
        "industry", "company", "{subject} is a company in {value}.", "the industry of {}", "company", words=_TRADES
    ),
    Relation("founder", "company", "It was founded by {value}.", "the founder of {}", "founded", target="person"),
    Relation(
        *("founding year", "company", "The founding year is {value}.", "the founding year of {}", "founding"),
        numbers=(1840, 1995),
        more="Which company was founded later, {} or {}?",
        less="Which company was founded first, {} or {}?",
    ),
    Relation("headquarters", "company", "It is based in {value}.", "the headquarters of {}", "based", target="town"),
    Relation("author", "book", "{subject} is a book by {value}.", "the author of {}", "book", target="person"),
    Relation("genre", "book", "It is a {value} novel.", "the genre of {}", "novel", words=_GENRES),
    Relation(
        *("publication year", "book", "It came out in {value}.", "the publication year of {}", "came out"),
        numbers=(1860, 2009),
        more="Which book came out later, {} or {}?",
        less="Which book came out first, {} or {}?",
    ),
    Relation("publisher", "book", "Its publisher is {value}.", "the publisher of {}", "publisher", target="company"),
    Relation("director", "film", "{subject} is a film by {value}.", "the director of {}", "film", target="person"),
    Relation(
        "star", "film", "The leading part is played by {value}.", "the leading actor of {}", "part", target="person"
    ),
    Relation(
        *("release year", "film", "It was released in {value}.", "the release year of {}", "released"),
        numbers=(1921, 2019),
        more="Which film was released later, {} or {}?",
        less="Which film was released first, {} or {}?",
    ),
    Relation("setting", "film", "The story is set in {value}.", "the setting of {}", "set", target="town"),
    Relation("home", "team", "{subject} is a team from {value}.", "the home town of {}", "team", target="town"),
    Relation("sport", "team", "It plays {value}.", "the sport of {}", "plays", words=_SPORTS),
    Relation("coach", "team", "Its coach is {value}.", "the coach of {}", "coach", target="person"),
    Relation(
        *("club year", "team", "The club dates from {value}.", "the first year of {}", "dates"),
        numbers=(1870, 1999),
        more="Which club is younger, {} or {}?",
        less="Which club is older, {} or {}?",
    ),
)
"""The first of each kind opens its pages."""
BY_NAME: Final = {relation.name: relation for relation in RELATIONS}


def relations_of(kind: Kind) -> list[Relation]:
    """Return what the pages of a kind tell, the opening first."""
    return [relation for relation in RELATIONS if relation.subject == kind]
