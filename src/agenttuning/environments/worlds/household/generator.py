"""Draws household games: four rooms, six task types, three difficulties; train and test share no layout.

Task `i` of a split is drawn from (seed, split, i) alone. A drawn game is kept when its layout belongs to the split,
it is not won from the start, and the exploring expert wins it in time; else another is drawn from the same stream.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.household.catalogue import (
    ACCEPTS,
    CLEANABLE,
    COOLABLE,
    HEATABLE,
    LAMPS,
    OPENABLE,
    ROOMS,
    WHERE,
    item_marks,
)
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.errand import SENTENCES
from agenttuning.environments.worlds.household.explorer import Explorer, Search
from agenttuning.environments.worlds.household.game import KINDS, Game, Item, Kind, Receptacle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.core.records import Difficulty


@dataclass(frozen=True, slots=True)
class Setting:
    """What a difficulty means."""

    places: tuple[int, int]
    """Least and greatest number of receptacles."""
    items: tuple[int, int]
    """Least and greatest number of things besides those that the task needs."""
    turns: tuple[int, int]
    """Least and greatest number of turns of the expert."""
    closed: float
    """Share of openable receptacles that can really be opened, and are shut."""
    hidden: float
    """Share of needed things that are kept anywhere they fit rather than where they are usual."""
    numbered: bool
    """Do names always carry numbers, as in the released games; else only where two are alike."""
    search: Search
    """How the expert searches."""


SETTINGS: Final[dict[Difficulty, Setting]] = {
    "tiny": Setting((2, 4), (1, 3), (3, 8), closed=0.4, hidden=0.3, numbered=False, search="listed"),
    "standard": Setting((10, 25), (14, 30), (3, 30), closed=0.85, hidden=0.2, numbered=True, search="likely"),
    "hard": Setting((18, 40), (25, 50), (8, 35), closed=0.9, hidden=0.6, numbered=True, search="likely"),
}

_DEVICES: Final[dict[Kind, tuple[str, frozenset[str]]]] = {
    "pick_clean_then_place": ("sinkbasin", CLEANABLE),
    "pick_heat_then_place": ("microwave", HEATABLE),
    "pick_cool_then_place": ("fridge", COOLABLE),
}
_APPLIANCES: Final = frozenset(device for device, _ in _DEVICES.values())
_GOALS: Final[dict[Kind, str]] = {
    "pick_and_place": "(exists (?r - receptacle) (exists (?o - object) "
    "(and (inreceptacle ?o ?r) (objecttype ?o {item}) (receptacletype ?r {place}))))",
    "pick_clean_then_place": "(exists (?r - receptacle) (exists (?o - object) "
    "(and (objecttype ?o {item}) (receptacletype ?r {place}) (isclean ?o) (inreceptacle ?o ?r))))",
    "pick_heat_then_place": "(exists (?r - receptacle) (exists (?o - object) "
    "(and (objecttype ?o {item}) (receptacletype ?r {place}) (ishot ?o) (inreceptacle ?o ?r))))",
    "pick_cool_then_place": "(exists (?r - receptacle) (exists (?o - object) "
    "(and (objecttype ?o {item}) (receptacletype ?r {place}) (iscool ?o) (inreceptacle ?o ?r))))",
    "look_at_obj": "(and (exists (?ot - object ?r - receptacle ?a - agent ?l - location) (and (objecttype ?ot {place}) "
    "(istoggled ?ot) (receptacleatlocation ?r ?l) (atlocation ?a ?l) (inreceptacle ?ot ?r))) "
    "(exists (?o - object ?a - agent) (and (objecttype ?o {item}) (holds ?a ?o))))",
    "pick_two_obj": "(exists (?r - receptacle) (exists (?o1 - object) (and (objecttype ?o1 {item}) "
    "(receptacletype ?r {place}) (inreceptacle ?o1 ?r) (exists (?o2 - object) "
    "(and (not (= ?o1 ?o2)) (objecttype ?o2 {item}) (inreceptacle ?o2 ?r))))))",
}
_TEST_SHARE = 5
"""One layout in five belongs to the test split."""


def draw_game(index: int, *, split: str, difficulty: Difficulty, seed: int) -> Game:
    """Draw the game of one index; the six task types take turns."""
    stream = random.Random(f"{seed}/{split}/{difficulty}/{index}")
    kind = KINDS[index % len(KINDS)]
    setting = SETTINGS[difficulty]
    while True:
        game = _Draft(stream, kind, setting).game(split)
        if game is not None and _is_sound(game, setting):
            return game


def layout(places: Iterable[str]) -> str:
    """Name a layout: its receptacle types with their numbers, in no order. A room kind is told by them."""
    counts = Counter(places)
    return " ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def split_of(name: str) -> str:
    """Return the split that a layout belongs to, for every seed the same."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
    return "test" if number % _TEST_SHARE == 0 else "train"


def _is_sound(game: Game, setting: Setting) -> bool:
    house = House(game)
    if house.won:
        return False
    explorer = Explorer(house.introduction(), search=setting.search)
    plan = explorer.plan()
    move = next(plan, None)
    turns = 0
    while move is not None and turns < setting.turns[1]:
        answer = house.act(move.command)
        turns += 1
        if house.won:
            return turns >= setting.turns[0]
        try:
            move = plan.send(answer)
        except StopIteration:
            return False
    return False


