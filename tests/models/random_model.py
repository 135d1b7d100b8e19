"""A two-layer Llama of random weights in float64, whose every answer can be compared with transformers' own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tests.models.tokenizers import compact_tokenizer

from agenttuning.models.llama_forward import forward_of
from agenttuning.models.load import ChatModel, LlamaShape, choose_template, fresh_model

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    import pytest
    from transformers import PreTrainedModel

    from agenttuning.models.llama_forward import Forward
    from agenttuning.models.row_cache import RowCache

MAX_LENGTH = 512
SHAPE = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=64, max_length=MAX_LENGTH)


@cache
def double_model() -> ChatModel:
    """Return it; in float64, where the rounding of a batch decides between no two tokens, as in float32 it may."""
    tokenizer = compact_tokenizer()
    model = fresh_model(SHAPE, tokenizer, seed=3).double().eval()
    with torch.no_grad():  # sharper than fresh weights, so that texts differ and some rows end by themselves
        for parameter in model.parameters():
            parameter.mul_(4.0)
    return ChatModel("random", Path(), model, tokenizer, choose_template(tokenizer), MAX_LENGTH)


def random_ids(draw: random.Random, count: int) -> list[int]:
    return [draw.randrange(5, 300) for _ in range(count)]


def reference(prompts: Sequence[list[int]], *, tokens: int) -> list[list[int]]:
    """Return what `model.generate` answers, in batches of prompts of one length, which need no padding."""
    chat_model = double_model()
    end = chat_model.tokenizer.eos_token_id
    found: dict[int, list[int]] = {}
    for length in {len(prompt) for prompt in prompts}:
        chosen = [index for index, prompt in enumerate(prompts) if len(prompt) == length]
        ids = torch.tensor([prompts[index] for index in chosen])
        mask = torch.ones_like(ids)
        rows = chat_model.model.generate(ids, attention_mask=mask, max_new_tokens=tokens, do_sample=False)
        for index, row in zip(chosen, rows[:, length:].tolist(), strict=True):
            found[index] = row[: row.index(end) + 1] if end in row else row
    return [found[index] for index in range(len(prompts))]


def patched(monkeypatch: pytest.MonkeyPatch, broken: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    """Let the forward pass fail: `broken` is given ids and positions and returns which rows give no numbers."""

    def failing(model: PreTrainedModel) -> Forward:
        forward = forward_of(model)

        def call(
            ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: RowCache, *, keep: int
        ) -> torch.Tensor:
            rows = broken(ids, positions)
            scores = forward(ids, positions, mask, cache, keep=keep)
            scores[rows] = torch.nan
            return scores

        return call

    monkeypatch.setattr("agenttuning.models.decode_batch.forward_of", failing)
