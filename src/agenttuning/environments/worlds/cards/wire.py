"""The messages of AgentBench's engine as JSON: what it asks of a player, what it tells at the end, and the answers.

Requests are `{"Action": "Pick" | "Assert" | "Action", ...}`, and `Finish` at the end; answers name the same action.
Integral floats pass as integers, booleans do not; missing lists are empty; keys that nobody reads are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.cards.moves import AREA_KINDS, Action, Ending, Guess, Hit, Move, Phase, Pick
from agenttuning.environments.worlds.cards.view import View

if TYPE_CHECKING:
    from pydantic import JsonValue

    from agenttuning.environments.worlds.cards.engine import Battle

    Json = dict[str, JsonValue]

_ALL_KINDS: Final = range(1, 13)
"""Kinds that the original engine knows; 5 to 12 are never on the table here, but may be guessed."""


class IllegalMessageError(ValueError):
    """A message that the engine does not understand; its sender loses."""


def read_message(message: JsonValue, battle: Battle) -> Move:
    """Read the answer of the player to move.

    Raises:
        IllegalMessageError: it is no answer to this request, or names what is not there.
    """
    if not isinstance(message, dict):
        raise IllegalMessageError("a message is an object")
    if battle.phase is Phase.ASSERT and message.get("Action") == "Null":
        return None
    if message.get("Action") != battle.phase.value:
        raise IllegalMessageError(f"Action must be {battle.phase.value!r}")
    if battle.phase is Phase.PICK:
        return Pick(tuple(_integers(message, "ChooseFishs", _ALL_KINDS)))
    if battle.phase is Phase.ASSERT:
        return Guess(_integer(message, "Pos", _positions(battle)), _integer(message, "ID", _ALL_KINDS))
    fish = _integer(message, "MyPos", _positions(battle))
    if not _integer(message, "Type", range(2)):
        return Action(fish, skill=False, target=_integer(message, "EnemyPos", _positions(battle)))
    return Action(fish, skill=True, target=_skill_target(message, battle, fish))


def request(battle: Battle) -> Json:
    """Return what the player to move is asked."""
    player = battle.player
    if battle.phase is Phase.PICK:
        return {"Action": "Pick", "FirstMover": 1 - player, "RemainFishs": list(_ALL_KINDS)}
    view = View(battle, player)
    if battle.phase is Phase.ACTION:
        return {"Action": "Action", "AssertReply": _assertion(view, player), "GameInfo": _info(view)}
    return {
        "Action": "Assert",
        "EnemyAssert": _assertion(view, 1 - player) if battle.turns else None,
        "EnemyAction": _action(view, 1 - player),
        "MyAction": _action(view, player),
        "GameInfo": _info(view),
    }


def finish(battle: Battle, player: int) -> Json:
    """Return what a player is told at a natural end; whose message ended it is `battle.player`."""
    told: Json = {
        "Action": "Finish",
        "Result": "Win" if battle.winner == player else "Lose",
        "isStateLimitExceed": battle.ending is Ending.LIMIT,
    }
    view, by_guess = View(battle, player), battle.phase is Phase.ASSERT
    if player == battle.player:
        return told | ({"MyAssert": _assertion(view, player)} if by_guess else {"MyAction": _action(view, player)})
    enemy = battle.player
    return told | {
        "EnemyAssert": _assertion(view, enemy),
        "EnemyAction": None if by_guess else _action(view, enemy),
        "MyAction": _action(view, player),
    }


def _positions(battle: Battle) -> range:
    return range(len(battle.sides[0]))


def _integer(message: Json, key: str, allowed: range) -> int:
    return _checked(message.get(key), key, allowed)


def _integers(message: Json, key: str, allowed: range) -> list[int]:
    held = message.get(key)
    if held is None:
        return []
    if not isinstance(held, list):
        raise IllegalMessageError(f"{key} must be a list")
    found = [_checked(value, key, allowed) for value in held]
    if len(set(found)) < len(found):
        raise IllegalMessageError(f"{key} names something twice")
    return found


def _checked(value: JsonValue, key: str, allowed: range) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or whole not in allowed:
        raise IllegalMessageError(f"{key} must be an integer from {allowed.start} to {allowed.stop - 1}")
    return whole


def _skill_target(message: Json, battle: Battle, fish: int) -> int | None:
    own = _integers(message, "MyList", _positions(battle))
    enemies = _integers(message, "EnemyList", _positions(battle))
    if battle.sides[battle.player][fish].kind in AREA_KINDS:
        if own or sorted(enemies) != [held.position for held in battle.living(1 - battle.player)]:
            raise IllegalMessageError("an area skill takes no MyList and exactly the living enemies as EnemyList")
        return None
    if len(own) != 1 or enemies:
        raise IllegalMessageError("an infight takes one teammate as MyList and no EnemyList")
    return own[0]


def _info(view: View) -> Json:
    return {
        "EnemyFish": [-1 if kind is None else kind for kind in view.enemy_kinds],
        "EnemyHP": list(view.enemy_hp),
        "MyFish": [-fish.kind if fish.exposed else fish.kind for fish in view.mine],
        "MyHP": [max(fish.hp, 0) for fish in view.mine],
        "MyATK": [fish.attack for fish in view.mine],
    }


def _assertion(view: View, player: int) -> Json:
    guess, right = view.last_guess(player)
    position, kind = guess or (None, None)
    return {"AssertPos": position, "AssertContent": kind, "AssertResult": right}


def _action(view: View, player: int) -> Json | None:
    """Return the latest action of a player as the viewer is told it."""
    last = view.last_deed(player)
    if last is None:
        return None
    action, deed = last
    told: Json = {"ActionFish": action.fish}
    targets: list[JsonValue] = [
        {"pos": target, "player": deed.side, "value": deed.value, "isEnemy": deed.side != view.player}
        for target in deed.targets
    ]
    told["skill"] = {"type": deed.type, "isSkill": action.skill, "targets": targets}
    hits: list[JsonValue] = []
    passives: list[JsonValue] = []
    for time, event in enumerate(deed.events, start=1):
        common: Json = {"player": event.player, "time": time, "isEnemy": event.player != view.player}
        if isinstance(event, Hit):
            hits.append({**common, "target": event.target, "value": event.value, "traceable": event.traceable})
        else:
            passives.append({**common, "type": event.type, "source": event.source, "value": float(event.value)})
    return told | ({"hit": hits} if hits else {}) | ({"passive": passives} if passives else {})
