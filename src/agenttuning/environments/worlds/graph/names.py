"""What the things of a generated graph are called; every name belongs to `train` or to `test`, by its own digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.sql.names import belongs_to_test, draw_name

if TYPE_CHECKING:
    import random
    from collections.abc import Collection


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


NameKind = Literal[
    "person",
    "city",
    "country",
    "language",
    "book",
    "film",
    "company",
    "university",
    "product",
    "first",
    "town",
    "shop",
]
_FIRST: Final = _listed(
    "amy ben carl dora eva finn gina hugo ida jack kate leo mary nina otto paul rosa sam tina vera will zoe"
)
_SECOND: Final = _listed(
    "bell book cook fish fox gold hill king lake lamb long moon park rice rose snow stone west wood young"
)
_PLACE: Final = _listed(
    "apple bird black blue brook east fair green high iron lake long moon new north red salt south west"
)
_GROUND: Final = _listed("bay bridge field ford gate hall hill land port side town view wood")
_GOODS: Final = _listed("bread cake coat fish fruit hat milk rice shoe soap tea toy")
_SHORT: Final = {"first": (_FIRST, _SECOND), "town": (_PLACE, _GROUND), "shop": (_PLACE, _GOODS)}
_REALMS: Final = ("Republic", "Kingdom")
_ENDINGS: Final = {"company": ("", ", Ltd")}
_FORMS: Final = {"city": "*", "country": "{} of *", "language": "*ish", "university": "University of *"}


def draw(kind: NameKind, random: random.Random, *, test: bool, taken: Collection[str]) -> str:
    """Draw a name of the split that is not taken yet."""
    while True:
        name = _short(kind, random) if kind in _SHORT else _long(kind, random, test=test)
        if name not in taken and (kind not in _SHORT or belongs_to_test(name) == test):
            return name


def _short(kind: NameKind, random: random.Random) -> str:
    first, second = _SHORT[kind]
    return f"{random.choice(first)} {random.choice(second)}"


def _long(kind: NameKind, random: random.Random, *, test: bool) -> str:
    """Draw a name around one of the split, so that it is of the split too."""
    match kind:
        case "book" | "film":
            title = draw_name("title", random, test=test)
            return f"{title} ({random.randint(1950, 2022)} film)" if kind == "film" else title
        case "person" | "company" | "product":
            return draw_name(kind, random, test=test) + random.choice(_ENDINGS.get(kind, ("",)))
        case _:
            form = _FORMS[kind].format(random.choice(_REALMS)) if kind == "country" else _FORMS[kind]
            return form.replace("*", draw_name("place", random, test=test))
