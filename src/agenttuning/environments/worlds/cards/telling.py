"""How a battle is told to a player: the benchmark's JSON, and one line for the smallest games.

Positions and numbers are strings, as in the benchmark; unlike there, the targets told are those of the action itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.cards.moves import NAMES, Passive

if TYPE_CHECKING:
    from agenttuning.environments.worlds.cards.moves import Kind, SkillType
    from agenttuning.environments.worlds.cards.view import View

_SKILLS: Final[dict[SkillType, str]] = {"aoe": "AOE", "infight": "Infight", "normalattack": "Normal"}


def tell_guess(view: View) -> str:
    """Tell what a guess is made from: the last guess, living enemies, the enemy's last action, passives seen."""
    _, right = view.last_guess(view.player)
    return (
        f"Guess. Your last guess: {_outcome(right)}\n"
        f"Living enemy positions: {json.dumps([str(position) for position in view.enemies])}\n"
        f"Enemy's last action: {_deed(view, 1 - view.player, skill=True)}\n"
        f"Enemy passives in your last action: {json.dumps(_passives(view))}"
    )


def tell_move(view: View) -> str:
    """Tell what a move is made from: the state, and the last action of both."""
    mine = [_row(fish.position, NAMES[fish.kind], max(fish.hp, 0), str(fish.attack)) for fish in view.mine]
    theirs = [
        _row(position, _name(kind), hp, "unknown")
        for position, (kind, hp) in enumerate(zip(view.enemy_kinds, view.enemy_hp, strict=True))
    ]
    return (
        f"Move. Your guess: {_outcome(view.last_guess(view.player)[1])}\n"
        f"State: {json.dumps({'You': mine, 'Enemy': theirs})}\n"
        f"Your last action: {_deed(view, view.player, skill=False)}\n"
        f"Enemy's last action: {_deed(view, 1 - view.player, skill=False)}"
    )


def tell_briefly(view: View, *, guessing: bool) -> str:
    """Tell the living fish in one line, and before a guess what the enemy did."""
    theirs = ", ".join(f"{spot} {_name(view.enemy_kinds[spot])} hp {view.enemy_hp[spot]}" for spot in view.enemies)
    if guessing:
        last = view.last_deed(1 - view.player)
        return f"Guess. Enemy: {theirs}." + (f" Last action: {last[0].fish} {_SKILLS[last[1].type]}." if last else "")
    mine = ", ".join(f"{NAMES[fish.kind]} hp {fish.hp} atk {fish.attack}" for fish in view.allies)
    return f"Your guess: {_outcome(view.last_guess(view.player)[1])}. Move. You: {mine}. Enemy: {theirs}."


def _outcome(right: bool | None) -> str:  # noqa: FBT001
    return "none" if right is None else "right" if right else "wrong"


def _name(kind: Kind | None) -> str:
    return "unknown" if kind is None else NAMES[kind]


def _passives(view: View) -> dict[str, str]:
    """Return the passives that the own last action set off at each enemy position."""
    own = view.last_deed(view.player)
    seen: dict[str, dict[str, None]] = {}
    for event in own[1].events if own else ():
        if isinstance(event, Passive) and event.player != view.player:
            seen.setdefault(f"Position: {event.source}", {})[event.type.capitalize()] = None
    return {position: " and ".join(types) for position, types in seen.items()}


def _row(position: int, name: str, hp: int, attack: str) -> dict[str, str]:
    return {"ID": name, "POSITION": str(position), "HP": str(hp), "ATK": attack}


def _deed(view: View, player: int, *, skill: bool) -> str:
    last = view.last_deed(player)
    if last is None:
        return "none"
    action, deed = last
    told: dict[str, str | list[str]] = {
        "ACTION_FISH": str(action.fish),
        "ATK": str(deed.value),
        "TARGET": [str(target) for target in deed.targets],
    }
    return json.dumps(told | {"SKILL_TYPE": _SKILLS[deed.type]} if skill else told)
