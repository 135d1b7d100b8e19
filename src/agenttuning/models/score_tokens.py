"""Log probabilities of given tokens and of their likeliest rivals, as benchmarks that compare answers ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from agenttuning.models.generation import Scored

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACES = 256
"""Places whose distributions are held at once; bounds the memory of a long prompt."""


def score_tokens(logits: torch.Tensor, token_ids: Sequence[int], *, top: int) -> tuple[Scored, ...]:
    """Return each token's log probability at its place, and those of the `top` likeliest tokens there.

    `logits` is `[places, vocabulary]`, one place per token. The likeliest token's own score equals the best of its
    `top` bit for bit, by which clients recognise a greedy choice.
    """
    scored: list[Scored] = []
    for start in range(0, len(token_ids), _PLACES):
        ids = token_ids[start : start + _PLACES]
        part = logits[start : start + len(ids)]
        distribution = (part.float() if part.dtype.itemsize < 4 else part).log_softmax(dim=-1)
        chosen = torch.tensor(ids, device=logits.device)[:, None]
        own = distribution.gather(1, chosen)[:, 0].tolist()
        best = distribution.topk(min(top, distribution.shape[-1]), dim=-1)
        rivals = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        scored += [
            Scored(token_id, score, tuple(zip(others, scores, strict=True)))
            for token_id, score, (others, scores) in zip(ids, own, rivals, strict=True)
        ]
    return tuple(scored)
