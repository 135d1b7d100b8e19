"""One row per trained turn, for formats that learn the last turn of a row only; and the way back.

Each row holds the dialogue up to a trained turn. A mark says which part of which dialogue it is:

    "agenttuning": {"part": 1, "of": 3, "trained": [3, 5, 9], "id": "os_42"}

A reader takes the last part, which holds all the others. Turns after the last trained one are not in any row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.problems import bad, optional_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.datasets.dialogue import Dialogue, Row, Turn

MARK: Final = "agenttuning"
TAIL: Final = "turns after the last trained one"


def trained(dialogue: Dialogue) -> list[int]:
    """Return the indices of the turns that are learned: assistant turns not flagged false."""
    return [i for i, turn in enumerate(dialogue.turns) if turn.role == "assistant" and turn.train is not False]


def tail(dialogue: Dialogue) -> Counter[str]:
    """Count the turns that are in no row."""
    ends = trained(dialogue)
    return Counter({TAIL: len(dialogue.turns) - ends[-1] - 1} if ends and ends[-1] + 1 < len(dialogue.turns) else {})


def parts(dialogue: Dialogue, *, number: int) -> Iterator[tuple[Sequence[Turn], Row]]:
    """Yield (turns up to a trained one, fields that name the row).

    Raises:
        BadRowError: nothing is trained.
    """
    ends = trained(dialogue)
    if not ends:
        raise bad("untrained", "", f"{len(dialogue.turns)} turns", "no turn is trained, so there is no row to write")
    for part, end in enumerate(ends, start=1):
        mark: Row = {"part": part, "of": len(ends), "trained": list(ends)}
        if dialogue.id is not None:
            mark["id"] = dialogue.id
        yield dialogue.turns[: end + 1], {"id": f"{dialogue.id or number}#{part}", MARK: mark}


def whole(found: Dialogue, row: Row) -> list[Dialogue]:
    """Return the dialogue that a row was made of, none for a row that is part of a later one.

    Raises:
        BadRowError: the mark is damaged.
    """
    mark = optional_object(row, MARK)
    if not mark:
        return [found]
    if mark.get("part") != mark.get("of"):
        return []
    flags, identity = mark.get("trained"), mark.get("id")
    if not isinstance(flags, list) or not isinstance(identity, (str, type(None))):
        raise bad("schema", MARK, mark, "must be as written; remove it to read the row by itself")
    turns = [flag_turn(turn, trained=index in flags) for index, turn in enumerate(found.turns)]
    return [replace(found, id=identity, turns=tuple(turns))]


def flag_turn(turn: Turn, *, trained: bool) -> Turn:
    """Return the turn with its flag set, where it is the assistant's."""
    return replace(turn, train=trained) if turn.role == "assistant" else turn
