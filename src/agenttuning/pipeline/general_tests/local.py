"""A transformers model of this process for the bridge: answers, continuations, and log probabilities."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio.to_thread
import torch

from agenttuning.core.records import Message
from agenttuning.models.chat_template import plain_encoder
from agenttuning.models.generate import GenerationRequest, Generator
from agenttuning.models.load import load_chat_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agenttuning.core.records import Sampling
    from agenttuning.policies import LocalConfig


class LocalAnswering:
    """Implements `Answering`."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._chat = generator.chat_model
        self._encoder = plain_encoder(self._chat.tokenizer)

    async def chat(self, messages: Sequence[Message], *, sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Answer under the model's own template."""
        return await self._generate(self._chat.template.prompt_ids(messages), sampling, stop)

    async def go_on(self, text: str, *, sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Continue a text, after a BOS where the tokenizer puts one."""
        return await self._generate(self._text_ids(text), sampling, stop)

    async def _generate(self, ids: Sequence[int], sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Generate; a prompt that is too long loses its left end, as in lm-eval."""
        room = max(1, self._chat.max_length - sampling.max_new_tokens)
        return (await self._generator.generate(GenerationRequest(ids[-room:], sampling, stop))).text

    def scores(self, context: Sequence[Message] | str, continuations: Sequence[str]) -> list[tuple[float, bool]]:
        """Score continuations as the model was trained to write them; a context that is too long loses its left end."""
        pairs = [self._pair(context, continuation) for continuation in continuations]
        (before, _), *others = pairs
        if all(other == before for other, _ in others) and all(len(after) == 1 for _, after in pairs):
            return self._next([after[0] for _, after in pairs], before)
        return [self._score(before, after) for before, after in pairs]

    def _pair(self, context: Sequence[Message] | str, continuation: str) -> tuple[list[int], list[int]]:
        if isinstance(context, str):
            whole, before = self._text_ids(context + continuation), self._text_ids(context)
            return before, whole[len(before) :]
        *turns, prefix = (
            context if context[-1].role == "assistant" else (*context, Message(role="assistant", content=""))
        )
        before = self._chat.template.prompt_ids(turns)
        said = prefix.content + continuation
        answered = self._chat.template.training_ids((*turns, Message(role="assistant", content=said)))
        plain = self._chat.template.training_ids((*turns, Message(role="assistant", content=prefix.content)))
        shared = _common(answered.input_ids, plain.input_ids)
        tail = _common(answered.input_ids[::-1], plain.input_ids[::-1])
        tail = min(tail, len(answered.input_ids) - max(shared, len(before)))
        end = len(answered.input_ids) - tail
        return answered.input_ids[:shared], answered.input_ids[shared:end]

    def _text_ids(self, text: str) -> list[int]:
        bos = self._chat.tokenizer.bos_token_id
        ids: list[int] = self._encoder.encode(text, add_special_tokens=False).ids
        return [bos, *ids] if isinstance(bos, int) and getattr(self._chat.tokenizer, "add_bos_token", False) else ids

    def _next(self, candidates: Sequence[int], before: Sequence[int]) -> list[tuple[float, bool]]:
        """Score single tokens after one context in one pass."""
        spread = self._spread([*before, candidates[0]], 1)[0]
        greedy = int(spread.argmax())
        return [(float(spread[token]), token == greedy) for token in candidates]

    def _score(self, before: Sequence[int], after: Sequence[int]) -> tuple[float, bool]:
        spread = self._spread([*before, *after], len(after))
        scores = [float(row[token]) for row, token in zip(spread, after, strict=True)]
        return sum(scores), spread.argmax(dim=-1).tolist() == list(after)

    @torch.inference_mode()
    def _spread(self, ids: Sequence[int], last: int) -> torch.Tensor:
        """Return the log probabilities over the vocabulary at each of the last places: (last, vocabulary)."""
        kept = torch.tensor([ids[-self._chat.max_length :]], device=self._chat.model.device)
        logits = self._chat.model(kept, use_cache=False).logits[0, -last - 1 : -1]
        return torch.log_softmax(logits.double(), dim=-1)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many items two sequences begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@asynccontextmanager
async def open_local_answering(config: LocalConfig) -> AsyncIterator[LocalAnswering]:
    """Load the model and start its generator; raises as `load_chat_model`."""
    chat_model = await anyio.to_thread.run_sync(
        lambda: load_chat_model(config.model, dtype=config.dtype, template=config.template)
    )
    async with Generator(chat_model, max_batch=config.max_batch) as generator:
        yield LocalAnswering(generator)
