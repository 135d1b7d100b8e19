"""AgentInstruct's own format (THUDM/AgentInstruct): FastChat's conversations with a `loss` flag.

    {"id": "os_42", "conversations": [
        {"from": "human", "loss": null, "value": "..."},
        {"from": "gpt", "loss": false, "value": "OK. I'll follow your instructions."},   injected, not trained
        {"from": "gpt", "loss": true, "value": "Think: ... Act: bash ..."}]}             written by the teacher

The flag is kept per turn: `loss` is `Message.train`. JSON arrays, JSON Lines and Parquet are read and written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from agenttuning.core.records import Message, Record
from agenttuning.core.store import disk_errors, write_atomic
from agenttuning.datasets.conversation import Conversation
from agenttuning.datasets.rows import SUFFIXES, read_rows
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("conversations", pa.list_(pa.struct([("from", pa.string()), ("loss", pa.bool_()), ("value", pa.string())]))),
    ]
)
_ROLES: dict[str, Literal["user", "assistant"]] = {"human": "user", "gpt": "assistant"}
_NAMES = {role: name for name, role in _ROLES.items()}


class _Turn(Record):
    sender: Literal["human", "gpt"] = Field(alias="from")
    loss: bool | None = None
    value: str


class _Row(Record):
    id: str
    conversations: tuple[_Turn, ...]


def read_agentinstruct(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file.

    Raises:
        DataError: unreadable, or a row of another schema; names the row.
    """
    for place, row in read_rows(path):
        try:
            parsed = _Row.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise DataError(f"{place} is no AgentInstruct row: {where}: {first['msg']}; correct the row") from error
        turns = tuple(Message(role=_ROLES[t.sender], content=t.value, train=t.loss) for t in parsed.conversations)
        yield Conversation(id=parsed.id, messages=turns)


def write_agentinstruct(path: Path, conversations: Iterable[Conversation]) -> int:
    """Write a file of the kind that its suffix says, atomically; return the number of rows.

    Raises:
        DataError: an unknown suffix, or a system turn, which the format does not have.
    """
    rows = [_row(conversation) for conversation in conversations]
    if path.suffix == ".jsonl":
        write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    elif path.suffix == ".json":
        write_atomic(path, json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
    elif path.suffix == ".parquet":
        temporary = path.with_name(f".{path.name}.tmp")
        with disk_errors(path):
            pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), temporary)
            temporary.replace(path)
    else:
        raise DataError(f"{path} is of an unknown kind; known: {', '.join(SUFFIXES)}")
    return len(rows)


def _row(conversation: Conversation) -> dict[str, object]:
    turns = []
    for message in conversation.messages:
        if message.role not in _NAMES:
            raise DataError(
                f"{conversation.id!r} has a {message.role} turn, which AgentInstruct's format does not know; "
                "put its text into the first user turn"
            )
        turns.append({"from": _NAMES[message.role], "loss": message.train, "value": message.content})
    return {"id": conversation.id, "conversations": turns}
