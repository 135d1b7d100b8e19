"""The world that moves: admissible commands, what is said back, and whether the task is done.

Every rule is that of ALFWorld's domain and text grammar as TextWorld 1.7.0 plays them, quirks included: an item can
be examined only in the hand, a lamp can only be turned on, and what lies on the floor is told only after a `take`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from agenttuning.environments.worlds.household.goal import Goal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.environments.worlds.household.game import Dialect, Game

Verb = Literal[
    "look", "inventory", "help", "go", "examine place", "examine item", "open", "close", "take", "put",
    "clean", "heat", "cool", "use", "slice",
]  # fmt: skip
Act: TypeAlias = tuple[Verb, int, int]
"""What a command does: the verb, the item (or receptacle) and the receptacle (or tool) by index."""

UNKNOWN = "Nothing happens."

_HELP = """
Available commands:
  look:                             look around your current location
  inventory:                        check your current inventory
  go to (receptacle):               move to a receptacle
  open (receptacle):                open a receptacle
  close (receptacle):               close a receptacle
  take (object) from (receptacle):  take an object from a receptacle
  move (object) to (receptacle):  place an object in or on a receptacle
  examine (something):              examine a receptacle or an object
  use (object):                     use an object
  heat (object) with (receptacle):  heat an object using a receptacle
  clean (object) with (receptacle): clean an object using a receptacle
  cool (object) with (receptacle):  cool an object using a receptacle
  slice (object) with (object):     slice an object using a sharp object
