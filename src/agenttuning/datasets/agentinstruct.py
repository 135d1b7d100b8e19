"""AgentInstruct's own format (THUDM/AgentInstruct): FastChat's conversations with a `loss` flag.

    {"id": "os_42", "conversations": [
        {"from": "human", "loss": null, "value": "..."},
        {"from": "gpt", "loss": false, "value": "OK. I'll follow your instructions."},   injected, not trained
        {"from": "gpt", "loss": true, "value": "Think: ... Act: bash ..."}]}             written by the teacher

The flag is kept per turn: `loss` is `Turn.train`. JSON arrays, JSON Lines and Parquet are read and written; the
columns are those of the data set, so nothing else is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from agenttuning.datasets.conversation import Conversation
from agenttuning.datasets.dialogue import Dialogue, Row, Turn, TurnRole
from agenttuning.datasets.format import FLAGS, Format
from agenttuning.datasets.problems import BadRowError, bad, objects_of, optional_text, text_of
from agenttuning.datasets.row_writer import write_rows
from agenttuning.datasets.rows import read_rows
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agenttuning.core.records import Message

ROLES: dict[str, Literal["user", "assistant"]] = {"human": "user", "gpt": "assistant"}
NAMES = {role: name for name, role in ROLES.items()}
_READ: dict[str, TurnRole] = {**ROLES, "system": "system"}
"""Data sets in this schema made by others have system turns."""
_TURN = {"from", "loss", "value"}


class AgentInstruct(Format):
    """The data set's rows."""

    name = "agentinstruct"
    about = "AgentInstruct: conversations with a loss flag per turn"
    holds = FLAGS

    def matches(self, row: Row) -> bool:
        """Conversations of which a turn has the flag."""
        turns = row.get("conversations")
        return isinstance(turns, list) and any(isinstance(turn, dict) and "loss" in turn for turn in turns)

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the conversation; a row without id is named by its number."""
        turns = tuple(_turn(turn, index) for index, turn in enumerate(objects_of(row, "conversations")))
        extra: Row = {k: v for k, v in row.items() if k not in {"id", "conversations"} and v is not None}
        identity = optional_text(row, "id")
        return [Dialogue(str(number) if identity is None else identity, turns, extra=extra)]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        turns: list[Row] = [{"from": NAMES[t.role], "loss": t.train, "value": t.content} for t in dialogue.turns]  # type: ignore[index]
        return [{"id": str(number) if dialogue.id is None else dialogue.id, "conversations": list(turns)}]

    def schema(self) -> pa.Schema:
        """Return the features of the data set."""
        turn = pa.struct([("from", pa.string()), ("loss", pa.bool_()), ("value", pa.string())])
        return pa.schema([("id", pa.string()), ("conversations", pa.list_(turn))])


def _turn(turn: Row, index: int) -> Turn:
    where = f"conversations.{index}."
    sender = text_of(turn, "from", where=where)
    if sender not in _READ:
        raise bad("role", f"{where}from", sender, f"known: {', '.join(_READ)}{nearest(sender, _READ)}")
    loss = turn.get("loss")
    if loss is not None and not isinstance(loss, bool):
        raise bad("schema", f"{where}loss", loss, "must be true, false or null")
    value = turn.get("value")
    if not isinstance(value, str):
        text_of(turn, "value", where=where)
    further: Row = {} if turn.keys() <= _TURN else {k: v for k, v in turn.items() if k not in _TURN and v is not None}
    return Turn(_READ[sender], str(value), loss, extra=further)


def read_agentinstruct(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file, for training.

    Raises:
        DataError: unreadable, or a row of another schema; names the row.
    """
    form = AgentInstruct()
    for number, (place, row) in enumerate(read_rows(path)):
        try:
            text_of(row, "id")
            for dialogue in form.read(row, number=number):
                yield Conversation.of(dialogue, place=place)
        except BadRowError as error:
            raise DataError(f"{place} is no AgentInstruct row: {error}") from error


def write_agentinstruct(path: Path, conversations: Iterable[Conversation]) -> int:
    """Write a file of the kind that its suffix says, atomically; return the number of rows.

    Raises:
        DataError: an unknown suffix, or a system turn, which the format does not have.
    """
    return write_rows(path, map(_row, conversations), schema=AgentInstruct().schema())


def _row(conversation: Conversation) -> Row:
    return {
        "id": conversation.id,
        "conversations": [
            {"from": _sender(message, conversation.id), "loss": message.train, "value": message.content}
            for message in conversation.messages
        ],
    }


def _sender(message: Message, identity: str) -> str:
    if message.role == "system":
        raise DataError(
            f"{identity!r} has a system turn, which AgentInstruct's format does not know; "
            "put its text into the first user turn"
        )
    return NAMES[message.role]
