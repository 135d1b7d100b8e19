"""The one record that every format is read into and written from: a dialogue with all that its file says of it.

Wider than `Conversation`, which holds what training sees. Plain dataclasses, since text of damaged files (lone
surrogates) must live long enough to be named, which a validated string cannot.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pydantic import JsonValue

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)
TurnRole = Literal["system", "user", "assistant", "tool"]
Row = dict[str, "JsonValue"]
"""One JSON object of a file."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that an assistant turn calls."""

    name: str
    arguments: str
    """JSON text, as the model wrote it where that is known."""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message."""

    role: TurnRole
    content: str = ""
    train: bool | None = None
    """Assistant turns: does the loss see it; None where nobody knows, and on other turns. AgentInstruct's `loss`."""
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    """Tool turns: the call that this answers."""
    name: str | None = None
    reasoning: str | None = None
    """A thought that came in a field of its own; ReAct's thoughts are part of `content`."""
    extra: Row = field(default_factory=dict)
    """What the format says beside it, less nulls."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One dialogue of a file."""

    id: str | None
    turns: tuple[Turn, ...]
    tools: tuple[JsonValue, ...] = ()
    """Function definitions in OpenAI's schema."""
    reward: float | None = None
    success: bool | None = None
    stop: str | None = None
    """Why it ended: a value of `Stop` where the file's own word has a counterpart."""
    extra: Row = field(default_factory=dict)
    """What the format says beside it, less nulls; formats with much to say keep it under their own name."""


def dump(value: object) -> str:
    """Return JSON text as this project writes it."""
    return _ENCODER.encode(value)


def arguments_object(call: ToolCall) -> JsonValue:
    """Return the arguments as an object where that says exactly the same, else the text."""
    try:
        value: JsonValue = json.loads(call.arguments)
        return value if isinstance(value, dict) and dump(value) == call.arguments else call.arguments
    except (ValueError, RecursionError):
        return call.arguments
