"""One generated site: its name decides its labels, its order and its habits, so that every visit finds it the same."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import digest
from agenttuning.environments.worlds.sites.kinds import KINDS
from agenttuning.environments.worlds.sites.small_kinds import TINY_KINDS

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.sites.kinds import Field, Kind

_TEST_SHARE: Final = 10
"""One in so many sites, and one in so many tasks, belongs to `test`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How much stands on a page."""

    kinds: dict[str, Kind]
    fields: tuple[int, int]
    """Least and most fields that a task fills in."""
    links: tuple[int, int]
    """Links of the header."""
    cards: int
    """Teasers or results below the form."""
    footer: int
    twins: int
    """Fields of a second form that look like those of the first."""
    labelled: tuple[str, ...] = ("label", "placeholder", "aria_label")
    """Where the labels of fields may stand."""

    @property
    def plain(self) -> bool:
        """Pages hold links and the form, and nothing else."""
        return self.cards == 0


SETTINGS: Final[dict[Difficulty, Setting]] = {
    "tiny": Setting(TINY_KINDS, fields=(1, 2), links=(2, 3), cards=0, footer=0, twins=0, labelled=("placeholder",)),
    "standard": Setting(KINDS, fields=(2, 4), links=(4, 8), cards=4, footer=4, twins=0),
    "hard": Setting(KINDS, fields=(3, 5), links=(6, 8), cards=8, footer=9, twins=3),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A site."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    """The label of every field, in the order of `kind.fields`."""
    submit: str
    entry: str
    """Label of the link to the form; empty where the form is on the first page."""
    order: tuple[int, ...]
    """Fields in the order in which they stand."""
    links: tuple[str, ...]
    button: str
    """Tag of its buttons: `button`, `input` or `a`."""
    labelled: str
    """Where the labels of its fields stand."""
    teasers_first: bool

    def field(self, number: int) -> Field:
        """Return a field of the form."""
        return self.kind.fields[number]


def draw_site(draw: random.Random, *, difficulty: Difficulty, seed: int, test: bool) -> Site:
    """Draw a site of a split: no site belongs to both."""
    setting = SETTINGS[difficulty]
    while True:
        kind_name = draw.choice(list(setting.kinds))
        kind = setting.kinds[kind_name]
        name = "".join(draw.choice(half) for half in kind.names)
        if in_test(f"{kind_name}/{name}") == test:
            return _build(f"{difficulty}/{seed}/{kind_name}/{name}", name, kind, setting)


def in_test(text: str) -> bool:
    """Tell which split a site or a task belongs to; seeds do not matter, so that no seed moves one across."""
    return int(digest(text), 16) % _TEST_SHARE == 0


def _build(identity: str, name: str, kind: Kind, setting: Setting) -> Site:
    draw = random.Random(identity)
    count = min(draw.randint(*setting.links), len(kind.links))
    return Site(
        name=name,
        kind=kind,
        labels=tuple(draw.choice(field.labels) for field in kind.fields),
        submit=draw.choice(kind.submits),
        entry=draw.choice(kind.entries) if kind.entries else "",
        order=tuple(draw.sample(range(len(kind.fields)), len(kind.fields))),
        links=tuple(draw.sample(kind.links, count)),
        button=draw.choice(("button", "button", "input", "a")),
        labelled=draw.choice(setting.labelled),
        teasers_first=draw.random() < 0.3,
    )
