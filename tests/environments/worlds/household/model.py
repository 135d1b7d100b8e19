"""A second household, slow and plain: every question is answered by looking at everything, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.household.errand import read_errand

if TYPE_CHECKING:
    from agenttuning.environments.worlds.household.game import Dialect, Game, Item, Receptacle

DEVICES = {"clean": ("cleanable", "sinkbasin"), "heat": ("heatable", "microwave"), "cool": ("coolable", "fridge")}
TREATED = {
    "pick_clean_then_place": "isclean",
    "pick_heat_then_place": "ishot",
    "pick_cool_then_place": "iscool",
}
LOOKS = (
    ({"isclean", "ishot"}, "hot and clean "), ({"isclean", "iscool"}, "cool and clean "), ({"ishot"}, "hot "),
    ({"isclean"}, "clean "), ({"iscool"}, "cold "), (set[str](), ""),
)  # fmt: skip


def told(names: list[str]) -> str:
    if not names:
        return "nothing"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, and {names[-1]}"


class Model:
    """One playing; things are in one receptacle or in the hand."""

    def __init__(self, game: Game, *, dialect: Dialect) -> None:
        self.game, self.old = game, dialect == "agentbench"
        self.places = {place.name: place for place in game.receptacles}
        self.items = {item.name: item for item in game.items}
        self.home: dict[str, str | None] = {item.name: game.receptacles[item.inside[0]].name for item in game.items}
        self.open = {place.name for place in game.receptacles if place.opened}
        self.marks = {item.name: set(item.marks) for item in game.items}
        self.spot = game.start
        self.taken: set[tuple[str, str]] = set()

    @property
    def hand(self) -> str | None:
        return next((name for name, home in self.home.items() if home is None), None)

    def here(self) -> list[Receptacle]:
        return [place for place in self.game.receptacles if place.location == self.spot]

    def reachable(self, place: Receptacle) -> bool:
        return place.name in self.open if place.openable else True

    def contents(self, place: str) -> list[str]:
        return [item.name for item in self.game.items if self.home[item.name] == place]

    def all_commands(self) -> list[str]:
        """List everything that could be said in this house at all."""
        put = "put {} in/on {}" if self.old else "move {} to {}"
        templates = ["take {} from {}", put, "clean {} with {}", "heat {} with {}", "cool {} with {}"]
        alone = ["go to {}", "open {}", "close {}", "examine {}"]
        said = ["look", "inventory", "help"]
        said += [verb.format(place) for verb in alone for place in self.places]
        said += [verb.format(item) for verb in ("use {}", "examine {}") for item in self.items]
        said += [verb.format(item, place) for verb in templates for item in self.items for place in self.places]
        return said + [f"slice {one} with {other}" for one in self.items for other in self.items]

    def allows(self, command: str) -> bool:
        verb, _, rest = command.partition(" ")
        for joint in (" from ", " in/on ", " with ", " to "):
            one, found, other = rest.partition(joint)
            if found and verb != "go":
                return self._allows_two(verb, one, other)
        if verb in ("look", "inventory", "help"):
            return verb != "help" or not self.old
        name = rest.removeprefix("to ") if verb == "go" else rest
        if name in self.places:
            return self._allows_place(verb, self.places[name])
        home = self.home[name]
        if verb == "use":
            return "toggleable" in self.marks[name] and home is not None and self.places[home] in self.here()
        return home is None

    def _allows_place(self, verb: str, place: Receptacle) -> bool:
        if verb == "go":
            return place not in self.here()
        if place not in self.here() or verb == "use":
            return False
        return verb == "examine" or (place.openable and (verb == "close") == (place.name in self.open))

    def _allows_two(self, verb: str, name: str, other: str) -> bool:
        item: Item = self.items[name]
        if verb == "slice":
            near = self.home[name] in {place.name for place in self.here()}
            knife = self.items[other].type in ("knife", "butterknife")
            return near and knife and self.hand == other and "sliceable" in self.marks[name]
        place = self.places[other]
        if place not in self.here():
            return False
        if verb == "take":
            in_it = self.home[name] == other and self.hand is None
            return in_it and self.reachable(place) and "pickupable" in self.marks[name]
        if self.hand != name:
            return False
        if verb in ("put", "move"):
            return self.reachable(place) and item.type in self.game.accepts.get(place.type, ())
        mark, device = DEVICES[verb]
        return mark in self.marks[name] and (
            place.type == device or (verb == "clean" and not self.old and place.type == "sink")
        )

    def act(self, command: str) -> str:
        """Do what is allowed and say what the world says."""
        verb, _, rest = command.partition(" ")
        if verb in ("look", "inventory", "help"):
            return self._sense(verb)
        if verb in ("go", "open", "close") or rest in self.places:
            return self._at_place(verb, rest.removeprefix("to ") if verb == "go" else rest)
        if verb == "use":
            self.marks[rest].add("istoggled")
            return f"You turn on the {rest}."
        if verb == "examine":
            return self._examined(rest)
        return self._with_two(verb, rest)

    def _sense(self, verb: str) -> str:
        if verb == "inventory":
            return f"You are carrying: a {self.hand}." if self.hand else "You are not carrying anything."
        if verb == "help":
            return "\nAvailable commands:"
        if not self.here():
            return "You are in the middle of a room. Looking quickly around you, you see nothing."
        names = [place.name for place in self.here()]
        back = [item for item in self.items if any((item, name) in self.taken for name in names)]
        floor = [f"a {item}" for item in back if self.home[item] in names]
        return f"You are facing the {told(names)}. Next to it, you see {told(floor)}."

    def _at_place(self, verb: str, name: str) -> str:
        if verb == "close":
            self.open.discard(name)
            return f"You close the {name}."
        if verb == "open":
            self.open.add(name)
            return f"You open the {name}. {self._seen(name)}"
        if verb == "go":
            self.spot = self.places[name].location or 0
            return f"You arrive at {f'loc {self.spot}' if self.old else name}. {self._seen(name)}"
        return self._seen(name)

    def _seen(self, name: str) -> str:
        place = self.places[name]
        if not self.reachable(place):
            return f"The {name} is closed."
        where = f"The {name} is open. In it" if place.openable else f"On the {name}"
        return f"{where}, you see {told([f'a {item}' for item in self.contents(name)])}."

    def _examined(self, name: str) -> str:
        marks = self.marks[name]
        if "isreceptacleobject" in marks:
            return f"This is a normal {name}. In it, you see nothing."
        words = next(words for needed, words in LOOKS if needed <= marks)
        if words or "issliced" in marks:
            sliced = "sliced " if "issliced" in marks else ""
            cool = words.replace("cold", "cool") if sliced else words
            return f"This is a {cool}{sliced}{name}."
        return f"This {name} is on." if "istoggled" in marks else f"There's nothing special about {name}."

    def _with_two(self, verb: str, rest: str) -> str:
        joint = {"take": " from ", "put": " in/on ", "move": " to "}.get(verb, " with ")
        name, _, other = rest.partition(joint)
        if verb == "take":
            self.home[name] = None
            self.taken.add((name, other))
            return f"You pick up the {name} from the {other}."
        if verb in ("put", "move"):
            self.home[name] = other
            self.taken.discard((name, other))
            return f"You {verb} the {name}{joint}the {other}."
        if verb == "slice":
            self.marks[name].add("issliced")
            return f"You sliced the {name} with the {other}."
        self.marks[name] -= {"ishot", "iscool"} if verb != "clean" else set()
        self.marks[name].add({"clean": "isclean", "heat": "ishot", "cool": "iscool"}[verb])
        return f"You {verb} the {name} using the {other}."

    def won(self) -> bool:
        """Judge the task by its sentence."""
        errand = read_errand(self.game.task)
        wanted = [item.name for item in self.game.items if item.type == errand.item]
        if errand.kind == "look_at_obj":
            lit = [
                name
                for name, item in self.items.items()
                if item.type == errand.place and "istoggled" in self.marks[name]
            ]
            near = {place.name for place in self.here()}
            return self.hand in wanted and any(self.home[name] in near for name in lit)
        mark = TREATED.get(errand.kind)
        targets = [name for name, place in self.places.items() if place.type == errand.place]
        there = {
            name: [item for item in wanted if self.home[item] == name and (mark is None or mark in self.marks[item])]
            for name in targets
        }
        return max(map(len, there.values()), default=0) >= (2 if errand.kind == "pick_two_obj" else 1)
