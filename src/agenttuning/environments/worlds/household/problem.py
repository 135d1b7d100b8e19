"""Compiles an official game file (`game.tw-pddl`) into a game record; game text is parsed, never evaluated."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import BaseModel, ValidationError

from agenttuning.environments.worlds.household.expressions import Expression, parse_expression, write_expression
from agenttuning.environments.worlds.household.game import Dialect, Game, Item, Kind, Receptacle
from agenttuning.environments.worlds.household.goal import Goal
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Facts: TypeAlias = "dict[str, list[tuple[str, ...]]]"

_TASK = re.compile(r'Your task is to: (.*?)"')
_MOVE = re.compile(r"move (.+) to (.+)")
_PREFIXES: Final[dict[str, Kind]] = {
    "pick_and_place": "pick_and_place",
    "pick_clean_then_place": "pick_clean_then_place",
    "pick_heat_then_place": "pick_heat_then_place",
    "pick_cool_then_place": "pick_cool_then_place",
    "look_at_obj": "look_at_obj",
    "pick_two_obj": "pick_two_obj",
}


class _File(BaseModel):
    """The fields of a game file that a playing needs; the planning domain is the engine's own."""

    grammar: str
    pddl_problem: str
    walkthrough: list[str] = []


def compile_game(data: bytes, *, name: str) -> Game:
    """Compile the content of a game file; `name` is its path inside the release, which begins with the task type.

    Raises:
        DataError: it is no game file, or says things that no released game says.
    """
    file = _read(data, name)
    problem = _Problem(file.pddl_problem, name)
    task = _TASK.search(file.grammar)
    if task is None:
        raise DataError(f"{name}: the grammar states no task; it is no game of ALFWorld")
    native: Dialect = "alfworld-0.4" if "You move the" in file.grammar else "agentbench"
    game = Game(
        kind=_kind(name, problem.goal),
        task=task[1].strip(),
        start=problem.start,
        receptacles=problem.receptacles(),
        items=problem.items(),
        accepts=problem.accepts(),
        goal=write_expression(problem.goal),
        walkthrough=tuple(_MOVE.sub(r"put \1 in/on \2", command.strip()) for command in file.walkthrough),
        native=native,
    )
    try:
        Goal(game)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return game


def speak(command: str, *, dialect: Dialect) -> str:
    """Say a walkthrough's command in a dialect."""
    if dialect == "alfworld-0.4" and command.startswith("put "):
        item, _, place = command.removeprefix("put ").partition(" in/on ")
        return f"move {item} to {place}"
    return command


def _read(data: bytes, name: str) -> _File:
    try:
        return _File.model_validate(json.loads(data))
    except (ValidationError, ValueError, RecursionError) as error:
        raise DataError(
            f"{name} is no game file: expected JSON with grammar, pddl_problem and walkthrough; get the release of "
            "ALFWorld again (json_2.1.x_tw-pddl)"
        ) from error


def _kind(name: str, goal: Expression) -> Kind:
    for part in name.split("/"):
        for prefix, kind in _PREFIXES.items():
            if part.startswith(prefix):
                return kind
    formula = write_expression(goal)
    if "istoggled" in formula:
        return "look_at_obj"
    if "(= " in formula:
        return "pick_two_obj"
    marks: Mapping[str, Kind] = {
        "isclean": "pick_clean_then_place",
        "ishot": "pick_heat_then_place",
        "iscool": "pick_cool_then_place",
    }
    return next((kind for mark, kind in marks.items() if mark in formula), "pick_and_place")


@dataclass(frozen=True, slots=True)
class _Named:
    """The ids of one sort in listing order, with their names."""

    ids: tuple[str, ...]
    names: Mapping[str, str]

    def index(self, entity: str) -> int | None:
        return self.ids.index(entity) if entity in self.ids else None