"""

_CONDITIONS = (
    ({"isclean", "ishot", "issliced"}, "hot and clean sliced "),
    ({"isclean", "iscool", "issliced"}, "cool and clean sliced "),
    ({"isclean", "issliced"}, "clean sliced "),
    ({"ishot", "issliced"}, "hot sliced "),
    ({"iscool", "issliced"}, "cool sliced "),
    ({"isclean", "ishot"}, "hot and clean "),
    ({"isclean", "iscool"}, "cool and clean "),
    ({"ishot"}, "hot "),
    ({"isclean"}, "clean "),
    ({"iscool"}, "cold "),
)


class House:
    """One playing of a game. Nothing is shared with the record or with another playing."""

    def __init__(self, game: Game, *, dialect: Dialect = "agentbench") -> None:
        self.game = game
        self.dialect = dialect
        self.here = game.start
        self.held: int | None = None
        self.inside = [set(item.inside) for item in game.items]
        self.opened = [place.opened for place in game.receptacles]
        self.marks = [set(item.marks) for item in game.items]
        self.at = {(index, location) for index, item in enumerate(game.items) for location in item.at}
        self._taken_from: set[tuple[int, int]] = set()
        self._contents: list[set[int]] = [set() for _ in game.receptacles]
        for index, places in enumerate(self.inside):
            for place in places:
                self._contents[place].add(index)
        self._places_at: dict[int | None, list[int]] = {}
        for index, receptacle in enumerate(game.receptacles):
            self._places_at.setdefault(receptacle.location, []).append(index)
        self._item_names = [item.name for item in game.items]
        self._place_names = [place.name for place in game.receptacles]
        self._sinks = ("sinkbasin",) if dialect == "agentbench" else ("sinkbasin", "sink")
        self._goal = Goal(game)
        self._commands: dict[str, Act] | None = None
        self._won: bool | None = None

    @property
    def won(self) -> bool:
        """Does the goal hold now."""
        if self._won is None:
            self._won = self._goal.holds(self)
        return self._won

    def introduction(self) -> str:
        """Return the first text: banner, room, task; blocks are parted by blank lines."""
        return (
            "-= Welcome to TextWorld, ALFRED! =-\n\n"
            "You are in the middle of a room. Looking quickly around you, you see "
            f"{_listing(f'a {name}' for name in self._place_names)}.\n\nYour task is to: {self.game.task}"
        )

    def admissible(self) -> list[str]:
        """Return the commands that do something now, sorted."""
        return sorted(self._acts())

    def act(self, command: str) -> str:
        """Carry out one command and return what is said; an inadmissible one changes nothing."""
        act = self._acts().get(command)
        if act is None:
            return UNKNOWN
        verb, first, second = act
        if verb not in ("look", "inventory", "help", "examine place", "examine item"):
            self._commands = self._won = None
        return self._do(verb, first, second)

    def _acts(self) -> dict[str, Act]:
        if self._commands is None:
            self._commands = self._find_acts()
        return self._commands

    def _find_acts(self) -> dict[str, Act]:
        acts: dict[str, Act] = {"look": ("look", 0, 0), "inventory": ("inventory", 0, 0)}
        if self.dialect == "alfworld-0.4":
            acts["help"] = ("help", 0, 0)
        here = self._places_at.get(self.here, ())
        for index, receptacle in enumerate(self.game.receptacles):
            if receptacle.location is not None and receptacle.location != self.here:
                acts["go to " + receptacle.name] = ("go", index, 0)
        for place in here:
            self._add_place_acts(acts, place)
        if self.held is not None:
            self._add_hand_acts(acts, self.held, here)
        return acts

    def _add_place_acts(self, acts: dict[str, Act], place: int) -> None:
        receptacle = self.game.receptacles[place]
        name = receptacle.name
        acts["examine " + name] = ("examine place", place, 0)
        if receptacle.openable:
            verb: Literal["open", "close"] = "close" if self.opened[place] else "open"
            acts[f"{verb} {name}"] = (verb, place, 0)
        reachable = self.opened[place] or not receptacle.openable
        for item in self._contents[place]:
            marks = self.marks[item]
            if reachable and self.held is None and "pickupable" in marks:
                acts.setdefault(f"take {self._item_names[item]} from {name}", ("take", item, place))
            if "toggleable" in marks:
                acts.setdefault("use " + self._item_names[item], ("use", item, place))

    def _add_hand_acts(self, acts: dict[str, Act], item: int, here: Iterable[int]) -> None:
        name, kind, marks = self._item_names[item], self.game.items[item].type, self.marks[item]
        acts.setdefault("examine " + name, ("examine item", item, 0))
        for place in here:
            receptacle = self.game.receptacles[place]
            reachable = self.opened[place] or not receptacle.openable
            if reachable and kind in self.game.accepts.get(receptacle.type, ()):
                acts.setdefault(self._put_command(name, receptacle.name), ("put", item, place))
            if "cleanable" in marks and receptacle.type in self._sinks:
                acts.setdefault(f"clean {name} with {receptacle.name}", ("clean", item, place))
            if "heatable" in marks and receptacle.type == "microwave":
                acts.setdefault(f"heat {name} with {receptacle.name}", ("heat", item, place))
            if "coolable" in marks and receptacle.type == "fridge":
                acts.setdefault(f"cool {name} with {receptacle.name}", ("cool", item, place))
        if kind in ("knife", "butterknife"):
            for food, location in self.at:
                if location == self.here and "sliceable" in self.marks[food]:
                    acts.setdefault(f"slice {self._item_names[food]} with {name}", ("slice", food, item))

    def _put_command(self, item: str, place: str) -> str:
        return f"put {item} in/on {place}" if self.dialect == "agentbench" else f"move {item} to {place}"

    def _do(self, verb: Verb, first: int, second: int) -> str:
        if verb in ("go", "open", "close", "examine place"):
            return self._do_with_place(verb, first)
        if verb in ("take", "put"):
            return self._take(first, second) if verb == "take" else self._put(first, second)
        if verb in ("look", "inventory", "help"):
            return self._sense(verb)
        return self._do_with_item(verb, first, second)

    def _sense(self, verb: Verb) -> str:
        if verb == "look":
            return self._look()
        if verb == "help":
            return _HELP
        if self.held is None:
            return "You are not carrying anything."
        return f"You are carrying: a {self._item_names[self.held]}."

    def _do_with_place(self, verb: Verb, place: int) -> str:
        receptacle = self.game.receptacles[place]
        if verb == "open":
            self.opened[place] = True
            return f"You open the {receptacle.name}. {self._describe_place(place)}"
        if verb == "close":
            self.opened[place] = False
            return f"You close the {receptacle.name}."
        if verb == "go" and receptacle.location is not None:
            self.here = receptacle.location
            arrived = f"loc {self.here}" if self.dialect == "agentbench" else receptacle.name
            return f"You arrive at {arrived}. {self._describe_place(place)}"
        return self._describe_place(place)

    def _do_with_item(self, verb: Verb, item: int, other: int) -> str:
        name, marks = self._item_names[item], self.marks[item]
        if verb == "examine item":
            return self._describe_item(item)
        if verb == "use":
            marks.add("istoggled")
            marks ^= {"ison"}
            return f"You turn on the {name}."
        if verb == "slice":
            marks.add("issliced")
            return f"You sliced the {name} with the {self._item_names[other]}."
        if verb == "clean":
            marks.add("isclean")
        elif verb == "heat":
            marks.add("ishot")
            marks.discard("iscool")
        else:
            marks.add("iscool")
            marks.discard("ishot")
        return f"You {verb} the {name} using the {self._place_names[other]}."

    def _take(self, item: int, place: int) -> str:
        self.inside[item].discard(place)
        self._contents[place].discard(item)
        self.held = item
        self.at.discard((item, self.here))
        self._taken_from.add((item, place))
        return f"You pick up the {self._item_names[item]} from the {self._place_names[place]}."

    def _put(self, item: int, place: int) -> str:
        self.inside[item].add(place)
        self._contents[place].add(item)
        self.held = None
        self.at.add((item, self.here))
        self._taken_from.discard((item, place))
        names = self._item_names[item], self._place_names[place]
        if self.dialect == "agentbench":
            return f"You put the {names[0]} in/on the {names[1]}."
        return f"You move the {names[0]} to the {names[1]}."

    def _look(self) -> str:
        here = self._places_at.get(self.here, [])
        if not here:
            return "You are in the middle of a room. Looking quickly around you, you see nothing."
        floor = sorted({item for item, place in self._taken_from if place in here and (item, self.here) in self.at})
        facing = _listing(self._place_names[place] for place in here)
        return f"You are facing the {facing}. Next to it, you see {self._items(floor)}."

    def _describe_place(self, place: int) -> str:
        receptacle = self.game.receptacles[place]
        if receptacle.openable and not self.opened[place]:
            return f"The {receptacle.name} is closed."
        items = self._items(sorted(self._contents[place]))
        if receptacle.openable:
            return f"The {receptacle.name} is open. In it, you see {items}."
        return f"On the {receptacle.name}, you see {items}."

    def _describe_item(self, item: int) -> str:
        name, marks = self._item_names[item], self.marks[item]
        if "isreceptacleobject" in marks:
            return f"This is a normal {name}. In it, you see nothing."
        for needed, words in _CONDITIONS:
            if needed <= marks:
                return f"This is a {words}{name}."
        if {"toggleable", "istoggled"} <= marks:
            return f"This {name} is on."
        if {"sliceable", "issliced"} <= marks:
            return f"This is a sliced {name}."
        return f"There's nothing special about {name}."

    def _items(self, items: Iterable[int]) -> str:
        return _listing(f"a {self._item_names[item]}" for item in items)


def _listing(names: Iterable[str]) -> str:
    """Join as the grammar does: `x`, `x, and y`, `x, y, and z`, `nothing`."""
    words = list(names)
    if len(words) < 2:
        return words[0] if words else "nothing"
    return ", ".join(words[:-1]) + ", and " + words[-1]
