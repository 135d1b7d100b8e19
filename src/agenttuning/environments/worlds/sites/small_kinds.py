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
_COLORS: Final = _listed("black blue green red white")
_FIRST: Final = _listed("big blue fast good green new old red small top")


def _kind(second: str, opening: str, fields: tuple[Field, ...], submit: str, links: str) -> Kind:
    halves = (_FIRST, _listed(second))
    return Kind(halves, (opening,), fields, (submit,), (), (), (), (), _listed(links))


def _type(label: str, values: tuple[str, ...]) -> Field:
    return Field("textbox", (label,), values, (f"{label} {{}}",))


def _select(label: str, values: tuple[str, ...]) -> Field:
    return Field("combobox", (label,), values, (f"{label} {{}}",))


def _tick(label: str) -> Field:
    return Field("checkbox", (label,), (), (label,))


TINY_KINDS: Final = {
    "flights": _kind(
        "air fly jet wing",
        "Book a flight",
        (_type("from", _CITIES), _type("to", _CITIES), _type("date", _DAYS), _select("class", ("first", "second"))),
        "search",
        "help login status seats",
    ),
    "hotels": _kind(
        "bed hotel inn room",
        "Book a hotel",
        (_type("city", _CITIES), _type("date", _DAYS), _select("guests", ("one", "two")), _tick("breakfast")),
        "find",
        "help login deals map",
    ),
    "shop": _kind(
        "mart shop store market",
        "Buy",
        (_type("item", _THINGS), _select("color", _COLORS[:3]), _select("size", ("small", "large")), _tick("gift")),
        "buy",
        "help cart orders sale",
    ),
    "forms": _kind(
        "clinic school work team",
        "Send a form:",
        (_type("name", _NAMES), _type("city", _CITIES), _type("day", _DAYS), _tick("copy")),
        "send",
        "help news staff hours",
    ),
    "search": _kind(
        "books index library finder",
        "Find a book:",
        (_type("topic", _TOPICS), _select("size", ("long", "short")), _type("author", _NAMES), _tick("online")),
        "find",
        "help loans news rooms",
    ),
    "settings": _kind(
        "board desk mail chat",
        "Set",
        (_type("name", _NAMES), _select("theme", ("dark", "light")), _type("city", _CITIES), _tick("alerts")),
        "save",
        "help inbox people files",
    ),
}
