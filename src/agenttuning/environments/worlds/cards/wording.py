"""How the expert thinks aloud: why its guess or action follows from what it has seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.cards.moves import KINDS, NAMES, Action, Guess

if TYPE_CHECKING:
    from random import Random

    from agenttuning.environments.worlds.cards.expert import Advice
    from agenttuning.environments.worlds.cards.view import View

_THOUGHTS: Final = {
    "blind": (
        "Nothing tells the hidden fish apart yet. A wrong guess costs nothing, so I try {kind} at position {spot}.",
        "I have no clue about position {spot}, but guessing is free: {kind}.",
        "Any kind could be at position {spot} still. {Kind} is as good as the others, and a miss does no harm.",
    ),
    "narrowed": (
        "After what I have seen, position {spot} can only be {kinds}. I guess {kind}.",
        "The fish at position {spot} is {kinds}; nothing else fits. {Kind} is my guess.",
        "What happened so far leaves {kinds} for position {spot}, so I guess {kind}.",
    ),
    "sure": (
        "Only {kind} at position {spot} explains everything so far. A right guess takes 50 HP from all of them.",
        "Position {spot} must be {kind}: no other line-up fits what happened.",
        "By elimination position {spot} is {kind}, and saying so costs every enemy 50 HP.",
    ),
    "known": (
        "Every enemy is known already, so there is nothing to guess; I name one that is exposed.",
        "No hidden fish is left. I repeat what is known, which changes nothing.",
    ),
    "kill": (
        "Position {spot} is down to {hp} HP. {Fish} has {attack} ATK, and its normal attack kills.",
        "{Fish} can finish position {spot} off: {hp} HP are left there and {value} damage is coming.",
        "A kill is in reach: {hp} HP at position {spot} against {value} from {fish}.",
    ),
    "attack": (
        "Nobody falls this turn. {Fish} hits for {value}, and position {spot} is where that is worth most.",
        "The best trade I see is {fish} on position {spot}: {value} damage, and little comes back.",
        "I wear position {spot} down: {fish} attacks with half of its {attack} ATK, {value}.",
    ),
    "area": (
        "{count} enemies are alive, so the area skill of {fish} pays: {value} each, {loss} or more in all.",
        "With {count} targets the active skill of {fish} beats one attack; it takes at least {loss} HP altogether.",
        "{Fish} reaches all {count} of them at once with {value} damage each.",
    ),
    "sweep": (
        "The area skill of {fish} deals {value} to each enemy and kills at position {falls}.",
        "{Fish} strikes them all for {value}, which is the end of position {falls}.",
    ),
    "infight": (
        "{Fish} takes 75 HP from its teammate at position {spot} and gains 140 ATK for the rest of the game.",
        "No attack is worth more now than ATK for later: {fish} feeds on position {spot}.",
    ),
}
_BRIEF: Final = {
    "blind": "{spot} is unknown.",
    "narrowed": "{spot} is {kinds}.",
    "sure": "{spot} is {kind}.",
    "known": "all are known.",
    "kill": "{spot} has hp {hp} and falls.",
    "attack": "{spot} has hp {hp}.",
    "area": "hit all.",
    "sweep": "hit all, {falls} falls.",
    "infight": "gain atk.",
}


class Wording:
    """Words one expert's replies; the same stream words the same game the same way."""

    def __init__(self, stream: Random, *, brief: bool) -> None:
        self._stream = stream
        self._brief = brief

    def guess(self, advice: Advice, view: View) -> str:
        """Return the reply that makes a guess."""
        if not isinstance(advice.move, Guess):
            spot = view.enemies[0]
            kind = view.enemy_kinds[spot]
            assert kind is not None
            return self._reply("known", {}, {"guess_type": NAMES[kind], "target_position": str(spot)})
        spot, kind = advice.move
        moment = "sure" if len(advice.kinds) == 1 else "blind" if len(advice.kinds) == len(KINDS) else "narrowed"
        words = {"spot": str(spot), "kind": NAMES[kind], "kinds": " or ".join(NAMES[kind] for kind in advice.kinds)}
        return self._reply(moment, words, {"guess_type": NAMES[kind], "target_position": str(spot)})

    def act(self, advice: Advice, view: View) -> str:
        """Return the reply that makes a move."""
        action = advice.move
        assert isinstance(action, Action)
        fish = view.mine[action.fish]
        spot = 0 if action.target is None else action.target
        words = {
            "fish": NAMES[fish.kind],
            "spot": str(spot),
            "hp": str(view.enemy_hp[spot]),
            "attack": str(fish.attack),
            "value": str(advice.value),
            "count": str(len(view.enemies)),
            "loss": str(advice.loss),
            "falls": " and ".join(map(str, advice.falls)),
        }
        said = {
            "pick_fish": NAMES[fish.kind],
            "action": "active" if action.skill else "normal",
            "target_position": str(spot),
        }
        return self._reply(_moment(action, advice), words, said)

    def _reply(self, moment: str, words: dict[str, str], said: dict[str, str]) -> str:
        template = _BRIEF[moment] if self._brief else self._stream.choice(_THOUGHTS[moment])
        named = {key.capitalize(): word.capitalize() for key, word in words.items()}
        return f"Thought: {template.format(**words, **named)}\nAction: {json.dumps(said)}"


def _moment(action: Action, advice: Advice) -> str:
    if not action.skill:
        return "kill" if action.target in advice.falls else "attack"
    if action.target is not None:
        return "infight"
    return "sweep" if advice.falls else "area"
