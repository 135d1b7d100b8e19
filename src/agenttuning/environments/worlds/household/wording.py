"""How the exploring expert thinks aloud before the moves that need a thought."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agenttuning.environments.worlds.household.errand import Errand
    from agenttuning.environments.worlds.household.explorer import Moment, Move

_TREATED: Final = {
    "pick_clean_then_place": "clean",
    "pick_heat_then_place": "heat",
    "pick_cool_then_place": "cool",
}

_VARIED: Final[dict[Moment, tuple[str, ...]]] = {
    "search": (
        "I have to find a {kind} first; {place} is a likely spot, so I start there.",
        "Where would a {kind} be? I will look at {place} before anything else.",
        "First of all I need a {kind}; people often leave one around {place}.",
        "The task begins with a {kind}. Let me check {place}.",
    ),
    "take": (
        "There is {item}, the thing I was looking for. I pick it up.",
        "I can see {item} here, so I take it.",
        "{item} is right here. I will take it along.",
    ),
    "found": (
        "I remember seeing {item} at {place}; back there.",
        "Another one, {item}, was at {place}. I go and get it.",
    ),
    "device": (
        "I hold {item}. Now I have to {treat} it, and {place} is where that is done.",
        "With {item} in hand, the next step is to {treat} it at {place}.",
    ),
    "carry": (
        "What remains is to bring {item} to {place}.",
        "Everything else is done, so {item} goes to {place} now.",
        "I carry {item} to {place}, where it belongs.",
    ),
    "lamp": (
        "I have the {kind_held} in hand. Now I need the {kind}, so I look at {place}.",
        "Next comes the light: I look for the {kind} at {place}.",
    ),
    "use": ("The {place} is here and I hold {item}, so I switch it on.",),
}

_SHORT: Final[dict[Moment, str]] = {
    "search": "find {kind}.",
    "next": "find {kind}.",
    "open": "open it.",
    "found": "get {item}.",
    "take": "take {item}.",
    "device": "{treat} {item}.",
    "treat": "{treat} {item}.",
    "carry": "bring {item} to {place}.",
    "place": "put {item}.",
    "lamp": "find lamp.",
    "use": "use lamp.",
}


class Wording:
    """Words one expert's thoughts; the same seed words the same game the same way."""

    def __init__(self, errand: Errand, *, seed: str, brief: bool) -> None:
        self._errand = errand
        self._stream = random.Random(seed)
        self._brief = brief

    def reply(self, move: Move) -> str:
        """Return the ReAct reply of a move: a thought where one is needed, and the command."""
        if self._brief:
            return f"THOUGHT: {self._fill(_SHORT[move.moment], move)}\nACTION: {move.command}"
        templates = _VARIED.get(move.moment)
        if templates is None:
            return f"ACTION: {move.command}"
        thought = self._fill(self._stream.choice(templates), move)
        return f"THOUGHT: {thought[0].upper()}{thought[1:]}\nACTION: {move.command}"

    def _fill(self, template: str, move: Move) -> str:
        return template.format(
            kind=move.item,
            item=move.item,
            place=move.place,
            kind_held=self._errand.item,
            treat=_TREATED.get(self._errand.kind, "use"),
        )
