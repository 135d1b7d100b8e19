"""What a household holds: rooms, what stands in them, what things can have done to them and where they are kept.

The figures are rounded counts over released ALFWorld training games: how many things of a kind are found per hundred
receptacles of a type. The generator places by them and the exploring expert searches by them.
"""

from __future__ import annotations

from typing import Final

KEPT: Final[str] = """
alarmclock: desk 86 dresser 34 sidetable 15 shelf 6 diningtable 4 countertop 1
apple: fridge 49 microwave 26 diningtable 25 countertop 18 sinkbasin 11 garbagecan 11 sidetable 4
book: bed 87 desk 39 dresser 17 coffeetable 17 armchair 8 sofa 7 countertop 4 tvstand 3 sidetable 2 drawer 1 shelf 1
bowl: fridge 43 desk 33 diningtable 32 countertop 15 dresser 13 cabinet 5 coffeetable 5 sinkbasin 4 microwave 4
box: coffeetable 31 sofa 24 diningtable 9 desk 9 tvstand 9 sidetable 3 armchair 3 dresser 2 cabinet 1 shelf 1
bread: diningtable 54 countertop 34 fridge 18 microwave 1 garbagecan 1 sidetable 1
butterknife: diningtable 47 countertop 39 sinkbasin 7 sidetable 5 drawer 1
candle: cart 56 toilet 53 countertop 8 coffeetable 7 dresser 4 tvstand 3 sidetable 3 shelf 2 cabinet 1 drawer 1
cd: desk 40 dresser 31 sidetable 12 diningtable 4 garbagecan 3 safe 3 drawer 2 shelf 2 armchair 2 cabinet 1
cellphone: desk 64 bed 52 dresser 29 safe 17 sidetable 12 diningtable 6 sofa 5 armchair 5 coffeetable 5 shelf 3
cloth: bathtubbasin 87 cart 22 toilet 5 dresser 5 countertop 4 drawer 1 shelf 1 cabinet 1 sinkbasin 1
creditcard: tvstand 49 dresser 43 desk 40 sofa 35 sidetable 25 coffeetable 24 armchair 21 shelf 7 diningtable 6
cup: fridge 43 diningtable 29 countertop 16 sinkbasin 12 microwave 12 sidetable 5 cabinet 3 shelf 1
desklamp: desk 27 dresser 26 sidetable 16 shelf 1 coffeetable 1
dishsponge: diningtable 25 cart 22 countertop 19 bathtubbasin 15 sinkbasin 10 drawer 5 garbagecan 5 cabinet 3 shelf 3
egg: fridge 45 microwave 28 diningtable 24 sinkbasin 18 countertop 16 garbagecan 12 sidetable 4
fork: diningtable 48 countertop 31 sinkbasin 13 drawer 4 sidetable 3
glassbottle: diningtable 6 countertop 5 fridge 5 sinkbasin 2 cabinet 1 garbagecan 1 shelf 1
handtowel: handtowelholder 77 countertop 1
kettle: stoveburner 8 countertop 8 diningtable 7 cabinet 1 sinkbasin 1 shelf 1
keychain: desk 54 coffeetable 39 dresser 38 safe 24 sidetable 22 tvstand 14 sofa 11 armchair 8 diningtable 7 shelf 5
knife: diningtable 52 countertop 34 sinkbasin 5 drawer 3 sidetable 2
ladle: countertop 11 diningtable 11 drawer 1 cabinet 1 sinkbasin 1
laptop: bed 104 desk 42 coffeetable 34 sofa 26 dresser 15 tvstand 14 diningtable 11 armchair 5 sidetable 2
lettuce: diningtable 46 fridge 46 countertop 26 sinkbasin 7 sidetable 6 garbagecan 1
mug: coffeemachine 36 desk 35 fridge 33 diningtable 28 countertop 22 dresser 21 microwave 18 sidetable 8 sinkbasin 7
newspaper: coffeetable 25 sofa 19 ottoman 20 dresser 8 diningtable 5 armchair 5 sidetable 3 tvstand 3 shelf 2 drawer 1
pan: stoveburner 21 countertop 20 diningtable 8 fridge 7 cabinet 1
pen: desk 66 dresser 37 sidetable 17 diningtable 12 coffeetable 10 shelf 7 tvstand 6 countertop 2 drawer 2
pencil: desk 49 dresser 36 sidetable 17 coffeetable 10 diningtable 7 shelf 5 garbagecan 3 drawer 2 countertop 1
peppershaker: diningtable 40 countertop 22 cabinet 4 sidetable 3 drawer 3 shelf 2
pillow: bed 154 sofa 78 armchair 14
plate: diningtable 38 coffeetable 20 countertop 19 fridge 15 cabinet 6 sinkbasin 2 sidetable 1 microwave 1 shelf 1
pot: stoveburner 35 countertop 9 fridge 8 diningtable 5 cabinet 1 sinkbasin 1 shelf 1
potato: fridge 54 diningtable 37 microwave 20 countertop 20 sinkbasin 12 garbagecan 5 sidetable 3
remotecontrol: tvstand 51 coffeetable 39 sofa 32 ottoman 20 dresser 11 armchair 10 sidetable 10 desk 8 diningtable 6
saltshaker: diningtable 36 countertop 22 cabinet 4 sidetable 4 drawer 3 shelf 2
soapbar: toilet 34 bathtubbasin 27 cart 11 sinkbasin 7 countertop 5 garbagecan 2 drawer 1 cabinet 1 shelf 1
soapbottle: diningtable 44 toilet 41 cart 33 countertop 31 garbagecan 14 sidetable 6 cabinet 5 dresser 5 shelf 4
spatula: diningtable 47 countertop 31 sinkbasin 13 sidetable 4 drawer 3
spoon: diningtable 39 countertop 29 sinkbasin 16 drawer 5 sidetable 3
spraybottle: cart 89 toilet 64 countertop 10 dresser 5 garbagecan 4 diningtable 4 shelf 2 cabinet 1 sidetable 1
statue: coffeetable 54 tvstand 37 dresser 17 diningtable 13 sidetable 10 shelf 9 desk 6 countertop 4
tissuebox: cart 33 coffeetable 25 tvstand 17 desk 14 diningtable 8 shelf 3 sidetable 3 countertop 2 dresser 2 drawer 1
toiletpaper: toilet 42 toiletpaperhanger 21 cart 11 countertop 7 garbagecan 5 dresser 4 shelf 2 cabinet 1 drawer 1
tomato: fridge 68 diningtable 36 countertop 21 sinkbasin 8 garbagecan 7 sidetable 5
towel: towelholder 88 countertop 1
vase: coffeetable 28 tvstand 20 dresser 14 shelf 10 diningtable 8 sidetable 5 countertop 4 desk 3 cabinet 1
watch: tvstand 26 coffeetable 25 dresser 12 sidetable 6 diningtable 6 drawer 1 shelf 1 desk 1
wateringcan: coffeetable 9 shelf 1
winebottle: diningtable 23 countertop 9 garbagecan 3 cabinet 2 fridge 2 shelf 1
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLEANABLE: Final = _words(
    "apple bowl butterknife cloth cup dishsponge egg fork kettle knife ladle lettuce mug pan plate pot potato soapbar "
    "spatula spoon tomato"
)
HEATABLE: Final = _words("apple bread cup egg mug plate potato tomato")
COOLABLE: Final = _words("apple bowl bread cup egg lettuce mug pan plate pot potato tomato winebottle")
SLICEABLE: Final = _words("apple bread egg lettuce potato tomato")
VESSELS: Final = _words("bowl box cup mug pan plate pot")
LAMPS: Final = _words("desklamp floorlamp")
OPENABLE: Final = _words("cabinet drawer fridge microwave safe")
APPLIANCES: Final = _words("sinkbasin microwave fridge")
"""What cleans, heats and cools."""

ROOMS: Final[dict[str, dict[str, tuple[int, int]]]] = {
    "kitchen": {
        "cabinet": (2, 8), "coffeemachine": (1, 1), "countertop": (1, 3), "diningtable": (0, 1), "drawer": (1, 5),
        "fridge": (1, 1), "garbagecan": (1, 1), "microwave": (1, 1), "shelf": (0, 3), "sidetable": (0, 1),
        "sinkbasin": (1, 1), "stoveburner": (2, 4), "toaster": (1, 1),
    },
    "bathroom": {
        "bathtubbasin": (0, 1), "cabinet": (0, 5), "cart": (0, 1), "countertop": (1, 2), "drawer": (0, 5),
        "garbagecan": (1, 1), "handtowelholder": (1, 2), "shelf": (0, 3), "sinkbasin": (1, 2), "toilet": (1, 1),
        "toiletpaperhanger": (1, 1), "towelholder": (1, 1),
    },
    "bedroom": {
        "armchair": (0, 1), "bed": (1, 2), "desk": (1, 2), "drawer": (2, 6), "dresser": (0, 1), "garbagecan": (1, 1),
        "laundryhamper": (0, 1), "safe": (0, 1), "shelf": (0, 6), "sidetable": (1, 2),
    },
    "living room": {
        "armchair": (1, 2), "cabinet": (0, 3), "coffeetable": (1, 2), "diningtable": (0, 1), "drawer": (0, 5),
        "dresser": (0, 1), "garbagecan": (1, 1), "ottoman": (0, 1), "shelf": (0, 4), "sidetable": (1, 3),
        "sofa": (1, 1), "tvstand": (0, 1),
    },
}  # fmt: skip
"""For each room the least and the greatest number of receptacles of a type."""


THINGS: Final = {
    "kitchen": _words(
        "apple bowl bread butterknife cup dishsponge egg fork glassbottle kettle knife ladle lettuce mug pan pencil "
        "peppershaker plate pot potato saltshaker soapbottle spatula spoon spraybottle statue tomato vase winebottle"
    ),
    "bathroom": _words("candle cloth dishsponge handtowel soapbar soapbottle spraybottle tissuebox toiletpaper towel"),
    "bedroom": _words(
        "alarmclock book bowl box cd cellphone cloth creditcard keychain laptop mug pen pencil pillow remotecontrol "
        "statue tissuebox vase watch"
    ),
    "living room": _words(
        "book bowl box candle cellphone creditcard keychain laptop newspaper pen pencil pillow plate remotecontrol "
        "statue tissuebox vase watch wateringcan"
    ),
}
"""For each room the item types that are found there, lamps aside."""
LIT_ROOMS: Final = ("bedroom", "living room")
"""Where desk lamps are."""


def _read(table: str) -> dict[str, dict[str, int]]:
    kept: dict[str, dict[str, int]] = {}
    for line in table.strip().splitlines():
        item, _, places = line.partition(": ")
        words = places.split()
        kept[item] = {place: int(count) for place, count in zip(words[::2], words[1::2], strict=True)}
    return kept


WHERE: Final = _read(KEPT)
"""For each item type the receptacle types it is found in, with the count per hundred of them."""

ACCEPTS: Final = {
    place: tuple(sorted(item for item, places in WHERE.items() if place in places and item not in LAMPS))
    for place in sorted({place for places in WHERE.values() for place in places})
}
"""For each receptacle type the item types that may be put there."""


def item_marks(kind: str) -> tuple[str, ...]:
    """Return the unary predicates of an item type."""
    if kind in LAMPS:
        return ("toggleable",)
    table = (
        ("cleanable", CLEANABLE),
        ("coolable", COOLABLE),
        ("heatable", HEATABLE),
        ("isreceptacleobject", VESSELS),
        ("sliceable", SLICEABLE),
    )
    return ("pickupable", *(mark for mark, kinds in table if kind in kinds))
