r"""The `messages` list of chat APIs: OpenAI's fine-tuning files, and the common part of its relatives.

    {"messages": [{"role": "user", "content": "..."},
                  {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function",
                      "function": {"name": "look", "arguments": "{\"at\": \"desk\"}"}}]},
                  {"role": "tool", "tool_call_id": "1", "content": "..."},
                  {"role": "assistant", "content": "OK.", "weight": 0}],
     "tools": [{"type": "function", "function": {...}}]}

`weight` 0 is OpenAI's own word for an answer that is not trained. `train` and `loss`, which others write, are read.
"""

from __future__ import annotations

import json
from types import NoneType
from typing import TYPE_CHECKING, ClassVar, Literal

import pyarrow as pa

from agenttuning.datasets.dialogue import Dialogue, Row, ToolCall, Turn, TurnRole, arguments_object, dump
from agenttuning.datasets.format import EVERYTHING, Format
from agenttuning.datasets.open_row import FURTHER, outer_columns, outer_fields, pack, read_outer, unpack
from agenttuning.datasets.problems import BadRowError, bad, object_of, objects_of, optional_text, text_of
from agenttuning.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

ROLES: dict[str, TurnRole] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
OWN = ("messages", "tools")
_MESSAGE = {
    "role", "content", "name", "tool_calls", "function_call", "tool_call_id", "reasoning_content",
    "train", "loss", "weight",
}  # fmt: skip
_COLUMNS = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "train", "weight")
Flag = Literal["weight", "train", "none"]


class OpenAI(Format):
    """OpenAI's fine-tuning files."""

    name = "openai"
    about = "OpenAI's fine-tuning files: messages with tool calls; weight 0 for untrained answers"
    holds = EVERYTHING - {"unknown flags", "flags of other turns"}
    flag: ClassVar[Flag] = "weight"
    every_flag: ClassVar[bool] = True
    """Else only rows with a flag other than a reader assumes have them."""
    text_arguments: ClassVar[bool] = True

    def matches(self, row: Row) -> bool:
        """Messages."""
        return isinstance(row.get("messages"), list)

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue."""
        del number
        turns = [read_message(message, f"messages.{i}.") for i, message in enumerate(objects_of(row, "messages"))]
        return [read_outer(row, turns, own=OWN, tools=read_tools(row))]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        del number
        return [self.row(dialogue)]

    def row(self, dialogue: Dialogue) -> Row:
        """Return the row of a dialogue."""
        flag = self.flag if self.every_flag or flagged(dialogue.turns) else "none"
        row = outer_fields(dialogue, own=OWN)
        row["messages"] = [write_message(t, flag=flag, text_arguments=self.text_arguments) for t in dialogue.turns]
        if dialogue.tools:
            row["tools"] = list(dialogue.tools)
        return row

    def schema(self) -> pa.Schema:
        """Return the columns; tools and further fields are JSON texts, since their types differ between rows."""
        return pa.schema([("messages", pa.list_(_message_type(self.flag))), ("tools", pa.string()), *outer_columns()])

    def column_row(self, row: Row) -> Row:
        """Return a row whose tools, arguments and further fields are JSON texts."""
        messages: list[Row] = [_column_message(message, self.flag) for message in objects_of(row, "messages")]
        tools: Row = {"tools": dump(row["tools"])} if "tools" in row else {}
        return pack({**row, **tools, "messages": list(messages)}, columns=self.schema().names)


def flagged(turns: Iterable[Turn]) -> bool:
    """Tell whether any turn's flag is other than what a format without flags means."""
    return any(turn.train is not (True if turn.role == "assistant" else None) for turn in turns)


def read_tools(row: Row) -> tuple[JsonValue, ...]:
    """Return the function definitions of a row: a list, or its JSON text.

    Raises:
        BadRowError: neither.
    """
    tools = row.get("tools")
    if isinstance(tools, str):
        try:
            tools = json.loads(tools) if tools.strip() else None
        except ValueError as error:
            raise bad("schema", "tools", tools, "must be a list, or the JSON text of one") from error
    if tools is None:
        return ()
    if not isinstance(tools, list):
        raise bad("schema", "tools", tools, "must be a list, or the JSON text of one")
    return tuple(tools)


def read_message(message: Row, where: str) -> Turn:
    """Return the turn of a message.

    Raises:
        BadRowError: an unknown role, or a field of another type; `where` begins its path.
    """
    message = unpack(message)
    named = text_of(message, "role", where=where)
    if named not in ROLES:
        raise bad("role", f"{where}role", named, f"is no role{nearest(named, ROLES)}; known: {', '.join(ROLES)}")
    role = ROLES[named]
    extra: Row = {key: value for key, value in message.items() if key not in _MESSAGE and value is not None}
    if named != role:
        extra["role"] = named
    calls = _calls(message, where)
    return Turn(
        role=role,
        content=_content(message, extra, calls=bool(calls), where=where),
        train=_flag(message, role, where),
        calls=calls,
        call_id=optional_text(message, "tool_call_id", where=where),
        name=optional_text(message, "name", where=where),
        reasoning=optional_text(message, "reasoning_content", where=where),
        extra=extra,
    )


