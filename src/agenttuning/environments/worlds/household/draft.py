"""One attempt at a household game: a room, a task that fits it, and things in their places."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.household.catalogue import (
    ACCEPTS,
    APPLIANCES,
    CLEANABLE,
    COOLABLE,
    HEATABLE,
    LIT_ROOMS,
    OPENABLE,
    ROOMS,
    THINGS,
    WHERE,
    item_marks,
)
from agenttuning.environments.worlds.household.errand import SENTENCES
from agenttuning.environments.worlds.household.game import Game, Item, Kind, Receptacle

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from agenttuning.environments.worlds.household.explorer import Search


@dataclass(frozen=True, slots=True)
class Setting:
    """What a difficulty means."""

    places: tuple[int, int]
    """Least and greatest number of receptacles."""
    items: tuple[int, int]
    """Least and greatest number of things besides those that the task needs."""
    turns: tuple[int, int]
    """Least and greatest number of turns of the expert."""
    shut: float
    """Share of cabinets, drawers and safes that have to be opened."""
    hidden: float
    """Share of things that are kept anywhere they fit rather than where they are usual."""
    small: bool
    """One receptacle of a type at most, no number in a name that needs none, and nothing needed inside appliances."""
    search: Search
    """How the expert searches."""


TREATMENTS: Final[dict[Kind, tuple[str, frozenset[str], str]]] = {
    "pick_clean_then_place": ("sinkbasin", CLEANABLE, "isclean"),
    "pick_heat_then_place": ("microwave", HEATABLE, "ishot"),
    "pick_cool_then_place": ("fridge", COOLABLE, "iscool"),
}
"""For each task type with a treatment: the appliance, the item types, and the predicate it brings about."""

_LAMP: Final = "desklamp"


@dataclass(frozen=True, slots=True)
class _Choice:
    """A room with an item that a task type may ask for there."""

    room: str
    item: str
    targets: tuple[str, ...]
    """Receptacle types it may be brought to; the lamp in `look_at_obj`."""
    sources: tuple[str, ...]
    """Receptacle types it may be fetched from."""


@cache
def _choices(kind: Kind) -> tuple[_Choice, ...]:
    device, treatable, _ = TREATMENTS.get(kind, ("", frozenset(WHERE), ""))
    found = []
    for room, places in ROOMS.items():
        if (device and device not in places) or (kind == "look_at_obj" and room not in LIT_ROOMS):
            continue
        for item in sorted(THINGS[room] & treatable):
            homes = tuple(place for place in WHERE[item] if place in places and place not in APPLIANCES)
            if len(homes) >= 2:
                found.append(_Choice(room, item, (_LAMP,) if kind == "look_at_obj" else homes, homes))
    return tuple(found)


class Draft:
    """One attempt; the stream alone decides what comes out."""

    def __init__(self, stream: random.Random, kind: Kind, setting: Setting) -> None:
        self._stream = stream
        self._kind = kind
        self._setting = setting
        self._choice = stream.choice(_choices(kind))
        self._target = stream.choice(self._choice.targets)
        self.places = self._draw_small_room() if setting.small else self._draw_room()
        """Types of the receptacles, in the order of the opening text."""

    def game(self) -> Game | None:
        """Return the game, None when the room has no place for what the task needs."""
        things = self._draw_things()
        if things is None:
            return None
        places, kind = self.places, self._kind
        item_names = self._names([thing for thing, _ in things])
        items = tuple(
            Item(name=name, type=thing, inside=(home,), at=(len(places) - home,), marks=item_marks(thing))
            for name, (thing, home) in zip(item_names, things, strict=True)
        )
        present = {thing for thing, _ in things}
        accepted = {place: tuple(thing for thing in ACCEPTS.get(place, ()) if thing in present) for place in places}
        sentences = SENTENCES[kind]
        sentence = sentences[0] if self._setting.small else self._stream.choice(sentences)
        return Game(
            kind=kind,
            task=sentence.format(item=self._choice.item, place=self._target),
            start=len(places) + 1,
            receptacles=tuple(
                Receptacle(name=name, type=place, location=len(places) - index, openable=self._shuts(place))
                for index, (name, place) in enumerate(zip(self._names(places), places, strict=True))
            ),
            items=items,
            accepts={place: accepted[place] for place in sorted(accepted) if accepted[place]},
            goal=goal_formula(kind, item=self._choice.item, place=self._target),
        )

    def _draw_room(self) -> list[str]:
        low, high = self._setting.places
        counts = ROOMS[self._choice.room]
        places = [place for place, (least, most) in counts.items() for _ in range(self._stream.randint(least, most))]
        many = [place for place, (_, most) in counts.items() if most > 1]
        while len(places) < low:
            places.append(self._stream.choice(many))
        self._stream.shuffle(places)
        needed = {self._target, self._device} - {"", _LAMP}
        spare = [place for place in places if place not in needed]
        while len(places) > high and spare:
            places.remove(spare.pop())
        return places

    def _draw_small_room(self) -> list[str]:
        low, high = self._setting.places
        needed = {self._target, self._device} - {"", _LAMP}
        needed.add(self._stream.choice([place for place in self._choice.sources if place != self._target]))
        if self._kind == "look_at_obj":
            needed.add(self._stream.choice([place for place in WHERE[_LAMP] if place in ROOMS[self._choice.room]]))
        places = sorted(needed)
        others = [place for place in ROOMS[self._choice.room] if place not in needed and place not in APPLIANCES]
        more = self._stream.randint(max(0, low - len(places)), max(0, high - len(places)))
        places += self._stream.sample(others, min(more, len(others)))
        self._stream.shuffle(places)
        return places

    @property
    def _device(self) -> str:
        return TREATMENTS[self._kind][0] if self._kind in TREATMENTS else ""

    def _draw_things(self) -> list[tuple[str, int]] | None:
        """Return (type, receptacle) of every thing, in any order: those needed, then what lies about."""
        needed = [self._choice.item] * (2 if self._kind == "pick_two_obj" else 1)
        if not self._setting.small and self._stream.random() < 0.5:
            needed.append(self._choice.item)
        if self._kind == "look_at_obj":
            needed.append(_LAMP)
        things = [(thing, self._home(thing, avoid=self._target)) for thing in needed]
        others = sorted(THINGS[self._choice.room] - {self._choice.item})
        for thing in self._stream.choices(others, k=self._stream.randint(*self._setting.items)):
            home = self._home(thing, avoid="")
            if home is not None:
                things.append((thing, home))
        self._stream.shuffle(things)
        placed = [(thing, home) for thing, home in things if home is not None]
        return placed if len(placed) == len(things) else None

    def _home(self, thing: str, *, avoid: str) -> int | None:
        odds = WHERE[thing]
        shunned = APPLIANCES if self._setting.small else frozenset[str]()
        homes = [
            index
            for index, place in enumerate(self.places)
            if place in odds and place != avoid and place not in shunned
        ]
        if not homes:
            return None
        if self._stream.random() < self._setting.hidden:
            return self._stream.choice(homes)
        return self._stream.choices(homes, weights=[odds[self.places[index]] for index in homes])[0]

    def _shuts(self, place: str) -> bool:
        return place in OPENABLE and (place in APPLIANCES or self._stream.random() < self._setting.shut)

    def _names(self, kinds: Sequence[str]) -> list[str]:
        """Number each kind, the first listed highest, as the released games do."""
        left = Counter(kinds)
        alone = {kind for kind, count in left.items() if count == 1} if self._setting.small else set()
        names = []
        for kind in kinds:
            names.append(kind if kind in alone else f"{kind} {left[kind]}")
            left[kind] -= 1
        return names


def goal_formula(kind: Kind, *, item: str, place: str) -> str:
    """Return the goal of a task in PDDL, in the shape of the released games."""
    if kind == "look_at_obj":
        return (
            "(and (exists (?l - object ?r - receptacle ?a - agent ?p - location) "
            f"(and (objecttype ?l {place}type) (istoggled ?l) (inreceptacle ?l ?r) "
            "(receptacleatlocation ?r ?p) (atlocation ?a ?p))) "
            f"(exists (?o - object ?a - agent) (and (objecttype ?o {item}type) (holds ?a ?o))))"
        )
    first = f"(objecttype ?o {item}type) (receptacletype ?r {place}type) (inreceptacle ?o ?r)"
    if kind in TREATMENTS:
        first += f" ({TREATMENTS[kind][2]} ?o)"
    if kind == "pick_two_obj":
        first += f" (exists (?s - object) (and (not (= ?o ?s)) (objecttype ?s {item}type) (inreceptacle ?s ?r)))"
    return f"(exists (?r - receptacle ?o - object) (and {first}))"
