"""General conversations in ShareGPT's schema, which FastChat trains on.

    {"id": "x", "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}

There is no flag: every assistant turn is trained. `fastchat` is what its trainer takes: human and gpt in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from agenttuning.core.records import Message
from agenttuning.datasets.conversation import Conversation
from agenttuning.datasets.dialogue import Dialogue, Row, Turn, TurnRole
from agenttuning.datasets.format import EVERYTHING, FLAGS, TRANSCRIPT, Format
from agenttuning.datasets.messages import OpenAI
from agenttuning.datasets.open_row import FURTHER, outer_columns, outer_fields, pack, read_outer, unpack
from agenttuning.datasets.problems import BadRowError, bad, objects_of, text_of
from agenttuning.datasets.rows import read_rows
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ROLES: dict[str, TurnRole] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
}
_NAMES: dict[TurnRole, str] = {"user": "human", "assistant": "gpt", "system": "system", "tool": "tool"}
_OWN = ("conversations",)
_TURN = ("from", "value")


class ShareGPT(Format):
    """The schema as it circulates."""

    name = "sharegpt"
    about = "ShareGPT: conversations of human, gpt and system; no flags"
    holds = EVERYTHING - FLAGS - {"tool calls", "call ids", "tool definitions", "reasoning", "names"}
    names: ClassVar[dict[TurnRole, str]] = _NAMES

    def matches(self, row: Row) -> bool:
        """Conversations."""
        return isinstance(row.get("conversations"), list)

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the conversation."""
        del number
        return [read_outer(row, [_turn(t, i) for i, t in enumerate(objects_of(row, "conversations"))], own=_OWN)]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        del number
        turns: list[Row] = [self._said(turn) for turn in dialogue.turns]
        return [{**outer_fields(dialogue, own=_OWN), "conversations": list(turns)}]

    def _said(self, turn: Turn) -> Row:
        sender = turn.extra.get("from")
        if not isinstance(sender, str) or ROLES.get(sender) != turn.role:
            sender = self.names[turn.role]
        return {**turn.extra, "from": sender, "value": turn.content}

    def schema(self) -> pa.Schema:
        """Return the columns."""
        turn = pa.struct([("from", pa.string()), ("value", pa.string()), (FURTHER, pa.string())])
        return pa.schema([("conversations", pa.list_(turn)), *outer_columns()])

    def column_row(self, row: Row) -> Row:
        """Return a row whose further fields are JSON texts."""
        turns: list[Row] = [pack(turn, columns=_TURN) for turn in objects_of(row, "conversations")]
        return pack({**row, "conversations": list(turns)}, columns=self.schema().names)


class FastChat(ShareGPT):
    """What FastChat's trainer takes."""

    name = "fastchat"
    about = "FastChat's training files: conversations of human and gpt in turn"
    holds = ShareGPT.holds - TRANSCRIPT - {"further fields of turns"}

    def matches(self, row: Row) -> bool:
        """Never: it reads as ShareGPT."""
        del row
        return False

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        for index, turn in enumerate(dialogue.turns):
            if turn.role != ("user", "assistant")[index % 2]:
                raise bad("alternation", f"conversations.{index}", turn.role, "FastChat needs human and gpt in turn")
        turns: list[Row] = [{"from": _NAMES[turn.role], "value": turn.content} for turn in dialogue.turns]
        identity: Row = {"id": str(number) if dialogue.id is None else dialogue.id}
        return [{**identity, **outer_fields(dialogue, own=_OWN), "conversations": list(turns)}]


def _turn(turn: Row, index: int) -> Turn:
    where = f"conversations.{index}."
    turn = unpack(turn)
    keys = _TURN if "from" in turn else ("role", "content")
    sender, value = turn.get(keys[0]), turn.get(keys[1])
    if not isinstance(sender, str) or sender not in ROLES:
        hint = f"{nearest(str(sender), ROLES)}; known: {', '.join(ROLES)}"
        raise bad("role", f"{where}{keys[0]}", sender, f"is no role{hint}")
    if not isinstance(value, str):
        value = text_of(turn, keys[1], where=where)
    role = ROLES[sender]
    extra: Row = {key: said for key, said in turn.items() if key not in keys and said is not None}
    if sender != _NAMES[role]:
        extra["from"] = sender
    return Turn(role, value, True if role == "assistant" else None, extra=extra)


def read_sharegpt(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a ShareGPT or `messages` file, for training; a row without id is named by its number.

    Every assistant turn is trained. Assistant turns before the first user turn are fragments of a page and left out.

    Raises:
        DataError: unreadable, or a row of another schema; names the row.
    """
    forms = {"conversations": ShareGPT(), "messages": OpenAI()}
    for number, (place, row) in enumerate(read_rows(path)):
        form = next((form for key, form in forms.items() if isinstance(row.get(key), list)), None)
        if form is None:
            raise DataError(f"{place} has neither 'conversations' nor 'messages'; known fields: {', '.join(row)}")
        try:
            for dialogue in form.read(row, number=number):
                yield _general(
                    Conversation.of(dialogue, place=place), str(number) if dialogue.id is None else dialogue.id
                )
        except BadRowError as error:
            raise DataError(f"{place}: {error}") from error


def _general(found: Conversation, identity: str) -> Conversation:
    first = next((index for index, message in enumerate(found.messages) if message.role != "assistant"), None)
    messages = (
        ()
        if first is None
        else tuple(
            Message(role=m.role, content=m.content, train=True if m.role == "assistant" else None)
            for m in found.messages[first:]
        )
    )
    return Conversation(id=identity, messages=messages)
