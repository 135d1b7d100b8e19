"""Reads a reply: the first JSON object in it that names a legal guess or move, in the benchmark's tolerant way.

Every `{...}` without a `}` inside is a candidate, single quotes are taken for double quotes, and the first candidate
that loads and verifies counts; text around it does not matter. Positions may be strings or numbers. Nothing is ever
evaluated, and the work is linear in the length of the reply.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.cards.moves import AREA_KINDS, NAMES, Action, Guess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from agenttuning.environments.worlds.cards.view import View

_KINDS: Final = {name: kind for kind, name in NAMES.items()}
_POSITIONS: Final = {str(position): position for position in range(4)}


class Reading(NamedTuple):
    """What a reply says."""

    move: Guess | Action | None
    """The move; None is the empty guess when there is no fault."""
    fault: str = ""
    """Why nothing in the reply can be played; empty when something can."""


def read_guess(reply: str, view: View) -> Reading:
    """Read a guess; one at an exposed enemy is a legal way to guess nothing."""
    return _first(reply, view, guessing=True)


def read_action(reply: str, view: View) -> Reading:
    """Read a move."""
    return _first(reply, view, guessing=False)


def _first(reply: str, view: View, *, guessing: bool) -> Reading:
    reading = Reading(None, "it holds no JSON object in braces")
    for said in objects(reply):
        reading = _guess(said, view) if guessing else _action(said, view)
        if not reading.fault:
            break
    return reading


def objects(reply: str) -> Iterator[dict[str, JsonValue]]:
    """Yield the JSON objects of a reply in order; what does not load is passed over."""
    begin = reply.find("{")
    while begin >= 0 and (end := reply.find("}", begin)) >= 0:
        try:
            said = json.loads(reply[begin : end + 1].replace("'", '"'))
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict):
            yield said
        begin = reply.find("{", end)


def _guess(said: dict[str, JsonValue], view: View) -> Reading:
    kind = _word(said, "guess_type")
    if kind not in _KINDS:
        return Reading(None, f"guess_type must be one of {', '.join(_KINDS)}")
    position = _position(said)
    if position not in view.enemies:
        return Reading(None, f"target_position must be one of {_listed(view.enemies)}")
    return Reading(Guess(position, _KINDS[kind]) if position in view.hidden else None)


def _action(said: dict[str, JsonValue], view: View) -> Reading:
    allies = {NAMES[fish.kind]: fish for fish in view.allies}
    fish = allies.get(_word(said, "pick_fish"))
    if fish is None:
        return Reading(None, f"pick_fish must be one of {', '.join(allies)}")
    action = _word(said, "action")
    if action not in {"normal", "active"}:
        return Reading(None, "action must be normal or active")
    if action == "active" and fish.kind in AREA_KINDS:
        return Reading(Action(fish.position, skill=True, target=None))
    position = _position(said)
    if position not in view.enemies:
        return Reading(None, f"target_position must be one of {_listed(view.enemies)}")
    if action == "normal":
        return Reading(Action(fish.position, skill=False, target=position))
    mates = [ally.position for ally in view.allies if ally is not fish and ally.position in view.enemies]
    if position not in mates:
        return Reading(None, f"target_position of active {NAMES[fish.kind]} must be one of {_listed(mates)}")
    return Reading(Action(fish.position, skill=True, target=position))


def _word(said: dict[str, JsonValue], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _position(said: dict[str, JsonValue]) -> int:
    """Return a position given as string or integer, -1 for anything else."""
    value = said.get("target_position")
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return _POSITIONS.get(value.strip(), -1) if isinstance(value, str) else -1


def _listed(positions: list[int]) -> str:
    return ", ".join(map(str, positions)) or "none, so choose another action"
