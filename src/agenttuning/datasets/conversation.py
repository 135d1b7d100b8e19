"""One dialogue of a data file."""

from __future__ import annotations

from agenttuning.core.records import Message, Record


class Conversation(Record):
    """A dialogue and its id in the file."""

    id: str
    messages: tuple[Message, ...]
