"""Rows into batches: length buckets where attention is plain, packed rows where contexts are long.

Neither pads a short dialogue to the longest one, and neither lets one dialogue see another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from agenttuning.models.chat_template import IGNORED
from agenttuning.training.documents import Documents, document_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.training.grouped import Groups
    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.settings import Batching

BATCH_COST = 192
"""What one more forward and backward pass costs, in tokens; measured on the tiny shape on a CPU."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One forward pass."""

    input_ids: torch.Tensor
    """Shape (rows, width)."""
    position_ids: torch.Tensor | None
    """Shape (rows, width), starting again at 0 with every dialogue; None when each row holds one dialogue."""
    predictors: torch.Tensor
    """Shape (trained,): flat positions in (rows, width) whose next token is trained."""
    targets: torch.Tensor
    """Shape (trained,): the tokens that they must predict; -100 in places that only round the shape up."""
    groups: Groups | None = None
    """How attention takes a flat row of all dialogues apart; None when it needs not to."""
    documents: Documents | None = None
    """Where dialogues begin and end, for attention that goes by it."""


def plan_batches(lengths: Sequence[int], *, batching: Batching, width: int, limit: int) -> list[list[list[int]]]:
    """Lay one step out as batches of rows of indices into `lengths`.

    `width` is the length of a packed row, `limit` the most tokens, padding included, in one forward pass.
    """
    if batching == "buckets":
        return [[[index] for index in bucket] for bucket in bucket(lengths, limit=limit)]
    rows = pack(lengths, width=width)
    per_batch = max(1, limit // width)
    return [rows[start : start + per_batch] for start in range(0, len(rows), per_batch)]


def bucket(lengths: Sequence[int], *, limit: int, cost: int = BATCH_COST) -> list[list[int]]:
    """Group like lengths so that padding plus `cost` tokens per group is least; no group exceeds `limit` if it can."""
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    best = [0] + [-1] * len(order)
    begins = [0] * (len(order) + 1)
    for end in range(1, len(order) + 1):
        longest = lengths[order[end - 1]]
        for start in range(end - 1, -1, -1):
            padded = longest * (end - start)
            if padded > limit and end - start > 1:
                break
            total = best[start] + padded + cost
            if best[end] < 0 or total < best[end]:
                best[end], begins[end] = total, start
    groups = []
    end = len(order)
    while end > 0:
        groups.append(order[begins[end] : end])
        end = begins[end]
    return groups[::-1]


def pack(lengths: Sequence[int], *, width: int) -> list[list[int]]:
    """Fill rows of `width` tokens with whole dialogues: longest first, each into the fullest row with room."""
    rows: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        fits = [row for row, left in enumerate(room) if left >= lengths[index]]
        if fits:
            chosen = min(fits, key=lambda row: room[row])
            rows[chosen].append(index)
            room[chosen] -= lengths[index]
        else:
            rows.append([index])
            room.append(width - lengths[index])
    return rows


def make_batch(
    rows: Sequence[Sequence[TrainingRow]],
    *,
    device: torch.device,
    shape: tuple[int, int] | None = None,
    bounded: bool = False,
) -> Batch:
    """Pad rows of dialogues on the right; under causal attention nothing ever looks at the padding.

    With a `shape` (rows, width) every batch has it; with `bounded` the batch says where its dialogues begin and end.
    """
    height, width = shape or (len(rows), max(sum(map(len, row)) for row in rows))
    input_ids = np.zeros((height, width), dtype=np.int64)
    labels = np.full((height, width), IGNORED, dtype=np.int64)
    positions = np.tile(np.arange(width), (height, 1))
    starts = []
    for number, row in enumerate(rows):
        start = 0
        for dialogue in row:
            end = start + len(dialogue)
            input_ids[number, start:end] = dialogue.input_ids
            labels[number, start:end] = dialogue.labels
            positions[number, end:] = np.arange(width - end)
            starts.append(number * width + end)
            start = end
    trained = np.flatnonzero(labels.ravel() != IGNORED)
    packed = shape is not None or any(len(row) > 1 for row in rows)
    return Batch(
        torch.from_numpy(input_ids).to(device),
        torch.from_numpy(positions).to(device) if packed else None,
        torch.from_numpy(trained - 1).to(device),
        torch.from_numpy(labels.ravel()[trained]).to(device),
        documents=document_bounds(starts, rows=height, width=width, device=device) if bounded else None,
    )
