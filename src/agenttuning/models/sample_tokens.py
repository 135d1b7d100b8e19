"""Draw the next token of every row, each with its own settings and its own seeded generator.

The draw is by inverse distribution function: one uniform number per token from the row's generator, so a row draws
the same tokens alone and in company.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from agenttuning.core.records import Sampling

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]

_REST = 1e-3
"""What all tokens together may hold that are not sorted at first."""


def choose_tokens(
    logits: torch.Tensor,
    *,
    sampling: Sequence[Sampling],
    generators: Sequence[torch.Generator],
    typical: Sequence[float] | None = None,
) -> tuple[list[int], list[float]]:
    """Return one token id per row of `logits` `[rows, vocabulary]`, and its log probability under the model.

    Temperature 0 takes the likeliest token, the lowest id where several are equal. `typical` is one mass per row of
    locally typical sampling (Meister et al., 2022), after the other limits; 1 keeps all.
    """
    logits = logits.float() if logits.dtype.itemsize < 4 else logits
    chosen = _likeliest(logits)
    drawn = [index for index, settings in enumerate(sampling) if settings.temperature > 0]
    if drawn:
        rows = torch.tensor(drawn, device=logits.device)
        ids = _draw(
            logits[rows],
            sampling=[sampling[index] for index in drawn],
            typical=[1.0 if typical is None else typical[index] for index in drawn],
            uniform=[torch.rand((), generator=generators[index], dtype=torch.float64).item() for index in drawn],
        )
        chosen[rows] = torch.tensor(ids, device=logits.device)
    log_probabilities = logits.log_softmax(dim=-1).gather(1, chosen[:, None])[:, 0]
    return chosen.tolist(), log_probabilities.tolist()


def _likeliest(logits: torch.Tensor) -> torch.Tensor:
    """Return the first of the highest scores of each row; on a CPU 20 times as quick as torch's."""
    if logits.device.type != "cpu":
        return logits.argmax(dim=-1)
    return torch.from_numpy(logits.numpy().argmax(axis=-1))


def weaken_repeated(logits: torch.Tensor, *, tokens: Sequence[Sequence[int]], penalty: Sequence[float]) -> torch.Tensor:
    """Return the scores with every token that a row holds already made less likely (Keskar et al., 2019).

    A positive score is divided by the row's penalty, a negative one multiplied.
    """
    if all(value == 1.0 for value in penalty):
        return logits
    logits = logits.clone()
    for row, (ids, value) in enumerate(zip(tokens, penalty, strict=True)):
        if value != 1.0:
            held = torch.tensor(sorted(set(ids)), device=logits.device)
            scores = logits[row, held]
            weak = torch.where(scores > 0, scores / value, scores * value)
            logits[row, held] = weak.clamp(torch.finfo(logits.dtype).min, torch.finfo(logits.dtype).max)
    return logits


def _draw(
    logits: torch.Tensor, *, sampling: Sequence[Sampling], typical: Sequence[float], uniform: Sequence[float]
) -> list[int]:
    heat = torch.tensor([settings.temperature for settings in sampling], dtype=torch.float64, device=logits.device)
    scores = logits.double()
    scores = (scores - scores.amax(dim=-1, keepdim=True)) / heat[:, None]
    probabilities = scores.softmax(dim=-1).cpu().numpy()
    return [
        _draw_row(row, settings, typical=mass, uniform=number)
        for row, settings, mass, number in zip(probabilities, sampling, typical, uniform, strict=True)
    ]


def _draw_row(probabilities: Floats, settings: Sampling, *, typical: float, uniform: float) -> int:
    """Draw one token, the likeliest ones first, the lower id first of equal ones.

    Most tokens of a vocabulary hold next to nothing together. They are sorted only if the draw falls among them.
    Returns 0 where the scores are not numbers.
    """
    if math.isnan(probabilities[0]):
        return 0
    for least in (_REST / len(probabilities), 0.0):
        ids = np.flatnonzero(probabilities > least)
        order = ids[np.argsort(-probabilities[ids], kind="stable")]
        order = order[: settings.top_k or None]
        complete = least == 0.0 or len(order) == settings.top_k
        found = probabilities[order]
        mass = found.sum() if complete else 1.0
        inside = int(np.searchsorted(found.cumsum() - found, settings.top_p * mass))
        if inside < len(order):
            order, found = order[:inside], found[:inside]
            mass, complete = found.sum(), True
        if not complete and (settings.top_p < 1.0 or typical < 1.0):
            continue
        if typical < 1.0:
            order, found = _typical(order, found, mass=typical)
            mass = found.sum()
        place = int(np.searchsorted(found.cumsum(), uniform * mass, side="right"))
        if place < len(order):
            return int(order[place])
    return int(order[-1])


def _typical(order: Ids, found: Floats, *, mass: float) -> tuple[Ids, Floats]:
    """Keep the tokens whose surprise is nearest to the entropy, the nearest first, until their mass is reached."""
    shares = found / found.sum()
    surprise = -np.log(shares)
    distance = np.abs(surprise - (shares * surprise).sum())
    nearest = distance.argsort(kind="stable")
    last = min(int((shares[nearest].cumsum() < mass).sum()), len(order) - 1)
    kept = distance <= distance[nearest[last]]
    return order[kept], found[kept]