class _Draft:
    """One attempt at a game."""

    def __init__(self, stream: random.Random, kind: Kind, setting: Setting) -> None:
        self._stream = stream
        self._kind = kind
        self._setting = setting
        device, treatable = _DEVICES.get(kind, ("", frozenset(WHERE)))
        rooms = [room for room, places in ROOMS.items() if not device or device in places]
        self._device = device
        self._room = ROOMS[stream.choice(rooms)]
        usual = [
            item
            for item, places in WHERE.items()
            if item in treatable and item not in LAMPS and sum(place in self._room for place in places) >= 2
        ]
        self._item = stream.choice(usual)
        homes = [place for place in WHERE[self._item] if place in self._room and place not in _APPLIANCES]
        self._target = "desklamp" if kind == "look_at_obj" else stream.choice(homes or ["garbagecan"])

    def game(self, split: str) -> Game | None:
        """Return the game, None when this attempt fits no room or belongs to the other split."""
        places = self._draw_places()
        if places is None or split_of(layout(places)) != split:
            return None
        receptacles = self._receptacles(places)
        placed = self._place_items(places)
        if placed is None:
            return None
        placed.sort(key=lambda _: self._stream.random())
        items = [
            Item(name=name, type=kind, inside=home, at=(self._location(home, places),), marks=item_marks(kind))
            for name, (kind, home) in zip(self._names([kind for kind, _ in placed]), placed, strict=True)
        ]
        sentences = SENTENCES[self._kind]
        sentence = self._stream.choice(sentences) if self._setting.numbered else sentences[0]
        present = {item.type for item in items}
        accepts = {
            place: tuple(kind for kind in ACCEPTS.get(place, ()) if kind in present) for place in sorted(set(places))
        }
        return Game(
            kind=self._kind,
            task=sentence.format(item=self._item, place=self._target),
            start=len(places) + 1,
            receptacles=receptacles,
            items=tuple(items),
            accepts={place: kinds for place, kinds in accepts.items() if kinds},
            goal=_GOALS[self._kind].format(item=self._item, place=self._target),
        )

    def _draw_places(self) -> list[str] | None:
        low, high = self._setting.places
        if self._setting.numbered:
            places = [
                kind for kind, (least, most) in self._room.items() for _ in range(self._stream.randint(least, most))
            ]
            while len(places) < low:
                kind = self._stream.choice([name for name, (_, most) in self._room.items() if most > 1])
                places.append(kind)
        else:
            needed = [place for place in (self._device, self._target) if place in self._room]
            pool = [place for place in self._room if place not in needed and place not in _APPLIANCES]
            sources = [place for place in WHERE[self._item] if place in pool]
            if not sources:
                return None
            needed.append(self._stream.choice(sources))
            others = [place for place in pool if place not in needed]
            more = self._stream.randint(max(0, low - len(needed)), max(0, high - len(needed)))
            places = needed + self._stream.sample(others, min(more, len(others)))
        if len(places) > high:
            return None
        self._stream.shuffle(places)
        return places

    def _receptacles(self, places: Sequence[str]) -> tuple[Receptacle, ...]:
        return tuple(
            Receptacle(name=name, type=kind, location=self._location(index, places), openable=self._shuts(kind))
            for index, (kind, name) in enumerate(zip(places, self._names(places), strict=True))
        )

    def _shuts(self, kind: str) -> bool:
        return kind in _APPLIANCES & OPENABLE or (kind in OPENABLE and self._stream.random() < self._setting.closed)

    @staticmethod
    def _location(place: int, places: Sequence[str]) -> int:
        return len(places) - place

    def _names(self, kinds: Sequence[str]) -> list[str]:
        """Number each kind, the first listed highest, as the released games do."""
        left = Counter(kinds)
        alone = {kind for kind, count in left.items() if count == 1 and not self._setting.numbered}
        names = []
        for kind in kinds:
            names.append(kind if kind in alone else f"{kind} {left[kind]}")
            left[kind] -= 1
        return names

    def _place_items(self, places: Sequence[str]) -> list[tuple[str, int]] | None:
        """Return (type, receptacle) of every thing: those needed, then what lies about."""
        needed = [self._item] * (2 if self._kind == "pick_two_obj" else 1)
        if self._setting.numbered and self._stream.random() < 0.5:
            needed.append(self._item)
        lamps = ["desklamp"] if self._kind == "look_at_obj" else []
        placed: list[tuple[str, int]] = []
        for kind in needed + lamps:
            home = self._home(kind, places, avoid=self._target)
            if home is None:
                return None
            placed.append((kind, home))
        for _ in range(self._stream.randint(*self._setting.items)):
            kind = self._stream.choice(self._bystanders(places))
            home = self._home(kind, places, avoid="")
            if home is not None:
                placed.append((kind, home))
        return placed

    def _bystanders(self, places: Sequence[str]) -> list[str]:
        here = set(places)
        fitting = [
            kind for kind, homes in WHERE.items() if kind not in LAMPS and kind != self._item and here & homes.keys()
        ]
        return fitting or [self._item]

    def _home(self, kind: str, places: Sequence[str], *, avoid: str) -> int | None:
        odds = WHERE[kind]
        shy = _APPLIANCES if not self._setting.numbered else frozenset()
        homes = [index for index, place in enumerate(places) if place in odds and place != avoid and place not in shy]
        if not homes:
            return None
        if self._stream.random() < self._setting.hidden:
            return self._stream.choice(homes)
        return self._stream.choices(homes, weights=[odds[places[index]] for index in homes])[0]
