"""The chat template that comes with a model, with exact answer borders.

The conversation is rendered turn by turn; where each assistant turn begins and ends follows from the
difference of two renderings, and the pieces between the borders are encoded one by one. Templates that
rewrite earlier turns (dropping old thoughts, for example) have no such borders and are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from agenttuning.core.records import Message, digest
from agenttuning.errors import DataError
from agenttuning.models.chat_template import DialogueBuilder, TokenizedDialogue, backend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

_PROBE = (
    Message(role="user", content="Name two colours."),
    Message(role="assistant", content="Red and blue."),
    Message(role="user", content="Name 3 more."),
    Message(role="assistant", content="Green, white, black."),
)


class JinjaTemplate:
    """Any Hugging Face tokenizer with a `chat_template`.

    The text of a turn is rendered by the template as transformers would, so a special token inside a
    message is read as one; clean the data of such texts.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.eos_token:
            raise DataError(
                f"the tokenizer of {tokenizer.name_or_path!r} has no EOS token, so an answer would never end; "
                "name one in its tokenizer_config.json, the mark that its chat template puts after an answer"
            )
        self._tokenizer = tokenizer
        self._encoder = backend(tokenizer)
        self._anchor = str(tokenizer.eos_token)
        self._anchor_id = tokenizer.convert_tokens_to_ids(self._anchor)
        self.digest = digest(str(tokenizer.chat_template))
        self._require_exact()

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids up to where the next answer begins."""
        builder = DialogueBuilder()
        done = self._add(builder, messages)
        builder.context(self._encode(self._grown(done, messages, prompt=True), first=not done))
        return builder.input_ids

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """Return the rendered prompt without its first BOS."""
        return self._render(messages, prompt=True).removeprefix(self._tokenizer.bos_token or "")

    def training_ids(self, messages: Sequence[Message]) -> TokenizedDialogue:
        """Return ids and labels; what the template puts after an answer (its end mark) is trained with it."""
        builder = DialogueBuilder()
        self._add(builder, messages)
        return builder.build()

    def _add(self, builder: DialogueBuilder, messages: Sequence[Message]) -> str:
        """Add everything up to the end of the last assistant turn; return the text so far."""
        done = ""
        for index, message in enumerate(messages):
            if message.role != "assistant":
                continue
            context = self._grown(done, messages[:index], prompt=True)
            builder.context(self._encode(context, first=not done))
            done += context
            answer = self._grown(done, messages[: index + 1], prompt=False)
            builder.answer(self._encode(answer, first=False), train=message.train)
            done += answer
        return done

    def _grown(self, done: str, messages: Sequence[Message], *, prompt: bool) -> str:
        text = self._render(messages, prompt=prompt)
        if not text.startswith(done):
            raise DataError(
                f"the chat template of {self._tokenizer.name_or_path!r} rewrites earlier turns (turn {len(messages)}), "
                'so answers have no fixed place in it; choose template = "llama2", or give the model folder a '
                "chat_template.jinja that only appends"
            )
        return text[len(done) :]

    def _render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        from jinja2.exceptions import TemplateError

        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt)
        except TemplateError as error:
            raise DataError(
                f"the chat template of {self._tokenizer.name_or_path!r} refuses this conversation: {error}; "
                'change the order of its roles, or choose template = "llama2"'
            ) from error
        return cast("str", text)

    def _encode(self, text: str, *, first: bool) -> list[int]:
        """Encode a piece as it stands inside the whole: after a special token, no space is put before it."""
        if not text:
            return []
        ids: list[int] = self._encoder.encode(text if first else self._anchor + text, add_special_tokens=False).ids
        return ids if first else ids[1:]

    def _require_exact(self) -> None:
        pieces = self.training_ids(_PROBE).input_ids
        text = self._render(_PROBE, prompt=False)
        whole = self._encoder.encode(text, add_special_tokens=False).ids
        anchored = self._encoder.encode(self._anchor, add_special_tokens=False).ids == [self._anchor_id]
        if not anchored or pieces != whole:
            raise DataError(
                f"the tokenizer of {self._tokenizer.name_or_path!r} merges text across the borders of its chat "
                'template, so training and serving would disagree; choose template = "llama2"'
            )
