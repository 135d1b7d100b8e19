"""The graphs of standard and hard tasks: people, places, works, organisations, measurements."""

from __future__ import annotations

from typing import Final

from agenttuning.environments.worlds.graph.schema import Kind, Measure, Schema, link

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
        link(
            (
                "place_of_birth",
                "birthplace of {x}|birthplaces of {x}",
                "city that saw the birth of {x}|cities that saw the birth of {x}",
            ),
            ("people_born_here", "native of {x}|natives of {x}", "person born in {x}|people born in {x}"),
            between=(_PERSON, _CITY),
        ),
        link(
            (
                "residence",
                "home town of {x}|home towns of {x}",
                "city that is now home to {x}|cities that are now home to {x}",
            ),
            ("residents", "resident of {x}|residents of {x}", "person living in {x}|people living in {x}"),
            between=(_PERSON, _CITY),
        ),
        link(
            ("employer", "employer of {x}|employers of {x}", "company that pays {x}|companies that pay {x}"),
            ("employees", "employee of {x}|employees of {x}", "person working for {x}|people working for {x}"),
            between=(_PERSON, _COMPANY),
        ),
        link(
            ("education", "university of {x}|universities of {x}", "school that taught {x}|schools that taught {x}"),
            ("alumni", "graduate of {x}|graduates of {x}", "former student of {x}|former students of {x}"),
            between=(_PERSON, _SCHOOL),
            count=(0, 1),
        ),
        link(
            ("mentor", "mentor of {x}|mentors of {x}", "person who guided {x}|people who guided {x}"),
            ("pupils", "pupil of {x}|pupils of {x}", "person guided by {x}|people guided by {x}"),
            between=(_PERSON, _PERSON),
            count=(0, 1),
        ),
        link(
            ("languages_spoken", "language of {x}|languages of {x}", "language spoken by {x}|languages spoken by {x}"),
            ("speakers", "speaker of {x}|speakers of {x}", "person who speaks {x}|people who speak {x}"),
            between=(_PERSON, _TONGUE),
            count=(1, 2),
        ),
        link(
            ("country", "country of {x}|countries of {x}", "country that holds {x}|countries that hold {x}"),
            ("cities", "city of {x}|cities of {x}", "city lying in {x}|cities lying in {x}"),
            between=(_CITY, _COUNTRY),
        ),
        link(
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
        link(
            ("author", "author of {x}|authors of {x}", "person who wrote {x}|people who wrote {x}"),
            ("books_written", "book of {x}|books of {x}", "book written by {x}|books written by {x}"),
            between=(_BOOK, _PERSON),
            count=(1, 2),
        ),
        link(
            (
                "publisher",
                "publisher of {x}|publishers of {x}",
                "company that brought out {x}|companies that brought out {x}",
            ),
            ("titles_published", "title of {x}|titles of {x}", "book brought out by {x}|books brought out by {x}"),
            between=(_BOOK, _COMPANY),
        ),
        link(
            ("setting", "setting of {x}|settings of {x}", "city where {x} is set|cities where {x} is set"),
            (
                "books_set_here",
                "book set in {x}|books set in {x}",
                "book that takes place in {x}|books that take place in {x}",
            ),
            between=(_BOOK, _CITY),
        ),
        link(
            ("based_on", "source of {x}|sources of {x}", "book that {x} is based on|books that {x} is based on"),
            ("adaptations", "film version of {x}|film versions of {x}", "film based on {x}|films based on {x}"),
            between=(_FILM, _BOOK),
            count=(0, 1),
        ),
        link(
            ("directed_by", "director of {x}|directors of {x}", "person who directed {x}|people who directed {x}"),
            ("films_directed", "film of {x}|films of {x}", "film directed by {x}|films directed by {x}"),
            between=(_FILM, _PERSON),
        ),
        link(
            ("starring", "star of {x}|stars of {x}", "person who acted in {x}|people who acted in {x}"),
            (
                "films_acted_in",
                "screen role of {x}|screen roles of {x}",
                "film with {x} in the cast|films with {x} in the cast",
            ),
            between=(_FILM, _PERSON),
            count=(2, 4),
        ),
        link(
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
        link(
            ("founder", "founder of {x}|founders of {x}", "person who set up {x}|people who set up {x}"),
            (
                "companies_founded",
                "company founded by {x}|companies founded by {x}",
                "company that was set up by {x}|companies that were set up by {x}",
            ),
            between=(_COMPANY, _PERSON),
            count=(1, 2),
        ),
        link(
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
        link(
            ("campus", "campus city of {x}|campus cities of {x}", "city where {x} teaches|cities where {x} teaches"),
            (
                "universities",
                "university in {x}|universities in {x}",
                "school that teaches in {x}|schools that teach in {x}",
            ),
            between=(_SCHOOL, _CITY),
        ),
        link(
            ("taken_in", "city of the reading {x}|cities of the readings {x}"),
            (
                "rainfall_readings",
                "rainfall reading of {x}|rainfall readings of {x}",
                "measurement of the rain in {x}|measurements of the rain in {x}",
            ),
            between=(_READING, _CITY),
        ),
        link(
            ("taken_by", "observer behind {x}|observers behind {x}", "person who took {x}|people who took {x}"),
            (
                "readings_taken",
                "reading taken by {x}|readings taken by {x}",
                "measurement made by {x}|measurements made by {x}",
            ),
            between=(_READING, _PERSON),
        ),
        link(
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
        link(
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
