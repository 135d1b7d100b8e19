"""The exploring expert: looks for things where one would look, and does with them what the task asks.

It reads what any player reads, the opening text and the answers of the world, and knows besides only where things are
usually kept. It plans nothing from hidden state, so its episodes show search, as a teacher's do. One thing it may ask,
which a list of available actions tells: can it go there, or does it stand there already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from agenttuning.environments.worlds.household.catalogue import OPENABLE, WHERE
from agenttuning.environments.worlds.household.errand import Errand, read_errand

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Generator

    from agenttuning.environments.worlds.household.game import Dialect

Search = Literal["likely", "listed"]
"""Where to look next: where the thing is most often kept, or simply the next place of the list."""

Moment = Literal["search", "next", "open", "found", "take", "device", "treat", "carry", "place", "lamp", "use"]
"""What a move is for; a thought is worded by it."""

_SEEN = re.compile(r"(?:On the|The) (?P<place>[a-z]+(?: \d+)?)(?: is open\. In it)?, you see (?P<items>[^.]*)\.")
_CLOSED = re.compile(r"The (?P<place>[a-z]+(?: \d+)?) is closed\.")
_NAME = re.compile(r"\ba ([a-z]+(?: \d+)?)")
_TREATMENTS = {
    "pick_clean_then_place": ("clean", "sinkbasin"),
    "pick_heat_then_place": ("heat", "microwave"),
    "pick_cool_then_place": ("cool", "fridge"),
}


@dataclass(frozen=True, slots=True)
class Move:
    """One command with what it is for."""

    command: str
    moment: Moment
    item: str
    """The thing in question: its type while it is searched for, then its name."""
    place: str
    """The receptacle or lamp in question; empty where none is."""


Plan: TypeAlias = "Generator[Move, str, None]"


@dataclass(slots=True)
class Memory:
    """What has been seen so far."""

    places: list[str]
    """Receptacles in the order of the opening text."""
    contents: dict[str, list[str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    here: str = ""

    def read(self, observation: str) -> None:
        """Take in what the world said."""
        for found in _CLOSED.finditer(observation):
            self.closed.add(found["place"])
        for found in _SEEN.finditer(observation):
            self.closed.discard(found["place"])
            self.contents[found["place"]] = _NAME.findall(found["items"])

    def known(self, kind: str, *, outside: str) -> tuple[str, str] | None:
        """Return (item, place) of a seen thing that is not in the place left out."""
        for place, items in self.contents.items():
            for item in items:
                if kind_of(item) == kind and place != outside:
                    return item, place
        return None


def kind_of(name: str) -> str:
    """Return the type in a name: `mug 2` is a `mug`."""
    return name.partition(" ")[0]


class Explorer:
    """Plays one game from its opening text."""

    def __init__(
        self,
        introduction: str,
        *,
        dialect: Dialect = "agentbench",
        search: Search = "likely",
        available: Callable[[], Container[str]] | None = None,
    ) -> None:
        room, _, task = introduction.rpartition("Your task is to: ")
        self.errand: Errand = read_errand(task)
        self.memory = Memory(places=_NAME.findall(room.rpartition("you see")[2]))
        self._dialect = dialect
        self._search = search
        self._available = available

    def plan(self) -> Plan:
        """Yield moves; send the answer of the world back after each."""
        errand = self.errand
        if errand.kind == "look_at_obj":
            yield from self._look_under_lamp()
            return
        target = self._choose_target()
        for _ in range(2 if errand.kind == "pick_two_obj" else 1):
            if self._placed(target) >= 2:
                return
            item = yield from self._fetch(errand.item, outside=target if errand.kind == "pick_two_obj" else "")
            if item is None:
                return
            if errand.kind in _TREATMENTS:
                yield from self._treat(item)
            yield from self._put(item, target)

    def play(self, act: Callable[[str], str], *, until: Callable[[], bool], limit: int) -> int | None:
        """Play on; return the number of turns until the end is reached, None when the plan or the limit ends first."""
        plan, said = self.plan(), None
        for turns in range(1, limit + 1):
            try:
                move = next(plan) if said is None else plan.send(said)
            except StopIteration:
                return None
            said = act(move.command)
            if until():
                return turns
        return None

    def _placed(self, target: str) -> int:
        return sum(kind_of(item) == self.errand.item for item in self.memory.contents.get(target, ()))

    def _choose_target(self) -> str:
        targets = [place for place in self.memory.places if kind_of(place) == self.errand.place]
        return targets[0] if targets else self.errand.place

    def _look_under_lamp(self) -> Plan:
        item = yield from self._fetch(self.errand.item, outside="")
        if item is None:
            return
        lamp = yield from self._find(self.errand.place, outside="", moment="lamp")
        if lamp is not None:
            name, place = lamp
            yield from self._go(place, "lamp", name)
            yield from self._do(f"use {name}", "use", item, name)

    def _do(self, command: str, moment: Moment, item: str, place: str) -> Generator[Move, str, str]:
        observation = yield Move(command, moment, item, place)
        self.memory.read(observation)
        return observation

    def _go(self, place: str, moment: Moment, item: str) -> Plan:
        if self.memory.here == place:
            return
        command = f"go to {place}"
        stands_there = self._available is not None and command not in self._available()
        if not stands_there:
            yield from self._do(command, moment, item, place)
        elif place not in self.memory.contents:
            yield from self._do(f"examine {place}", moment, item, place)
        self.memory.here = place

    def _open(self, place: str, item: str) -> Plan:
        if place in self.memory.closed:
            yield from self._do(f"open {place}", "open", item, place)

    def _find(
        self, kind: str, *, outside: str, moment: Moment = "search"
    ) -> Generator[Move, str, tuple[str, str] | None]:
        """Go from place to place until a thing of the kind is seen."""
        first = True
        while (seen := self.memory.known(kind, outside=outside)) is None:
            place = self._next_place(kind, outside=outside)
            if place is None:
                return None
            yield from self._go(place, moment if first or moment == "lamp" else "next", kind)
            yield from self._open(place, kind)
            self.memory.contents.setdefault(place, [])
            first = False
        return seen

    def _fetch(self, kind: str, *, outside: str) -> Generator[Move, str, str | None]:
        seen = yield from self._find(kind, outside=outside)
        if seen is None:
            return None
        item, place = seen
        yield from self._go(place, "found", item)
        yield from self._open(place, item)
        yield from self._do(f"take {item} from {place}", "take", item, place)
        self.memory.contents[place] = [other for other in self.memory.contents[place] if other != item]
        return item

    def _next_place(self, kind: str, *, outside: str) -> str | None:
        unseen = [place for place in self.memory.places if place not in self.memory.contents and place != outside]
        if not unseen:
            return None
        if self._search == "listed":
            return min(unseen, key=self._put_off)
        odds = WHERE.get(kind, {})
        return max(unseen, key=lambda place: self._worth(place, odds))

    def _put_off(self, place: str) -> bool:
        """Where the thing is to be brought is not where it is to be fetched."""
        return kind_of(place) == self.errand.place or kind_of(place) in ("sinkbasin", "microwave", "fridge")

    def _worth(self, place: str, odds: dict[str, int]) -> float:
        """Weigh the odds of a place against the turns that looking costs."""
        kind = kind_of(place)
        turns = 2 if kind in OPENABLE and place not in self.memory.closed else 1
        return (odds.get(kind, 0) + 0.1) / turns

    def _treat(self, item: str) -> Plan:
        verb, device_kind = _TREATMENTS[self.errand.kind]
        device = next((place for place in self.memory.places if kind_of(place) == device_kind), device_kind)
        yield from self._go(device, "device", item)
        yield from self._do(f"{verb} {item} with {device}", "treat", item, device)

    def _put(self, item: str, target: str) -> Plan:
        yield from self._go(target, "carry", item)
        yield from self._open(target, item)
        command = f"put {item} in/on {target}" if self._dialect == "agentbench" else f"move {item} to {target}"
        yield from self._do(command, "place", item, target)
        self.memory.contents.setdefault(target, []).append(item)
