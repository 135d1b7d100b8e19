"""PDDL goal formulas: and, or, not, imply, =, exists and forall over the household's predicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from agenttuning.environments.worlds.household.expressions import Expression, parse_expression
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agenttuning.environments.worlds.household.game import Game

Value: TypeAlias = "int | str"
Binding: TypeAlias = "dict[str, Value]"
Test: TypeAlias = "Callable[[Facts, Binding], bool]"


class Facts(Protocol):
    """The state that a formula is asked about; indices and numbers are those of the game record."""

    here: int
    held: int | None
    inside: list[int | None]
    opened: list[bool]
    marks: list[set[str]]
    at: set[tuple[int, int]]


class Goal:
    """A compiled formula. Quantifiers range over the entities that the game names."""

    def __init__(self, game: Game) -> None:
        self._game = game
        places = {place.location for place in game.receptacles} | {at for item in game.items for at in item.at}
        self._domains: Mapping[str, Sequence[Value]] = {
            "object": range(len(game.items)),
            "receptacle": range(len(game.receptacles)),
            "location": sorted({place for place in places if place is not None} | {game.start}),
            "agent": (0,),
            "otype": sorted({item.type for item in game.items}),
            "rtype": sorted({place.type for place in game.receptacles}),
        }
        formulas = parse_expression(game.goal)
        self._test = self._all([self._compile(formula) for formula in formulas])

    def holds(self, facts: Facts) -> bool:
        """Tell whether the formula is true of a state."""
        return self._test(facts, {})

    def _compile(self, formula: Expression) -> Test:
        if not formula:
            return lambda _facts, _binding: True
        if isinstance(formula, str) or not isinstance(formula[0], str):
            raise DataError(f"the goal holds {formula!r} where a formula was expected; the game file is damaged")
        head, rest = formula[0], formula[1:]
        if head == "and":
            return self._all([self._compile(part) for part in rest])
        if head == "or":
            return self._any([self._compile(part) for part in rest])
        if head == "not" and len(rest) == 1:
            return _negate(self._compile(rest[0]))
        if head == "imply" and len(rest) == 2:
            return self._any([_negate(self._compile(rest[0])), self._compile(rest[1])])
        if head in ("exists", "forall") and len(rest) == 2 and isinstance(rest[0], list):
            variables = self._variables(rest[0])
            if head == "exists":
                return self._exists(variables, rest[1])
            return _negate(self._exists(variables, ["not", rest[1]]))
        return self._atom(head, rest)

    @staticmethod
    def _all(tests: Sequence[Test]) -> Test:
        return lambda facts, binding: all(test(facts, binding) for test in tests)

    @staticmethod
    def _any(tests: Sequence[Test]) -> Test:
        return lambda facts, binding: any(test(facts, binding) for test in tests)

    def _variables(self, typed: list[Expression]) -> list[tuple[str, Sequence[Value]]]:
        """Read `?a ?b - sort ?c - sort`."""
        found: list[tuple[str, Sequence[Value]]] = []
        waiting: list[str] = []
        words = iter(typed)
        for word in words:
            if word == "-":
                sort = next(words, "")
                if not isinstance(sort, str) or sort not in self._domains:
                    raise DataError(
                        f"the goal quantifies over the unknown type {sort!r}; known: {sorted(self._domains)}"
                    )
                found += [(name, self._domains[sort]) for name in waiting]
                waiting = []
            elif isinstance(word, str):
                waiting.append(word)
        return found

    def _exists(self, variables: list[tuple[str, Sequence[Value]]], body: Expression) -> Test:
        """Search bindings one variable at a time, each conjunct asked as soon as its variables are bound."""
        parts = body[1:] if isinstance(body, list) and body and body[0] == "and" else [body]
        names = [name for name, _ in variables]
        levels: list[list[Test]] = [[] for _ in range(len(names) + 1)]
        for part in parts:
            used = _words(part)
            level = max((number for number, name in enumerate(names, start=1) if name in used), default=0)
            levels[level].append(self._compile(part))

        def search(facts: Facts, binding: Binding, level: int) -> bool:
            if not all(test(facts, binding) for test in levels[level]):
                return False
            if level == len(variables):
                return True
            name, domain = variables[level]
            return any(search(facts, {**binding, name: value}, level + 1) for value in domain)

        return lambda facts, binding: search(facts, binding, 0)

    def _atom(self, predicate: str, arguments: list[Expression]) -> Test:
        terms = [_term(argument) for argument in arguments]
        ask = self._predicate(predicate, len(terms))

        def test(facts: Facts, binding: Binding) -> bool:
            return ask(facts, *[binding[term] if term in binding else term for term in terms])  # type: ignore[index]

        return test

    def _predicate(self, name: str, arity: int) -> Callable[..., bool]:
        game = self._game
        item_types = [item.type for item in game.items]
        place_types = [place.type for place in game.receptacles]
        places = [place.location for place in game.receptacles]
        known: dict[str, tuple[int, Callable[..., bool]]] = {
            "=": (2, lambda _facts, left, right: left == right),
            "inreceptacle": (2, lambda facts, item, place: facts.inside[item] == place),
            "objecttype": (2, lambda _facts, item, kind: item_types[item] == _untyped(kind)),
            "receptacletype": (2, lambda _facts, place, kind: place_types[place] == _untyped(kind)),
            "cancontain": (2, lambda _facts, place, item: _untyped(item) in game.accepts.get(_untyped(place), ())),
            "holds": (2, lambda facts, _agent, item: facts.held == item),
            "holdsany": (1, lambda facts, _agent: facts.held is not None),
            "atlocation": (2, lambda facts, _agent, location: facts.here == location),
            "receptacleatlocation": (2, lambda _facts, place, location: places[place] == location),
            "objectatlocation": (2, lambda facts, item, location: (item, location) in facts.at),
            "openable": (1, lambda _facts, place: game.receptacles[place].openable),
            "opened": (1, lambda facts, place: facts.opened[place]),
        }
        for mark in _MARKS:
            known[mark] = (1, lambda facts, item, mark=mark: mark in facts.marks[item])
        if name not in known or known[name][0] != arity:
            raise DataError(f"the goal uses {name!r} with {arity} arguments; known predicates: {sorted(known)}")
        return known[name][1]


_MARKS = (
    "cleanable", "coolable", "heatable", "isclean", "iscool", "ishot", "ison", "isreceptacleobject", "issliced",
    "istoggled", "moveable", "pickupable", "sliceable", "toggleable",
)  # fmt: skip


def _negate(test: Test) -> Test:
    return lambda facts, binding: not test(facts, binding)


def _untyped(name: str) -> str:
    return name.removesuffix("type")


def _term(argument: Expression) -> Value:
    if isinstance(argument, list):
        raise DataError(f"the goal nests {argument!r} where a name was expected; the game file is damaged")
    sort, _, index = argument.partition(":")
    return int(index) if sort in ("item", "receptacle", "location") and index.isdecimal() else argument


def _words(expression: Expression) -> set[str]:
    if isinstance(expression, str):
        return {expression}
    return {word for part in expression for word in _words(part)}
