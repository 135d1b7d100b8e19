"""What the generated graphs are about: types, the relations between them both ways, and their measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.graph.ontology import Ontology

if TYPE_CHECKING:
    from agenttuning.environments.worlds.graph.names import NameKind

ValueKind = Literal["integer", "decimal", "date"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of thing, and how many of them a graph holds."""

    type: str
    name: NameKind | None
    """How its members are called; None for things without a name."""
    few: int
    many: int


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to say what a relation leads to; `{x}` is what it starts from."""

    one: str
    several: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation in one direction."""

    name: str
    domain: str
    range: str
    wordings: tuple[Wording, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A relation and its inverse; each member of the first type leads to `low` to `high` of the second."""

    forward: Relation
    backward: Relation
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A number or date that members of a type have, and what it is to have the highest or the lowest."""

    name: str
    domain: str
    kind: ValueKind
    low: int
    high: int
    highest: str
    lowest: str


@dataclass(frozen=True)
class Schema:
    """All of it."""

    kinds: tuple[Kind, ...]
    links: tuple[Link, ...]
    measures: tuple[Measure, ...]

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """Return every relation of both directions by its name."""
        return {relation.name: relation for link in self.links for relation in (link.forward, link.backward)}

    @cached_property
    def measure_names(self) -> dict[str, Measure]:
        """Return every measure by its name."""
        return {measure.name: measure for measure in self.measures}

    @cached_property
    def ontology(self) -> Ontology:
        """Return the tools' vocabulary."""
        return Ontology(
            relations=frozenset(self.relations),
            attributes=frozenset(self.measure_names),
            ranges={name: relation.range for name, relation in self.relations.items()},
        )


def _relation(name: str, domain: str, range_: str, *wordings: str) -> Relation:
    """Read wordings such as `author of {x}|authors of {x}`."""
    said = tuple(Wording(*wording.split("|")) for wording in wordings)
    return Relation(f"{domain}.{name}", domain, range_, said)


def _link(
    there: tuple[str, ...], back: tuple[str, ...], *, between: tuple[str, str], count: tuple[int, int] = (1, 1)
) -> Link:
    domain, range_ = between
    return Link(_relation(there[0], domain, range_, *there[1:]), _relation(back[0], range_, domain, *back[1:]), *count)


_PERSON, _CITY, _COUNTRY, _TONGUE = "people.person", "place.city", "place.country", "people.language"
_BOOK, _FILM = "works.book", "works.film"
_COMPANY, _SCHOOL = "organisation.company", "organisation.university"
_READING, _GAUGE = "measure.reading", "measure.instrument"

FULL: Final = Schema(
    kinds=(
        Kind(_PERSON, "person", 10, 16),
        Kind(_CITY, "city", 4, 6),
        Kind(_COUNTRY, "country", 2, 3),
        Kind(_TONGUE, "language", 2, 3),
        Kind(_BOOK, "book", 5, 8),
        Kind(_FILM, "film", 4, 6),
        Kind(_COMPANY, "company", 3, 5),
        Kind(_SCHOOL, "university", 2, 3),
        Kind(_READING, None, 6, 9),
        Kind(_GAUGE, "product", 2, 3),
    ),
    links=(
        _link(
            (
                "place_of_birth",
                "birthplace of {x}|birthplaces of {x}",
                "city that saw the birth of {x}|cities that saw the birth of {x}",
            ),
            ("people_born_here", "native of {x}|natives of {x}", "person born in {x}|people born in {x}"),
            between=(_PERSON, _CITY),
        ),
        _link(
            (
                "residence",
                "home town of {x}|home towns of {x}",
                "city that is now home to {x}|cities that are now home to {x}",
            ),
            ("residents", "resident of {x}|residents of {x}", "person living in {x}|people living in {x}"),
            between=(_PERSON, _CITY),
        ),
        _link(
            ("employer", "employer of {x}|employers of {x}", "company that pays {x}|companies that pay {x}"),
            ("employees", "employee of {x}|employees of {x}", "person working for {x}|people working for {x}"),
            between=(_PERSON, _COMPANY),
        ),
        _link(
            ("education", "university of {x}|universities of {x}", "school that taught {x}|schools that taught {x}"),
            ("alumni", "graduate of {x}|graduates of {x}", "former student of {x}|former students of {x}"),
            between=(_PERSON, _SCHOOL),
            count=(0, 1),
        ),
        _link(
            ("mentor", "mentor of {x}|mentors of {x}", "person who guided {x}|people who guided {x}"),
            ("pupils", "pupil of {x}|pupils of {x}", "person guided by {x}|people guided by {x}"),
            between=(_PERSON, _PERSON),
            count=(0, 1),
        ),
        _link(
            ("languages_spoken", "language of {x}|languages of {x}", "language spoken by {x}|languages spoken by {x}"),
            ("speakers", "speaker of {x}|speakers of {x}", "person who speaks {x}|people who speak {x}"),
            between=(_PERSON, _TONGUE),
            count=(1, 2),
        ),
        _link(
            ("country", "country of {x}|countries of {x}", "country that holds {x}|countries that hold {x}"),
            ("cities", "city of {x}|cities of {x}", "city lying in {x}|cities lying in {x}"),
            between=(_CITY, _COUNTRY),
        ),
        _link(
            (
                "official_language",
                "official language of {x}|official languages of {x}",
                "language that {x} made official|languages that {x} made official",
            ),
            (
                "countries_using",
                "country that uses {x}|countries that use {x}",
                "state whose official language is {x}|states whose official language is {x}",
            ),
            between=(_COUNTRY, _TONGUE),
        ),
        _link(
            ("author", "author of {x}|authors of {x}", "person who wrote {x}|people who wrote {x}"),
            ("books_written", "book of {x}|books of {x}", "book written by {x}|books written by {x}"),
            between=(_BOOK, _PERSON),
            count=(1, 2),
        ),
        _link(
            (
                "publisher",
                "publisher of {x}|publishers of {x}",
                "company that brought out {x}|companies that brought out {x}",
            ),
            ("titles_published", "title of {x}|titles of {x}", "book brought out by {x}|books brought out by {x}"),
            between=(_BOOK, _COMPANY),
        ),
        _link(
            ("setting", "setting of {x}|settings of {x}", "city where {x} is set|cities where {x} is set"),
            (
                "books_set_here",
                "book set in {x}|books set in {x}",
                "book that takes place in {x}|books that take place in {x}",
            ),
            between=(_BOOK, _CITY),
        ),
        _link(
            ("based_on", "source of {x}|sources of {x}", "book that {x} is based on|books that {x} is based on"),
            ("adaptations", "film version of {x}|film versions of {x}", "film based on {x}|films based on {x}"),
            between=(_FILM, _BOOK),
            count=(0, 1),
        ),
        _link(
            ("directed_by", "director of {x}|directors of {x}", "person who directed {x}|people who directed {x}"),
            ("films_directed", "film of {x}|films of {x}", "film directed by {x}|films directed by {x}"),
            between=(_FILM, _PERSON),
        ),
        _link(
            ("starring", "star of {x}|stars of {x}", "person who acted in {x}|people who acted in {x}"),
            (
                "films_acted_in",
                "screen role of {x}|screen roles of {x}",
                "film with {x} in the cast|films with {x} in the cast",
            ),
            between=(_FILM, _PERSON),
            count=(2, 4),
        ),
        _link(
            (
                "filming_location",
                "location of {x}|locations of {x}",
                "city where {x} was shot|cities where {x} was shot",
            ),
            (
                "films_shot_here",
                "film shot in {x}|films shot in {x}",
                "film that was made in {x}|films that were made in {x}",
            ),
            between=(_FILM, _CITY),
        ),
        _link(
            ("founder", "founder of {x}|founders of {x}", "person who set up {x}|people who set up {x}"),
            (
                "companies_founded",
                "company founded by {x}|companies founded by {x}",
                "company that was set up by {x}|companies that were set up by {x}",
            ),
            between=(_COMPANY, _PERSON),
            count=(1, 2),
        ),
        _link(
            (
                "headquarters",
                "seat of {x}|seats of {x}",
                "city where {x} has its head office|cities where {x} has a head office",
            ),
            (
                "companies_based_here",
                "company based in {x}|companies based in {x}",
                "company with its head office in {x}|companies with a head office in {x}",
            ),
            between=(_COMPANY, _CITY),
        ),
        _link(
            ("campus", "campus city of {x}|campus cities of {x}", "city where {x} teaches|cities where {x} teaches"),
            (
                "universities",
                "university in {x}|universities in {x}",
                "school that teaches in {x}|schools that teach in {x}",
            ),
            between=(_SCHOOL, _CITY),
        ),
        _link(
            ("taken_in", "city of the reading {x}|cities of the readings {x}"),
            (
                "rainfall_readings",
                "rainfall reading of {x}|rainfall readings of {x}",
                "measurement of the rain in {x}|measurements of the rain in {x}",
            ),
            between=(_READING, _CITY),
        ),
        _link(
            ("taken_by", "observer behind {x}|observers behind {x}", "person who took {x}|people who took {x}"),
            (
                "readings_taken",
                "reading taken by {x}|readings taken by {x}",
                "measurement made by {x}|measurements made by {x}",
            ),
            between=(_READING, _PERSON),
        ),
        _link(
            (
                "instrument",
                "instrument behind {x}|instruments behind {x}",
                "device that recorded {x}|devices that recorded {x}",
            ),
            (
                "readings_made",
                "reading of {x}|readings of {x}",
                "measurement recorded with {x}|measurements recorded with {x}",
            ),
            between=(_READING, _GAUGE),
        ),
        _link(
            ("maker", "maker of {x}|makers of {x}", "company that builds {x}|companies that build {x}"),
            (
                "instruments_made",
                "instrument from {x}|instruments from {x}",
                "device built by {x}|devices built by {x}",
            ),
            between=(_GAUGE, _COMPANY),
        ),
    ),
    measures=(
        Measure(f"{_PERSON}.height_centimetres", _PERSON, "integer", 150, 205, "is the tallest", "is the shortest"),
        Measure(f"{_PERSON}.date_of_birth", _PERSON, "date", 1920, 2004, "is the youngest", "is the oldest"),
        Measure(
            f"{_CITY}.population",
            _CITY,
            "integer",
            9_000,
            900_000,
            "has the most inhabitants",
            "has the fewest inhabitants",
        ),
        Measure(f"{_CITY}.elevation_metres", _CITY, "integer", 2, 1_900, "lies highest", "lies lowest"),
        Measure(
            f"{_COUNTRY}.area_square_kilometres",
            _COUNTRY,
            "integer",
            2_000,
            900_000,
            "covers the largest area",
            "covers the smallest area",
        ),
        Measure(f"{_BOOK}.page_count", _BOOK, "integer", 90, 900, "has the most pages", "has the fewest pages"),
        Measure(f"{_BOOK}.publication_date", _BOOK, "date", 1950, 2022, "came out last", "came out first"),
        Measure(f"{_FILM}.running_time_minutes", _FILM, "integer", 70, 210, "runs the longest", "runs the shortest"),
        Measure(f"{_FILM}.release_date", _FILM, "date", 1950, 2022, "was released last", "was released first"),
        Measure(
            f"{_COMPANY}.annual_revenue_millions", _COMPANY, "decimal", 1, 900, "earns the most", "earns the least"
        ),
        Measure(f"{_COMPANY}.founding_date", _COMPANY, "date", 1850, 2015, "was founded last", "was founded first"),
        Measure(
            f"{_SCHOOL}.student_count",
            _SCHOOL,
            "integer",
            900,
            60_000,
            "has the most students",
            "has the fewest students",
        ),
        Measure(f"{_READING}.millimetres", _READING, "decimal", 0, 140, "shows the most rain", "shows the least rain"),
        Measure(f"{_READING}.day", _READING, "date", 1990, 2022, "was taken last", "was taken first"),
        Measure(
            f"{_GAUGE}.precision_percent", _GAUGE, "decimal", 1, 20, "has the largest error", "has the smallest error"
        ),
    ),
)

TINY: Final = Schema(
    kinds=(
        Kind("person", "first", 4, 6),
        Kind("city", "town", 2, 3),
        Kind("shop", "shop", 2, 3),
        Kind("dog", "first", 2, 3),
    ),
    links=(
        _link(
            ("city", "city of {x}|cities of {x}"),
            ("person", "person of {x}|persons of {x}"),
            between=("person", "city"),
        ),
        _link(
            ("shop", "shop of {x}|shops of {x}"), ("worker", "worker of {x}|workers of {x}"), between=("person", "shop")
        ),
        _link(
            ("dog", "dog of {x}|dogs of {x}"),
            ("owner", "owner of {x}|owners of {x}"),
            between=("person", "dog"),
            count=(0, 2),
        ),
        _link(
            ("place", "place of {x}|places of {x}"), ("store", "store of {x}|stores of {x}"), between=("shop", "city")
        ),
    ),
    measures=(
        Measure("person.age", "person", "integer", 20, 80, "has the highest age", "has the lowest age"),
        Measure("dog.age", "dog", "integer", 1, 15, "has the highest age", "has the lowest age"),
        Measure("shop.size", "shop", "integer", 10, 90, "has the highest size", "has the lowest size"),
    ),
)
