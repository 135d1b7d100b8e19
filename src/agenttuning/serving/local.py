"""The engine of a model in this process."""

from __future__ import annotations

import logging
from itertools import accumulate
from typing import TYPE_CHECKING

from agenttuning.models.generate import Generator
from agenttuning.models.load import load_chat_model
from agenttuning.serving.engine import EngineInfo, TextToken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from agenttuning.core.records import Message
    from agenttuning.models.generation import GenerationRequest, Load, Token
    from agenttuning.serving.settings import ServerSettings

_LOG = logging.getLogger(__name__)


class LocalEngine:
    """Batched generation with a transformers model."""

    def __init__(self, model: str | Path, settings: ServerSettings) -> None:
        """Load the model.

        Raises:
            DataError: there is no such model, or it is damaged or has no chat template.
        """
        self._chat_model = load_chat_model(model, dtype=settings.dtype, template=settings.template)
        self._texts: dict[int, str] = {}
        self._generator = Generator(
            self._chat_model, max_batch=settings.max_batch, prefix_cache_bytes=settings.prefix_cache_bytes
        )
        self.info = EngineInfo(
            model=self._chat_model.name,
            dtype=settings.dtype,
            device=self._chat_model.model.device.type,
            max_total_tokens=self._chat_model.max_length,
            vocabulary=int(self._chat_model.model.config.vocab_size),
            special=frozenset(self._chat_model.tokenizer.all_special_ids),
            template=self._chat_model.template.digest,
        )

    def encode(self, text: str) -> list[int]:
        """Return the ids of a raw prompt; a BOS that the text brings itself is not doubled."""
        tokenizer = self._chat_model.tokenizer
        ids: list[int] = tokenizer(text)["input_ids"]
        if len(ids) > 1 and ids[0] == ids[1] == tokenizer.bos_token_id:
            _LOG.warning("a raw prompt begins with BOS, which the server adds; the second one is dropped")
            return ids[1:]
        return ids

    @property
    def load(self) -> Load:
        """What it is doing now."""
        return self._generator.load

    def text_tokens(self, text: str) -> list[TextToken]:
        """Return the tokens of a raw prompt and where they stand."""
        found = self._chat_model.tokenizer(text, return_offsets_mapping=True)
        ids = self.encode(text)
        ends = [0, *accumulate(len(character.encode()) for character in text)]
        places = found["offset_mapping"][len(found["input_ids"]) - len(ids) :]
        return [
            TextToken(token_id, text[start:stop], ends[start], ends[stop])
            for token_id, (start, stop) in zip(ids, places, strict=True)
        ]

    def token_texts(self, token_ids: Sequence[int]) -> list[str]:
        """Return the text of every token as it stands inside a text."""
        missing = [token_id for token_id in dict.fromkeys(token_ids) if token_id not in self._texts]
        if missing:
            self._texts.update(zip(missing, self._decoded(missing), strict=True))
        return [self._texts[token_id] for token_id in token_ids]

    def _decoded(self, token_ids: Sequence[int]) -> list[str]:
        """Decode each token behind another, since some tokenizers drop the space at the beginning of a text."""
        tokenizer = self._chat_model.tokenizer
        before = tokenizer("a", add_special_tokens=False)["input_ids"]
        lead, *texts = (
            str(tokenizer.decode([*before, *after], skip_special_tokens=False, clean_up_tokenization_spaces=False))
            for after in ([], *([token_id] for token_id in token_ids))
        )
        return [text.removeprefix(lead) for text in texts]

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of a conversation, up to where the answer begins."""
        return self._chat_model.template.prompt_ids(messages)

    def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        """Yield the answer; the last token carries the whole."""
        return self._generator.stream(request)

    async def close(self) -> None:
        """End the worker thread."""
        await self._generator.close()
