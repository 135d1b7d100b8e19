"""One dialogue as training sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from agenttuning.core.records import Message, Record
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from agenttuning.datasets.dialogue import Dialogue


class Conversation(Record):
    """A dialogue and its id in the file."""

    id: str
    messages: tuple[Message, ...]

    @classmethod
    def of(cls, dialogue: Dialogue, *, place: str) -> Self:
        """Take the text of a dialogue that has nothing but text.

        Raises:
            DataError: a turn that training does not know, or text that no tokenizer takes; names the place.
        """
        messages = []
        for index, turn in enumerate(dialogue.turns):
            if turn.role == "tool" or turn.calls:
                raise DataError(
                    f"{place}, turn {index}: tool calls and their results are not trained on; remove the row"
                )
            try:
                messages.append(Message(role=turn.role, content=turn.content, train=turn.train))
            except ValidationError as error:
                raise DataError(f"{place}, turn {index}: {error.errors()[0]['msg']}; correct the row") from error
        return cls(id=place if dialogue.id is None else dialogue.id, messages=tuple(messages))
