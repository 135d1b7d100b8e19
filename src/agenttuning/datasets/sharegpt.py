"""General conversations in the schemas that circulate: ShareGPT's and the `messages` list of chat APIs.

    {"id": "x", "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}
    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}

Every assistant turn is trained. Assistant turns before the first user turn are fragments of a page and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.records import Message, Role
from agenttuning.datasets.conversation import Conversation
from agenttuning.datasets.rows import read_rows
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import JsonValue

_ROLES: dict[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}


def read_sharegpt(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file; a row without id is named by its number.

    Raises:
        DataError: unreadable, or a row of another schema; names the row.
    """
    for number, (place, row) in enumerate(read_rows(path)):
        turns = row.get("conversations", row.get("messages"))
        if not isinstance(turns, list):
            raise DataError(f"{place} has neither 'conversations' nor 'messages'; known fields: {', '.join(row)}")
        messages = [_message(turn, place=f"{place}, turn {index}") for index, turn in enumerate(turns)]
        while messages and messages[0].role == "assistant":
            messages.pop(0)
        yield Conversation(id=str(row.get("id", number)), messages=tuple(messages))


def _message(turn: JsonValue, *, place: str) -> Message:
    if not isinstance(turn, dict):
        raise DataError(f"{place} is a {type(turn).__name__}, not an object with a role and a text")
    role = turn.get("from", turn.get("role"))
    text = turn.get("value", turn.get("content"))
    if not isinstance(role, str) or role not in _ROLES:
        raise DataError(f"{place} has the role {role!r}{nearest(str(role), _ROLES)}; known: {', '.join(_ROLES)}")
    if not isinstance(text, str):
        raise DataError(f"{place} has no text; 'value' or 'content' must be a string, not {text!r}")
    known = _ROLES[role]
    return Message(role=known, content=text, train=True if known == "assistant" else None)
