"""Made-up people, places and titles; every name belongs to `train` or to `test`, by its own digest."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.records import digest

if TYPE_CHECKING:
    import random
    from collections.abc import Collection


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


NameKind = Literal["person", "place", "team", "title", "ship", "product", "company"]

_TEST_SHARE: Final = 5
"""One name in so many belongs to `test`."""
_FIRST: Final = _listed(
    "Ada Aino Alma Anton Arlo Beata Bruno Carla Cedric Clara Dario Delia Edgar Elin Emil Enzo Esther Felix Flora "
    "Gideon Greta Hanna Hector Ilse Ivan Jonas Judith Karim Klara Lars Lena Leon Livia Magnus Mara Mila Nadia Nils "
    "Noor Olga Oscar Petra Quentin Rania Ruben Saskia Selma Simon Stella Tamar Theo Ulla Viktor Wanda Yara Zeno"
)
_LAST: Final = _listed(
    "Abbott Almeida Bergman Brandt Calder Castillo Dahl Delgado Eklund Ferris Fontaine Garrick Haddad Halvorsen "
    "Ibarra Jansen Kovac Kruger Lindqvist Lowell Marchetti Mbeki Nakata Novak Okoye Osborne Petrov Quist Ramos "
    "Rourke Sandoval Schreiber Sorensen Takeda Thorne Ueda Valdez Vance Wexler Winslow Yilmaz Zimmer O'Dell D'Arcy"
)
_SITE: Final = _listed(
    "Alder Ash Birch Black Bram Brook Castle Cedar Clay Cold Copper Crow Dun East Elm Fal Fern Fox Glen Gold Green "
    "Hazel High Holm Iron Kings Lake Lin Long Marl Mill Moss New North Oak Old Otter Pine Raven Red Rose Salt Sand "
    "Silver South Stone Swan Thorn Wal West White Wind Wood Wren"
)
_GROUND: Final = _listed(
    "bay bridge brook burg bury by cliff combe cross dale den field ford gate grove ham haven hill holm hurst land "
    "ley mere minster mouth point pool port ridge shaw stead stow ton vale water wick worth"
)
_MASCOT: Final = _listed(
    "Badgers Comets Condors Dragons Falcons Foxes Giants Hornets Kestrels Lynxes Mariners Otters Pilots Pioneers "
    "Rangers Ravens Rovers Sharks Stags Storks Titans Wolves"
)
_QUALITY: Final = _listed(
    "Amber Ancient Bitter Blue Broken Burning Crimson Crystal Distant Empty Endless Fading Frozen Gentle Golden "
    "Hidden Hollow Lonely Lost Midnight Paper Quiet Restless Scarlet Secret Silent Sleeping Stolen Sudden Velvet "
    "Wandering Wild"
)
_THING: Final = _listed(
    "Anchor Bells Canyon Circus Clock Compass Crown Door Echo Ember Engine Feather Garden Harbor Harvest Island "
    "Lantern Letter Machine Meadow Mirror Mountain Orchard Parade Promise River Road Season Shadow Shore Signal "
    "Sparrow Station Summer Thunder Tide Tower Voyage Window Winter"
)
_MAKE: Final = _listed(
    "Arcadia Borealis Corvus Delphi Equinox Fulcrum Helios Junction Meridian Nimbus Orion Pallas Quasar"
)
_FIRM: Final = _listed(
    "Foods Freight Glass Instruments Logistics Marine Mills Motors Optics Paper Power Steel Textiles Tools"
)


def draw_name(kind: NameKind, draw: random.Random, *, test: bool, taken: Collection[str] = ()) -> str:
    """Draw a name of the split that is not taken yet."""
    while True:
        name = _compose(kind, draw)
        if name not in taken and belongs_to_test(name) == test:
            return name


@lru_cache(maxsize=65_536)
def belongs_to_test(name: str) -> bool:
    """Say which split a name belongs to, whatever the seed."""
    return int(digest(name), 16) % _TEST_SHARE == 0


def _compose(kind: NameKind, draw: random.Random) -> str:
    place = draw.choice(_SITE) + draw.choice(_GROUND)
    match kind:
        case "person":
            return f"{draw.choice(_FIRST)} {draw.choice(_LAST)}"
        case "place":
            return place
        case "team":
            return f"{place} {draw.choice(_MASCOT)}"
        case "title":
            return f"The {draw.choice(_QUALITY)} {draw.choice(_THING)}"
        case "ship":
            return f"{draw.choice(_QUALITY)} {draw.choice(_THING)}"
        case "product":
            return f"{draw.choice(_MAKE)} {draw.choice('ABCDEFGHKLMNPRSTVXZ')}{draw.randint(1, 99)}"
        case "company":
            return f"{draw.choice(_LAST)} {draw.choice(_FIRM)}"
