"""How the expert thinks aloud: a turn of its own before the moves that need one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agenttuning.environments.worlds.laboratory.expert import Moment, Move

_VARIED: Final[dict[Moment, tuple[str, ...]]] = {
    "search": (
        "I do not know yet where to find {thing}. I look in the {room} next.",
        "Somewhere there must be {thing}; let me try the {room}.",
        "I have not come across {thing} so far, so I search the {room}.",
    ),
    "go": (
        "What I need now is in the {room}, so I go there.",
        "The next step takes place in the {room}.",
        "I have to get to the {room} for this.",
    ),
    "open": ("The {thing} is closed; something may be in it.", "I open the {thing} to see what it holds."),
    "focus": (
        "The task wants me to focus on the {thing} first.",
        "Here is the {thing}. Before anything else I focus on it.",
    ),
    "carry": (
        "The {thing} belongs in the {place} for this.",
        "Now I bring the {thing} to the {place}.",
        "With the {thing} found, the {place} is where it has to go.",
    ),
    "add": (
        "The {thing} is one of the parts; it goes into the {place}.",
        "I need the {thing} in the {place} for the mixture.",
    ),
    "plant": ("A plant needs this: the {thing} goes into the {place}.", "Next I put the {thing} into the {place}."),
    "start": (
        "Everything is in place. The {device} must be on to {verb} the {thing}.",
        "The {device} does nothing while it is off, so I switch it on.",
    ),
    "wait": (
        "This takes time; I wait until I see the {thing} change.",
        "Nothing more to do for the {thing} but to wait.",
    ),
    "measure": ("The thermometer tells how warm the {thing} is.", "Now I read the temperature of the {thing}."),
    "answer": ("I choose the {thing}: {reason}.", "The {thing} is the right one, because {reason}."),
    "wire": (
        "A current needs a closed circle, so I connect the parts one after another until they meet.",
        "I build a circuit: each part is connected to the next, and the last to the first.",
    ),
    "look": (
        "The circuit is closed. The {thing} will show whether a current flows.",
        "Does the {thing} shine? I look.",
    ),
    "mix": ("Both parts are in the {place}, so mixing should make {thing}.", "All is in; I mix it to get {thing}."),
}

_SHORT: Final[dict[Moment, str]] = {
    "answer": "the {thing}, {reason}.",
    "carry": "the {thing} goes to the {place}.",
    "add": "the {thing} goes to the {place}.",
}


class Wording:
    """Words one expert's thoughts; the same seed words the same experiment the same way."""

    def __init__(self, *, seed: str, brief: bool) -> None:
        self._stream = random.Random(seed)
        self._brief = brief
        self._thought = False

    def thought(self, move: Move) -> str | None:
        """Return what is thought before a move, or None; `tiny` experts think once."""
        if self._brief:
            template = None if self._thought else _SHORT.get(move.moment)
            self._thought = True
            return template and f"Think: {template.format(**move.slots)}"
        choices = _VARIED.get(move.moment)
        return f"Think: {self._stream.choice(choices).format(**move.slots)}" if choices else None
