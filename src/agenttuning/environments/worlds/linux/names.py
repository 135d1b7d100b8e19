"""Words, and names of files, folders and accounts; every name belongs to `train` or to `test`, by its own digest."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import digest

if TYPE_CHECKING:
    import random
    from collections.abc import Collection


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_TEST_SHARE: Final = 5
"""One name in so many belongs to `test`."""
_FIRST: Final = _listed(
    "amber ashen azure bold brass brisk bronze calm cedar cobalt copper coral crimson crystal dusty early ember "
    "faded fern flint frosty gentle gilded golden granite green hazel heavy hollow indigo iron ivory jade jolly late "
    "lilac linen lively lunar maple marble mellow misty modest narrow navy noble northern oaken olive opal pale "
    "patient pearl pine plain polar proud quiet rapid rustic sandy scarlet silent silver slate slender solar sturdy "
    "sunny tidal timber upper velvet violet walnut wild willow winter"
)
_SECOND: Final = _listed(
    "anchor arch atlas badger basin beacon bell bison bridge brook canyon castle comet condor crane creek crow delta "
    "dune eagle falcon ferry field finch forge fox garden gate glacier grove harbor hawk hedge heron hill island kite "
    "lagoon lake lantern ledge lynx marsh meadow mill moth orchard osprey otter owl pebble pier plover pond quarry "
    "raven reef ridge river robin rook shore spring stork summit swan thicket tower trail valley vault wharf wren "
    "yard"
)
_SHORT: Final = _listed(
    "ant ash bat bay bee box cap cat cup day dog ear elm fig fox gem hat ice jar key log map net oak owl pen pot ram "
    "sea sky sun tea toy van web yak"
)
_PEOPLE: Final = _listed(
    "ada alma anton arlo bea bruno carla cleo dario edgar elin enzo esther felix flora gideon greta hanna hugo ilse "
    "ivan jonas judith karim klara lars lena leon livia magnus mara mila nadia nils noor olga oscar petra rania ruben "
    "selma simon stella tamar theo ulla viktor wanda yara zeno"
)

WORDS: Final = _listed(
    "amount answer budget cargo chart copy cost cycle desk draft engine event figure format girder handle index item "
    "journey label ladder layer letter limit machine margin market matter method model motor number order packet "
    "paper parcel pattern plan point price quota range record report route sample scale season series signal sketch "
    "source stage stock supply system table target test ticket token total trade unit update value vessel volume "
    "wagon weight window worker zone"
)
KEYS: Final = _listed("colour depth height language level limit port region retries size speed timeout width")


def draw_name(draw: random.Random, *, test: bool, taken: Collection[str] = ()) -> str:
    """Draw a name of two words, such as `amber-ridge`, that belongs to the split and is not taken."""
    while True:
        name = f"{draw.choice(_FIRST)}-{draw.choice(_SECOND)}"
        if name not in taken and belongs_to_test(name) == test:
            return name


def draw_short_name(draw: random.Random, *, test: bool, taken: Collection[str] = ()) -> str:
    """Draw a short word with a number, such as `oak17`."""
    while True:
        name = f"{draw.choice(_SHORT)}{draw.randint(1, 99)}"
        if name not in taken and belongs_to_test(name) == test:
            return name


def draw_account(draw: random.Random, *, test: bool, taken: Collection[str] = ()) -> str:
    """Draw a login name, such as `klara42`."""
    while True:
        name = f"{draw.choice(_PEOPLE)}{draw.randint(10, 99)}"
        if name not in taken and belongs_to_test(name) == test:
            return name


@lru_cache(maxsize=65_536)
def belongs_to_test(name: str) -> bool:
    """Say which split a name belongs to, whatever the seed."""
    return int(digest(name), 16) % _TEST_SHARE == 0
