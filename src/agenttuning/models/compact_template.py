"""The chat template of our own small models: one special token per role.

    <|system|>text<|user|>question<|assistant|>answer</s><|user|>...

Small models read few tokens and have little to learn about markers. The same format is stored as the
tokenizer's Jinja template, so that transformers, vLLM and TGI render what this class renders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.records import digest
from agenttuning.models.chat_template import PieceTemplate, plain_encoder, token_id
from agenttuning.models.pieces import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedTokenizerBase

    from agenttuning.core.records import Message

END = "</s>"
PAD = "<pad>"
MARKS = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
SPECIAL_TOKENS = (PAD, END, *MARKS.values())
COMPACT_JINJA = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '</s>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


class CompactTemplate(PieceTemplate):
    """`COMPACT_JINJA`, without rendering: exact, quick, and deaf to marks inside a text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(plain_encoder(tokenizer))
        self._marks = {role: (token_id(tokenizer, mark),) for role, mark in MARKS.items()}
        self._end = (token_id(tokenizer, END),)
        self.digest = digest(COMPACT_JINJA)

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """Return the rendered conversation and the mark that opens the next answer."""
        turns = (MARKS[m.role] + m.content + (END if m.role == "assistant" else "") for m in messages)
        return "".join(turns) + MARKS["assistant"]

    def pieces(self, messages: Sequence[Message], *, open_end: bool) -> Iterator[Piece]:
        """Yield every turn after its role mark, which is never trained; an answer's end mark is trained with it."""
        for message in messages:
            answer = message.role == "assistant"
            closes = self._end if answer else ()
            yield Piece(
                message.content, opens=self._marks[message.role], closes=closes, answer=answer, train=message.train
            )
        if open_end:
            yield Piece("", opens=self._marks["assistant"])
