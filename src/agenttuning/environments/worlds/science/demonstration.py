"""A gold path told as a dialogue: our own thoughts before the moves that begin something new."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.science.official import Demonstration

_THOUGHTS: Final = (
    (r"focus on (.+)", "The task asks me to focus on the {0}, and it is here."),
    (r"(?:go|teleport) to (?:the )?(.+)", "What I need next is in another place, the {0}."),
    (r"pick up (.+)", "I will need the {0}, so I take it along."),
    (r"open (?!door)(.+)", "The {0} is closed; I open it to get at what is inside."),
    (r"(?:move|pour|dunk) (.+?) (?:to|into|in) (.+)", "The {0} has to be in the {1} for the next step."),
    (r"activate (.+)", "The {0} does its work only while it is on."),
    (r"use (.+?)(?: in inventory)? on (.+)", "With the {0} I learn more about the {1}."),
    (r"connect (.+?) to (.+)", "A circuit must be closed, so I connect its parts one by one."),
    (r"mix (.+)", "Everything that is needed is in the {0}; mixing should do the rest."),
    (r"wait\d*", "This takes time, so I wait and watch."),
    (r"(?:examine|look (?:at|in|on)) (.+)", "I look at the {0} to see how far it has come."),
    (r"read (.+)", "The {0} may say how this is done."),
)
_COMPILED: Final = tuple((re.compile(pattern), thought) for pattern, thought in _THOUGHTS)


def tell(demonstration: Demonstration) -> Iterator[Message]:
    """Yield the dialogue, from the first observation to the last action; none of it is trained on."""
    last = ""
    for number, turn in enumerate(demonstration.turns):
        shown = one_line(turn.observation)
        yield Message(role="user", content=f"{shown}\n{one_line(demonstration.goal)}" if number == 0 else shown)
        verb = turn.action.split(" ", 1)[0]
        thought = _thought(turn.action) if verb != last else None
        if thought is not None:
            yield Message(role="assistant", content=f"Think: {thought}", train=False)
            yield Message(role="user", content="OK.")
        yield Message(role="assistant", content=f"Action: {turn.action}", train=False)
        last = verb


def _thought(action: str) -> str | None:
    for pattern, thought in _COMPILED:
        if found := pattern.fullmatch(action):
            return thought.format(*(name.replace(" in inventory", "") for name in found.groups()))
    return None


def one_line(text: str) -> str:
    """Put an observation on one line, as the evaluation showed it."""
    return text.replace("\n", " ").replace("\t", " ")
