"""The six kinds of site in few, short words: what a model of a million parameters can learn to read."""

from __future__ import annotations

from typing import Final

from agenttuning.environments.worlds.sites.kinds import Field, Kind


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_CITIES: Final = _listed("berlin cairo lima london madrid oslo paris rome tokyo vienna")
_DAYS: Final = _listed("monday tuesday wednesday thursday friday saturday sunday")
_NAMES: Final = _listed("amy ben carl dora eva finn gina hugo ida jack kate leo mary nina otto paul")
_THINGS: Final = _listed("bag bed book chair coat cup desk hat lamp pan pen ring shoe sock table tent")
_TOPICS: Final = _listed("birds boats cats dogs fish horses music plants rivers stars trains trees")
_COLORS: Final = _listed("black blue red")
_LINKS: Final = _listed("help login home news map cart sale staff people files about jobs press terms contact inbox")
_FIRST: Final = _listed("big blue fast good green new old red small top")


def _kind(second: str, opening: str, fields: tuple[Field, ...], submit: str) -> Kind:
    halves = (_FIRST, _listed(second))
    return Kind(halves, (opening,), fields, _listed(submit), (), (), (), (), _LINKS)


def _type(labels: str, values: tuple[str, ...]) -> Field:
    return Field("textbox", _listed(labels), values, (f"{labels.split(maxsplit=1)[0]} {{}}",))


def _select(labels: str, values: tuple[str, ...]) -> Field:
    return Field("combobox", _listed(labels), values, (f"{labels.split(maxsplit=1)[0]} {{}}",))


def _tick(labels: str) -> Field:
    return Field("checkbox", _listed(labels), (), (labels.split(maxsplit=1)[0],))


TINY_KINDS: Final = {
    "flights": _kind(
        "air fly jet wing",
        "Book a flight",
        (_type("from", _CITIES), _type("to", _CITIES), _type("date day", _DAYS), _select("class", ("first", "second"))),
        "search find go",
    ),
    "hotels": _kind(
        "bed hotel inn room",
        "Book a hotel",
        (_type("city", _CITIES), _type("date day", _DAYS), _select("guests", ("one", "two")), _tick("breakfast food")),
        "search find go",
    ),
    "shop": _kind(
        "mart shop store market",
        "Buy",
        (_type("item", _THINGS), _select("color", _COLORS), _select("size", ("small", "large")), _tick("gift")),
        "buy order pay",
    ),
    "forms": _kind(
        "clinic school work team",
        "Send a form:",
        (_type("name", _NAMES), _type("city town", _CITIES), _type("day date", _DAYS), _tick("copy")),
        "send submit done",
    ),
    "search": _kind(
        "books index library finder",
        "Find a book:",
        (
            _type("topic about", _TOPICS),
            _select("size", ("long", "short")),
            _type("author name", _NAMES),
            _tick("online"),
        ),
        "search find show",
    ),
    "settings": _kind(
        "board desk mail chat",
        "Set",
        (_type("name", _NAMES), _select("theme", ("dark", "light")), _type("city town", _CITIES), _tick("alerts")),
        "save apply done",
    ),
}
