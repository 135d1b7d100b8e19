"""Draw the next token of every row, each with its own settings and its own seeded generator.

The draw is by inverse distribution function: one uniform number per token from the row's generator, so a row draws
the same tokens alone and in company.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.records import Sampling


def choose_tokens(
    logits: torch.Tensor, *, sampling: Sequence[Sampling], generators: Sequence[torch.Generator]
) -> tuple[list[int], list[float]]:
    """Return one token id per row of `logits` `[rows, vocabulary]`, and its log probability under the model.

    Temperature 0 takes the likeliest token, the lowest id where several are equal.
    """
    logits = logits.float() if logits.dtype.itemsize < 4 else logits
    chosen = logits.argmax(dim=-1)
    drawn = [index for index, settings in enumerate(sampling) if settings.temperature > 0]
    if drawn:
        rows = torch.tensor(drawn, device=logits.device)
        uniform = torch.stack([torch.rand((), generator=generators[index], dtype=torch.float64) for index in drawn])
        chosen[rows] = _draw(logits[rows], sampling=[sampling[index] for index in drawn], uniform=uniform)
    log_probabilities = logits.log_softmax(dim=-1).gather(1, chosen[:, None])[:, 0]
    return chosen.tolist(), log_probabilities.tolist()


def _draw(logits: torch.Tensor, *, sampling: Sequence[Sampling], uniform: torch.Tensor) -> torch.Tensor:
    def column(values: list[float]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64, device=logits.device)[:, None]

    vocabulary = logits.shape[-1]
    heat = column([settings.temperature for settings in sampling])
    nucleus = column([settings.top_p for settings in sampling])
    best = column([settings.top_k or vocabulary for settings in sampling])
    probabilities, order = (logits.double() / heat).softmax(dim=-1).sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(vocabulary, device=logits.device)[None]
    probabilities = probabilities.masked_fill(rank >= best, 0.0)
    probabilities = probabilities / probabilities.sum(dim=-1, keepdim=True)
    before = probabilities.cumsum(dim=-1) - probabilities
    probabilities = probabilities.masked_fill(before >= nucleus, 0.0)
    cumulative = probabilities.cumsum(dim=-1)
    target = uniform.to(logits.device)[:, None] * cumulative[:, -1:]
    place = torch.searchsorted(cumulative, target, right=True)
    kept = (probabilities > 0).sum(dim=-1, keepdim=True)
    return order.gather(1, torch.minimum(place, kept - 1))[:, 0]
