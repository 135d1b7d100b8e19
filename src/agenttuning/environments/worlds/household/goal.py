"""PDDL goal formulas: and, or, not, imply, =, exists and forall over the household's predicates."""

from __future__ import annotations

from functools import cached_property
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
    inside: list[set[int]]
    opened: list[bool]
    marks: list[set[str]]
    at: set[tuple[int, int]]


class Goal:
    """A compiled formula. Quantifiers range over the entities that the game names."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self._item_types = [item.type for item in game.items]
        self._place_types = [place.type for place in game.receptacles]
        places = {place.location for place in game.receptacles} | {at for item in game.items for at in item.at}
        self._domains: Mapping[str, Sequence[Value]] = {
            "object": range(len(game.items)),
            "receptacle": range(len(game.receptacles)),
            "location": sorted({place for place in places if place is not None} | {game.start}),
            "agent": (0,),
            "otype": sorted(set(self._item_types)),
            "rtype": sorted(set(self._place_types)),
        }
        formulas = parse_expression(game.goal)
        self._test = _all([self._compile(formula) for formula in formulas])

    def holds(self, facts: Facts) -> bool:
        """Tell whether the formula is true of a state."""
        return self._test(facts, {})

    def _compile(self, formula: Expression) -> Test:
        if isinstance(formula, str) or (formula and not isinstance(formula[0], str)):
            raise DataError(f"the goal holds {formula!r} where a formula was expected; the game file is damaged")
        if not formula:
            return _always
        head, rest = formula[0], formula[1:]
        if head in ("exists", "forall") and len(rest) == 2 and isinstance(rest[0], list):
            return self._quantified(str(head), rest[0], rest[1])
        if head not in ("and", "or", "not", "imply"):
            return self._atom(str(head), rest)
        parts = [self._compile(part) for part in rest]
        if head == "and":
            return _all(parts)
        if head == "or":
            return _any(parts)
        return _any([_negate(part) for part in parts[:1]] + parts[1:])

    def _quantified(self, head: str, typed: list[Expression], body: Expression) -> Test:
        variables = self._variables(typed)
        if head == "forall":
            return _negate(self._exists(variables, ["not", body]))
        while (
            isinstance(body, list) and len(body) == 3 and body[0] == "exists" and isinstance(body[1], list)
        ):  # nested alone: one search over all the variables
            variables += self._variables(body[1])
            body = body[2]
        return self._exists(variables, body)

    def _variables(self, typed: list[Expression]) -> list[tuple[str, Sequence[Value]]]:
        """Read `?a ?b - sort ?c - sort`."""
        found: list[tuple[str, Sequence[Value]]] = []
        waiting: list[str] = []
        words = iter(typed)
        for word in words:
            if word == "-":
                sort = next(words, "")
                if not isinstance(sort, str) or sort not in self._domains:
                    raise DataError(f"the goal ranges over the unknown type {sort!r}; known: {sorted(self._domains)}")
                found += [(name, self._domains[sort]) for name in waiting]
                waiting = []
            elif isinstance(word, str):
                waiting.append(word)
        return found

    def _exists(self, variables: list[tuple[str, Sequence[Value]]], body: Expression) -> Test:
        """Search bindings one variable at a time, each conjunct asked as soon as its variables are bound."""
        parts = body[1:] if isinstance(body, list) and body and body[0] == "and" else [body]
        levels: list[list[Test]] = [[] for _ in range(len(variables) + 1)]
        domains = dict(variables)
        for part in parts:
            narrowed = self._narrowed(part, domains)
            if narrowed is not None:
                domains[narrowed[0]] = narrowed[1]
                continue
            used = _words(part)
            level = max((number for number, name in enumerate(domains, start=1) if name in used), default=0)
            levels[level].append(self._compile(part))
        order = list(domains.items())

        def search(facts: Facts, binding: Binding, level: int) -> bool:
            for test in levels[level]:
                if not test(facts, binding):
                    return False
            if level == len(order):
                return True
            name, domain = order[level]
            return any(search(facts, {**binding, name: value}, level + 1) for value in domain)

        return lambda facts, binding: search(facts, binding, 0)

    def _narrowed(self, part: Expression, domains: dict[str, Sequence[Value]]) -> tuple[str, list[Value]] | None:
        """Return what `(objecttype ?o mugtype)` and its like leave of the domain of its variable."""
        if not isinstance(part, list) or len(part) != 3 or part[0] not in ("objecttype", "receptacletype"):
            return None
        variable, kind = part[1], part[2]
        if not isinstance(variable, str) or not isinstance(kind, str) or variable not in domains or kind[0] == "?":
            return None
        types = self._item_types if part[0] == "objecttype" else self._place_types
        wanted = _untyped(kind)
        return variable, [value for value in domains[variable] if isinstance(value, int) and types[value] == wanted]

    def _atom(self, predicate: str, arguments: list[Expression]) -> Test:
        terms = [_term(argument) for argument in arguments]
        signature, ask = self._predicate(predicate, len(terms))
        for sort, term in zip(signature, terms, strict=True):
            if sort != "*" and isinstance(term, str) and not term.startswith("?"):
                raise DataError(f"the goal names {term!r}, which is not in the game; the game file is damaged")
        return lambda facts, binding: ask(facts, *[_value(term, binding) for term in terms])

    def _predicate(self, name: str, arity: int) -> tuple[str, Callable[..., bool]]:
        if name in _MARKS and arity == 1:
            return "i", lambda facts, item: name in facts.marks[item]
        known = self._known_predicates.get(name)
        if known is None or len(known[0]) != arity:
            names = ", ".join(sorted((*self._known_predicates, *_MARKS)))
            raise DataError(f"the goal uses {name!r} with {arity} arguments; known predicates: {names}")
        return known

    @cached_property
    def _known_predicates(self) -> dict[str, tuple[str, Callable[..., bool]]]:
        """Predicates with the sorts of their arguments: item, receptacle, location, or anything."""
        game = self._game
        item_types, place_types = self._item_types, self._place_types
        places = [place.location for place in game.receptacles]
        return {
            "=": ("**", lambda _facts, left, right: left == right),
            "inreceptacle": ("ir", lambda facts, item, place: place in facts.inside[item]),
            "objecttype": ("i*", lambda _facts, item, kind: item_types[item] == _untyped(kind)),
            "receptacletype": ("r*", lambda _facts, place, kind: place_types[place] == _untyped(kind)),
            "cancontain": ("**", lambda _facts, place, item: _untyped(item) in game.accepts.get(_untyped(place), ())),
            "holds": ("*i", lambda facts, _agent, item: facts.held == item),
            "holdsany": ("*", lambda facts, _agent: facts.held is not None),
            "atlocation": ("*l", lambda facts, _agent, location: facts.here == location),
            "receptacleatlocation": ("rl", lambda _facts, place, location: places[place] == location),
            "objectatlocation": ("il", lambda facts, item, location: (item, location) in facts.at),
            "openable": ("r", lambda _facts, place: game.receptacles[place].openable),
            "opened": ("r", lambda facts, place: facts.opened[place]),
        }


_MARKS = (
    "cleanable", "coolable", "heatable", "isclean", "iscool", "ishot", "ison", "isreceptacleobject", "issliced",
    "istoggled", "moveable", "pickupable", "sliceable", "toggleable",
)  # fmt: skip


def _always(_facts: Facts, _binding: Binding) -> bool:
    return True


def _all(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda facts, binding: all(test(facts, binding) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda facts, binding: any(test(facts, binding) for test in tests)


def _negate(test: Test) -> Test:
    return lambda facts, binding: not test(facts, binding)


def _untyped(name: str) -> str:
    return name.removesuffix("type")


def _value(term: Value, binding: Binding) -> Value:
    return binding.get(term, term) if isinstance(term, str) else term


def _term(argument: Expression) -> Value:
    if isinstance(argument, list):
        raise DataError(f"the goal nests {argument!r} where a name was expected; the game file is damaged")
    sort, _, index = argument.partition(":")
    return int(index) if sort in ("item", "receptacle", "location") and index.isdecimal() else argument


def _words(expression: Expression) -> set[str]:
    if isinstance(expression, str):
        return {expression}
    return {word for part in expression for word in _words(part)}
