"""What is known to be wrong with the worlds of AgentInstruct, by the world that an id names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.problems import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.datasets.dialogue import Dialogue, Turn

_LETTER: Final = re.compile(r"\bAnswer:\s*([A-Z])\b")
_CHOICE: Final = re.compile(r"^([A-Z])\.\s", re.MULTILINE)
_ACTION: Final = re.compile(r"\bAction:\s*([A-Za-z]+)")
_HOUSE: Final = re.compile(r"\bACTION:\s*(.+)", re.IGNORECASE)
_VERBS: Final = re.compile(
    r"(?:go to|take|put|move|open|close|toggle|use|heat|cool|clean|slice|examine) \S+|look|inventory|think\b|help",
    re.IGNORECASE,
)
"""Both dialects: `put x in/on y` of the data set, `move x to y` of later releases."""

_PLACING: Final = re.compile(r"(?:(put) .+ in/on|move .+ to) ", re.IGNORECASE)


def world_problems(dialogue: Dialogue) -> Iterator[Problem]:
    """Yield what breaks the action grammar of the dialogue's world."""
    if dialogue.id is None:
        return
    if dialogue.id.startswith("mind2web"):
        yield from _mind2web(dialogue)
    elif dialogue.id.startswith("alfworld"):
        yield from _alfworld(dialogue)


def _mind2web(dialogue: Dialogue) -> Iterator[Problem]:
    asked = ""
    for index, turn in enumerate(dialogue.turns):
        if turn.role == "user":
            asked = turn.content
        if turn.role != "assistant" or turn.train is False:
            continue
        action, letter = _ACTION.search(turn.content), _LETTER.search(turn.content)
        if action and action[1].upper() not in {"CLICK", "TYPE", "SELECT"}:
            fix = "known: CLICK, TYPE, SELECT; remove the row"
            yield Problem("mind2web_action", f"turn {index}", shown(action[1]), fix)
        choices = sorted(set(_CHOICE.findall(asked)))
        if letter and choices and letter[1] not in choices:
            fix = f"the choices are {choices[0]} to {choices[-1]}; the answer belongs to another prompt, remove the row"
            yield Problem("mind2web_letter", f"turn {index}", shown(letter[1]), fix)


def _alfworld(dialogue: Dialogue) -> Iterator[Problem]:
    for index, turn in enumerate(dialogue.turns):
        line = house_action(turn)
        if line is not None and not _VERBS.match(line):
            yield Problem("alfworld_action", f"turn {index}", shown(line), "is no action; --fix cuts refused ones")


def house_action(turn: Turn) -> str | None:
    """Return the action of an ALFWorld answer; None for other turns, context, and a thought alone."""
    if turn.role != "assistant" or turn.train is False:
        return None
    said = _HOUSE.search(turn.content)
    if said is None and turn.content.lstrip().upper().startswith("THOUGHT"):
        return None
    return (said[1] if said else turn.content).strip()


def is_pseudo_action(dialogue: Dialogue, turn: Turn) -> bool:
    """Tell whether an ALFWorld answer only says that the task is over."""
    line = house_action(turn) if dialogue.id is not None and dialogue.id.startswith("alfworld") else None
    return line is not None and not _VERBS.match(line)


def house_dialects(dialogue: Dialogue) -> set[str]:
    """Return which of the two wordings of placing a thing a dialogue of ALFWorld uses."""
    if dialogue.id is None or not dialogue.id.startswith("alfworld"):
        return set()
    found = [_PLACING.match(line) for turn in dialogue.turns if (line := house_action(turn)) is not None]
    return {"put" if one[1] else "move" for one in found if one}