def _content(message: Row, extra: Row, *, calls: bool, where: str) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None and calls:
        return ""
    if isinstance(content, list):
        extra["content"] = content
        parts = objects_of(message, "content", where=where)
        return "".join(text_of(part, "text", where=f"{where}content.") for part in parts if part.get("type") == "text")
    return text_of(message, "content", where=where)


def _flag(message: Row, role: TurnRole, where: str) -> bool | None:
    for key in ("train", "loss", "weight"):
        if key in message and not (key == "weight" and message[key] is None):
            value = message[key]
            if value not in (None, True, False, 0, 1):
                raise bad("schema", f"{where}{key}", value, "must be true or false")
            return None if value is None else bool(value)
    return True if role == "assistant" else None


def _calls(message: Row, where: str) -> tuple[ToolCall, ...]:
    old = message.get("function_call")
    if old is not None:
        return (_call(object_of(old, where=f"{where}function_call"), {}, f"{where}function_call."),)
    if message.get("tool_calls") is None:
        return ()
    calls = objects_of(message, "tool_calls", where=where)
    return tuple(_outer_call(call, f"{where}tool_calls.{index}.") for index, call in enumerate(calls))


def _outer_call(call: Row, where: str) -> ToolCall:
    inner = call.get("function", call)
    return _call(object_of(inner, where=f"{where}function"), call, where)


def _call(inner: Row, outer: Row, where: str) -> ToolCall:
    arguments = inner.get("arguments", "")
    return ToolCall(
        name=text_of(inner, "name", where=where),
        arguments=arguments if isinstance(arguments, str) else dump(arguments),
        id=optional_text(outer, "id", where=where),
    )


def write_message(turn: Turn, *, flag: Flag = "none", text_arguments: bool = True) -> Row:
    """Return the message of a turn.

    Args:
        turn: The turn.
        flag: The key that says whether it is trained; `train` stands in every message, as Arrow needs it.
        text_arguments: JSON texts as OpenAI has them, or objects as chat templates take them.

    Raises:
        BadRowError: a further field has the name of one of the format's own.
    """
    role, content = _own_words(turn) if turn.extra else (turn.role, turn.content)
    message: Row = {"role": role, "content": None if turn.calls and not content else content}
    if turn.reasoning is not None:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [_written_call(call, text_arguments=text_arguments) for call in turn.calls]
    if turn.call_id is not None:
        message["tool_call_id"] = turn.call_id
    if turn.name is not None:
        message["name"] = turn.name
    if flag == "train":
        message["train"] = turn.train
    elif flag == "weight" and turn.role == "assistant" and turn.train is False:
        message["weight"] = 0
    for key, value in turn.extra.items():
        if key in _MESSAGE:
            if key not in {"role", "content"}:
                raise _clash(key, value)
        else:
            message[key] = value
    return message


def _own_words(turn: Turn) -> tuple[str, JsonValue]:
    """Return the role's name and the content as the format that they were read from has them."""
    named, parts = turn.extra.get("role", turn.role), turn.extra.get("content", turn.content)
    if not isinstance(named, str) or ROLES.get(named) != turn.role:
        raise _clash("role", named)
    if not isinstance(parts, (str, list)):
        raise _clash("content", parts)
    return named, parts


def _clash(key: str, value: JsonValue) -> BadRowError:
    return bad("name_clash", key, value, "the field means something else in this format; rename it")


def _written_call(call: ToolCall, *, text_arguments: bool) -> Row:
    arguments = call.arguments if text_arguments else arguments_object(call)
    inner: Row = {"name": call.name, "arguments": arguments}
    return {**({} if call.id is None else {"id": call.id}), "type": "function", "function": inner}


def _column_message(message: Row, flag: Flag) -> Row:
    columns = [name for name in _COLUMNS if name != "content" or isinstance(message.get("content"), (str, NoneType))]
    packed = pack(message, columns=columns)
    if "tool_calls" in packed:
        packed["tool_calls"] = [_written_call(call, text_arguments=True) for call in _calls(message, "")]
    if flag == "train" and "train" not in packed:
        packed["train"] = True if message["role"] == "assistant" else None
    return packed


def _message_type(flag: Flag) -> pa.DataType:
    function = pa.struct([("name", pa.string()), ("arguments", pa.string())])
    call = pa.struct([("id", pa.string()), ("type", pa.string()), ("function", function)])
    fields = [
        ("role", pa.string()),
        ("content", pa.string()),
        ("reasoning_content", pa.string()),
        ("tool_calls", pa.list_(call)),
        ("tool_call_id", pa.string()),
        ("name", pa.string()),
        (FURTHER, pa.string()),
    ]
    if flag != "none":
        fields.append((flag, pa.int8() if flag == "weight" else pa.bool_()))
    return pa.struct(fields)
