"""What the generated tables are about: thirteen domains, a key and up to seven further columns each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sql.names import NameKind


@dataclass(frozen=True, slots=True)
class Words:
    """A column whose cells come from a short list."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """A column of made-up names."""

    name: str
    kind: NameKind


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, with one decimal or none."""

    name: str
    low: int
    high: int
    decimals: Literal[0, 1] = 0


Column = Words | Names | Numbers


@dataclass(frozen=True, slots=True)
class Domain:
    """One subject."""

    titles: tuple[str, ...]
    subject: str
    """What a row is, in the singular."""
    key: Names
    columns: tuple[Column, ...]


def _words(name: str, text: str) -> Words:
    return Words(name, tuple(word.replace("_", " ") for word in text.split()))


DOMAINS: Final = (
    Domain(
        titles=("Lighthouse Register", "lighthouses", "Coastal Lights"),
        subject="lighthouse",
        key=Names("Lighthouse", "place"),
        columns=(
            _words("Coast", "north_coast south_coast east_coast west_coast"),
            _words("Light colour", "white red green amber"),
            Numbers("Year built", 1790, 1985),
            Numbers("Height (m)", 9, 72),
            Numbers("Range", 8, 29, 1),
            Names("Keeper", "person"),
            _words("Tower material", "granite brick iron concrete timber"),
        ),
    ),
    Domain(
        titles=("Football League Table", "league_table", "Second Division Clubs"),
        subject="club",
        key=Names("Club", "team"),
        columns=(
            Numbers("Played", 20, 38),
            Numbers("Goals scored", 14, 96),
            Numbers("Points", 11, 94),
            Names("Head coach", "person"),
            _words("Region", "North South East West Midlands"),
            Numbers("Founded", 1875, 1992),
            Numbers("Average attendance", 900, 41000),
        ),
    ),
    Domain(
        titles=("Feature Films", "film_list", "Festival Programme"),
        subject="film",
        key=Names("Title", "title"),
        columns=(
            Names("Director", "person"),
            Numbers("Release year", 1948, 2019),
            _words("Genre", "drama comedy thriller documentary western animation"),
            Numbers("Running time", 71, 189),
            Numbers("Critic score", 21, 98, 1),
            _words("Language", "English French Spanish Polish Japanese Hindi"),
            _words("Award", "none jury_prize best_picture best_script audience_prize"),
        ),
    ),
    Domain(
        titles=("Staff Directory", "employees", "Personnel of the Northern Office"),
        subject="employee",
        key=Names("Employee name", "person"),
        columns=(
            _words("Department", "sales research finance legal logistics design"),
            Numbers("Salary", 24000, 98000),
            Numbers("Start year", 1991, 2022),
            Names("Office city", "place"),
            _words("Job title", "analyst manager clerk engineer director assistant"),
            Numbers("Vacation days", 12, 35),
            _words("Contract", "permanent temporary part-time"),
        ),
    ),
    Domain(
        titles=("Railway Stations", "stations", "Stations of the Valley Line"),
        subject="station",
        key=Names("Station", "place"),
        columns=(
            Numbers("Platforms", 1, 14),
            Numbers("Daily passengers", 120, 64000),
            Numbers("Opened", 1841, 1979),
            _words("Line", "Red_Line Blue_Line Green_Line Harbour_Line Hill_Line"),
            Numbers("Distance (km)", 2, 240, 1),
            _words("Step-free access", "full partial none"),
        ),
    ),
    Domain(
        titles=("Mountain Peaks", "peaks", "Peaks by Height"),
        subject="peak",
        key=Names("Peak", "place"),
        columns=(
            Numbers("Elevation", 812, 6890),
            _words("Range name", "Grey_Range Long_Range Sable_Range Twin_Range"),
            Numbers("First ascent", 1801, 1976),
            Names("First climber", "person"),
            Numbers("Prominence", 60, 2900),
            _words("Difficulty", "easy moderate hard severe"),
        ),
    ),
    Domain(
        titles=("Swimming Results", "swim_final", "Women's 200 m Final"),
        subject="swimmer",
        key=Names("Swimmer", "person"),
        columns=(
            Names("Swim club", "place"),
            Numbers("Lane", 1, 8),
            Numbers("Time (s)", 118, 154, 1),
            Numbers("Age", 15, 34),
            _words("Nation", "Norway Brazil Kenya Japan Canada Hungary"),
            _words("Heat", "first second third fourth"),
        ),
    ),
    Domain(
        titles=("Museum Catalogue", "paintings", "Paintings on Loan"),
        subject="painting",
        key=Names("Painting", "title"),
        columns=(
            Names("Artist", "person"),
            Numbers("Year painted", 1602, 1968),
            _words("Technique", "oil watercolour tempera pastel ink"),
            _words("Gallery room", "Room_A Room_B Room_C Room_D Room_E"),
            Numbers("Width (cm)", 18, 340),
            Numbers("Insured value", 4000, 880000),
            _words("Condition", "good fair poor restored"),
        ),
    ),
    Domain(
        titles=("Harbour Log", "ships_in_port", "Arrivals at Pier 9"),
        subject="ship",
        key=Names("Ship", "ship"),
        columns=(
            Names("Captain", "person"),
            Names("Home port", "place"),
            Numbers("Tonnage", 310, 88000),
            _words("Cargo", "grain timber coal fruit machinery salt"),
            Numbers("Crew size", 6, 64),
            _words("Flag", "Panama Greece Norway Chile Malta"),
            Numbers("Built in", 1958, 2017),
        ),
    ),
    Domain(
        titles=("Camera Models", "cameras", "Product Range 2012"),
        subject="model",
        key=Names("Model", "product"),
        columns=(
            Numbers("Weight (g)", 180, 1490),
            Numbers("List price", 89, 3990),
            Numbers("Zoom", 2, 40, 1),
            _words("Sensor", "CCD CMOS Foveon"),
            _words("Body colour", "black silver white red"),
            Numbers("Units sold", 240, 98000),
            Names("Maker", "company"),
        ),
    ),
    Domain(
        titles=("Election Results", "candidates", "Council Election"),
        subject="candidate",
        key=Names("Candidate", "person"),
        columns=(
            _words("Party", "Farmers_Union Progress_Party Civic_List Green_Front Liberal_League"),
            Numbers("Votes", 140, 28900),
            Numbers("Share (%)", 1, 61, 1),
            Names("District", "place"),
            _words("Status", "elected defeated withdrawn"),
            Numbers("Term", 1, 7),
        ),
    ),
    Domain(
        titles=("Company Figures", "companies", "Exporters of the Region"),
        subject="company",
        key=Names("Company", "company"),
        columns=(
            Names("Head office", "place"),
            Numbers("Revenue", 2, 940, 1),
            Numbers("Staff count", 8, 12800),
            _words("Industry", "chemicals food energy transport media"),
            Names("Chief executive", "person"),
            Numbers("Listed since", 1961, 2015),
        ),
    ),
    Domain(
        titles=("Episode Guide", "episodes", "Episodes of Season 3"),
        subject="episode",
        key=Names("Episode title", "title"),
        columns=(
            Numbers("Viewers (millions)", 1, 14, 1),
            Names("Written by", "person"),
            Names("Directed by", "person"),
            Numbers("Length (min)", 21, 64),
            _words("Air day", "Monday Tuesday Thursday Friday Sunday"),
            Numbers("Production code", 101, 399),
        ),
    ),
)
