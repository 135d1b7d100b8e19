"""The chat template of our own small models: one special token per role.

    <|system|>text<|user|>question<|assistant|>answer</s><|user|>...

Small models read few tokens and have little to learn about markers. The same format is stored as the
tokenizer's Jinja template, so that transformers, vLLM and TGI render what this class renders.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from agenttuning.core.records import digest
from agenttuning.models.chat_template import DialogueBuilder, TokenizedDialogue, plain_encoder, token_id

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class CompactTemplate:
    """`COMPACT_JINJA`, without rendering: exact, quick, and deaf to marks inside a text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        encoder = plain_encoder(tokenizer)
        self._marks = {role: token_id(tokenizer, mark) for role, mark in MARKS.items()}
        self._end = token_id(tokenizer, END)
        # Worlds repeat themselves: instructions and observations come back in thousands of dialogues.
        self._encode = lru_cache(maxsize=1 << 15)(
            lambda text: tuple(encoder.encode(text, add_special_tokens=False).ids)
        )
        self.digest = digest(COMPACT_JINJA)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of the conversation and the mark that opens the next answer."""
        return [*self.training_ids(messages).input_ids, self._marks["assistant"]]

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """Return the rendered conversation and the mark that opens the next answer."""
        turns = (MARKS[m.role] + m.content + (END if m.role == "assistant" else "") for m in messages)
        return "".join(turns) + MARKS["assistant"]

    def training_ids(self, messages: Sequence[Message]) -> TokenizedDialogue:
        """Return ids and labels; an answer's end mark is trained with it, the role marks never are."""
        builder = DialogueBuilder()
        for message in messages:
            builder.context([self._marks[message.role]])
            ids = self._encode(message.content)
            if message.role == "assistant":
                builder.answer([*ids, self._end], train=message.train)
            else:
                builder.context(ids)
        return builder.build()