class _Problem:
    """The facts of one problem, with ids replaced by names, indices and location numbers."""

    def __init__(self, text: str, name: str) -> None:
        parts = [part for top in parse_expression(text) for part in _sections(top)]
        stray = [part for part in parts if part[:1] != [":init"] and not _is_heading(part)]
        self._facts = _facts([*_section(parts, ":init", name), *stray])
        goal = _section(parts, ":goal", name)
        names = _names(entity for rows in self._facts.values() for row in rows for entity in row)
        self._places = _Named(tuple(sorted(self._first("receptacletype"))), names)
        known = set(self._first("objecttype", "inreceptacle", "objectatlocation", "pickupable"))
        self._items = _Named(tuple(sorted(known - set(self._places.ids))), names)
        self._numbers = {entity: _number(names[entity]) for entity in names}
        starts = [row[1] for row in self._facts.get("atlocation", []) if len(row) == 2]
        if not starts:
            raise DataError(f"{name}: the problem places no agent; it is no game of ALFWorld")
        self.start = self._numbers[starts[-1]]
        self.goal: Expression = ["and", *(self._located(part) for part in goal)]

    def receptacles(self) -> tuple[Receptacle, ...]:
        types = self._types("receptacletype")
        locations = {row[0]: self._numbers[row[1]] for row in self._facts.get("receptacleatlocation", [])}
        openable, opened = self._first("openable"), self._first("opened")
        return tuple(
            Receptacle(
                name=self._places.names[place],
                type=types[place],
                location=locations.get(place),
                openable=place in openable,
                opened=place in opened,
            )
            for place in self._places.ids
        )

    def items(self) -> tuple[Item, ...]:
        types = self._types("objecttype")
        inside: dict[str, set[int]] = {}
        for item, place in (row for row in self._facts.get("inreceptacle", []) if len(row) == 2):
            index = self._places.index(place)
            if index is not None:
                inside.setdefault(item, set()).add(index)
        at: dict[str, list[int]] = {}
        for row in self._facts.get("objectatlocation", []):
            at.setdefault(row[0], []).append(self._numbers[row[1]])
        marks: dict[str, list[str]] = {}
        for predicate, rows in self._facts.items():
            for row in rows:
                if len(row) == 1:
                    marks.setdefault(row[0], []).append(predicate)
        return tuple(
            Item(
                name=self._items.names[item],
                type=types.get(item, _base(item)),
                inside=tuple(sorted(inside.get(item, ()))),
                at=tuple(at.get(item, ())),
                marks=tuple(sorted(set(marks.get(item, ())))),
            )
            for item in self._items.ids
        )

    def accepts(self) -> dict[str, tuple[str, ...]]:
        types, present = set(self._types("receptacletype").values()), set(self._types("objecttype").values())
        found: dict[str, set[str]] = {}
        for place, item in (row for row in self._facts.get("cancontain", []) if len(row) == 2):
            place_type, item_type = place.removesuffix("type"), item.removesuffix("type")
            if place_type in types and item_type in present:
                found.setdefault(place_type, set()).add(item_type)
        return {place: tuple(sorted(found[place])) for place in sorted(found)}

    def _types(self, predicate: str) -> dict[str, str]:
        return {row[0]: row[1].removesuffix("type") for row in self._facts.get(predicate, []) if len(row) == 2}

    def _first(self, *predicates: str) -> set[str]:
        return {row[0] for predicate in predicates for row in self._facts.get(predicate, []) if row}

    def _located(self, formula: Expression) -> Expression:
        """Replace the ids in a goal by what the game record calls them."""
        if isinstance(formula, list):
            return [self._located(part) for part in formula]
        for sort, named in (("item", self._items), ("receptacle", self._places)):
            index = named.index(formula)
            if index is not None:
                return f"{sort}:{index}"
        return f"location:{self._numbers[formula]}" if formula.startswith("loc_bar_") else formula


def _sections(top: Expression) -> list[list[Expression]]:
    """Return the lists of a definition; where an extra parenthesis cut it short, the rest stands on top."""
    if not isinstance(top, list):
        return []
    return [part for part in top if isinstance(part, list)] if top[:1] == ["define"] else [top]


def _is_heading(part: list[Expression]) -> bool:
    return not part or not isinstance(part[0], str) or part[0].startswith(":") or part[0] == "problem"


def _section(parts: Iterable[list[Expression]], head: str, name: str) -> list[Expression]:
    for part in parts:
        if part[:1] == [head]:
            return part[1:]
    raise DataError(f"{name}: the problem has no {head}; it is no game of ALFWorld")


def _facts(section: list[Expression]) -> Facts:
    facts: Facts = {}
    for fact in section:
        if isinstance(fact, list) and fact and all(isinstance(word, str) for word in fact):
            words = [word for word in fact if isinstance(word, str)]
            facts.setdefault(words[0], []).append(tuple(words[1:]))
    return facts


def _base(entity: str) -> str:
    return entity.partition("_bar_")[0] + ("basin" if "basin" in entity else "")


def _names(entities: Iterable[str]) -> dict[str, str]:
    """Name every id: of each base name the first sorted id gets the highest number."""
    ordered = sorted(set(entities))
    left: dict[str, int] = {}
    for entity in ordered:
        base = _base(entity)
        left[base] = left.get(base, 0) + 1
    names = {}
    for entity in ordered:
        base = _base(entity)
        names[entity] = f"{base} {left[base]}"
        left[base] -= 1
    return names


def _number(name: str) -> int:
    return int(name.rpartition(" ")[2])
