"""TRL's two conversational forms.

`trl`: OpenAI's messages with `arguments` as objects, as chat templates take them. TRL's `assistant_only_loss` learns
every answer, so `train`, which is written for the way back when a turn is not to be learned, is not obeyed there.
`trl-prompt`: prompt and completion, of which only the completion is learned: one row per trained turn, exact.

    {"prompt": [{"role": "user", ...}], "completion": [{"role": "assistant", ...}], "tools": [...]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.datasets.format import EVERYTHING
from agenttuning.datasets.messages import OpenAI, read_message, read_tools, write_message
from agenttuning.datasets.open_row import outer_fields, read_outer
from agenttuning.datasets.parts import MARK, flag_turn, parts, tail, whole
from agenttuning.datasets.problems import objects_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from agenttuning.datasets.dialogue import Dialogue, Row

_OWN = ("prompt", "completion", "tools", MARK)


class TRL(OpenAI):
    """The `messages` form."""

    name = "trl"
    about = "TRL conversational: messages, arguments as objects; TRL learns every answer"
    holds = EVERYTHING
    note = "TRL learns every answer; for untrained ones use trl-prompt"
    flag = "train"
    every_flag = False
    text_arguments = False

    def matches(self, row: Row) -> bool:
        """Messages with arguments that are objects."""
        messages = row.get("messages")
        return isinstance(messages, list) and any(
            isinstance(call, dict) and isinstance(call.get("function"), dict)
            and isinstance(call["function"].get("arguments"), dict)  # type: ignore[union-attr]
            for message in messages if isinstance(message, dict)
            for call in message.get("tool_calls") or ()  # type: ignore[union-attr]
        )  # fmt: skip


class TRLPrompt(OpenAI):
    """The prompt and completion form."""

    name = "trl-prompt"
    about = "TRL prompt and completion: one row per trained turn, exact flags"
    holds = EVERYTHING - {"unknown flags", "flags of other turns"}
    suffixes = (".json", ".jsonl")

    def matches(self, row: Row) -> bool:
        """Two lists of messages."""
        return isinstance(row.get("prompt"), list) and isinstance(row.get("completion"), list)

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:  # noqa: ARG002
        """Return the dialogue of the last row of a dialogue; the rows before it are parts of that."""
        prompt = [read_message(m, f"prompt.{i}.") for i, m in enumerate(objects_of(row, "prompt"))]
        completion = [read_message(m, f"completion.{i}.") for i, m in enumerate(objects_of(row, "completion"))]
        untrained = [flag_turn(turn, trained=False) for turn in prompt]
        found = read_outer(row, [*untrained, *completion], own=_OWN, tools=read_tools(row))
        return whole(found, row)

    def check(self, dialogue: Dialogue) -> Counter[str]:
        """Return what would be left behind, which includes turns that come after all that is trained."""
        return super().check(dialogue) + tail(dialogue)

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return a row per trained turn."""
        outer = outer_fields(dialogue, own=_OWN)
        if dialogue.tools:
            outer["tools"] = list(dialogue.tools)
        for turns, mark in parts(dialogue, number=number):
            messages = [write_message(turn, text_arguments=False) for turn in turns]
            yield {**outer, **mark, "prompt": list(messages[:-1]), "completion": list(messages[-1:])}

    def schema(self) -> None:
        """Return nothing: the mark of a row is no fixed column."""
