"""All dialogues of a step in one flat row; attention alone takes them apart, in groups of like length.

Everything but attention works token by token, so that it needs neither padding nor one pass per group, and meets the
same few shapes again and again: CPU libraries compile a kernel for every new shape, which at a million parameters
costs more than the arithmetic. Attention is plain and causal inside each group, so no dialogue sees another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from agenttuning.models.chat_template import IGNORED
from agenttuning.training.packing import Batch, bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.autograd.function import FunctionCtx

    from agenttuning.training.mask import TrainingRow

GROUPED = "agenttuning_grouped"
"""Name of the attention among those of transformers."""
_FLAT = 256
_WIDTH = 16
_TRAINED = 64
_GROUP_COST = 200
"""What one more group costs, in tokens; measured on the tiny shape on a CPU."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Where the tokens of a flat row stand in the padded groups."""

    shapes: tuple[tuple[int, int], ...]
    """(rows, width) of every group, in the order of the slots."""
    token_of: torch.Tensor
    """Shape (slots,): the token in each slot; any token in a slot of padding."""
    slot_of: torch.Tensor
    """Shape (tokens,): the slot of each token."""
    filled: torch.Tensor
    """Shape (slots, 1, 1): 1 where a slot holds a token, 0 in the padding."""


def grouped_batch(rows: Sequence[TrainingRow], *, device: torch.device) -> Batch:
    """Lay the dialogues of a step one after the other; sizes are rounded up, so that few shapes occur."""
    lengths = [len(row) for row in rows]
    used = sum(lengths)
    flat = -(-used // _FLAT) * _FLAT
    if flat > used:
        lengths.append(flat - used)
    starts = np.cumsum([0, *lengths[:-1]])
    input_ids = np.zeros(flat, dtype=np.int64)
    labels = np.full(flat, IGNORED, dtype=np.int64)
    for start, row in zip(starts, rows, strict=False):
        input_ids[start : start + len(row)] = row.input_ids
        labels[start : start + len(row)] = row.labels
    positions = np.concatenate([np.arange(length) for length in lengths])
    trained = np.flatnonzero(labels != IGNORED)
    spare = -len(trained) % _TRAINED
    predictors = np.concatenate([trained - 1, np.zeros(spare, dtype=np.int64)])
    targets = np.concatenate([labels[trained], np.full(spare, IGNORED)])
    return Batch(
        torch.from_numpy(input_ids)[None].to(device),
        torch.from_numpy(positions)[None].to(device),
        torch.from_numpy(predictors).to(device),
        torch.from_numpy(targets).to(device),
        _groups(lengths, starts.tolist(), device=device),
    )


def _groups(lengths: Sequence[int], starts: Sequence[int], *, device: torch.device) -> Groups:
    shapes, pieces = [], []
    slot_of = np.zeros(sum(lengths), dtype=np.int64)
    slots = 0
    for group in bucket(lengths, limit=1 << 30, cost=_GROUP_COST):
        width = -(-max(lengths[index] for index in group) // _WIDTH) * _WIDTH
        for index in group:
            start, length = starts[index], lengths[index]
            piece = np.full(width, start)
            piece[:length] = np.arange(start, start + length)
            pieces.append(piece)
            slot_of[start : start + length] = np.arange(slots, slots + length)
            slots += width
        shapes.append((len(group), width))
    filled = np.zeros((slots, 1, 1), dtype=np.float32)
    filled[slot_of] = 1.0
    tensors = (torch.from_numpy(array).to(device) for array in (np.concatenate(pieces), slot_of, filled))
    return Groups(tuple(shapes), *tensors)


class _Spread(torch.autograd.Function):
    """Tokens to slots. Padding is read by nothing that is used, so its gradient is zero and need not be added."""

    @staticmethod
    def forward(ctx: FunctionCtx, tokens: torch.Tensor, groups: Groups) -> torch.Tensor:
        ctx.groups = groups  # type: ignore[attr-defined]  # torch's own way to keep what backward needs
        return tokens.index_select(0, groups.token_of)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        groups: Groups = ctx.groups  # type: ignore[attr-defined]  # see forward
        return gradients[0].index_select(0, groups.slot_of), None


class _Collect(torch.autograd.Function):
    """Slots to tokens."""

    @staticmethod
    def forward(ctx: FunctionCtx, slots: torch.Tensor, groups: Groups) -> torch.Tensor:
        ctx.groups = groups  # type: ignore[attr-defined]  # torch's own way to keep what backward needs
        return slots.index_select(0, groups.slot_of)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        groups: Groups = ctx.groups  # type: ignore[attr-defined]  # see forward
        return gradients[0].index_select(0, groups.token_of) * groups.filled.to(gradients[0].dtype), None


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    groups: Groups,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attend inside each dialogue; query, key and value have the shape (1, heads, tokens, head size)."""
    del module, attention_mask
    heads = query.shape[1]
    if key.shape[1] != heads:
        key, value = (part.repeat_interleave(heads // part.shape[1], dim=1) for part in (key, value))
    flat = [part.squeeze(0).transpose(0, 1) for part in (query, key, value)]
    spread = [cast("torch.Tensor", _Spread.apply(part, groups)) for part in flat]  # type: ignore[no-untyped-call]  # torch's apply
    sizes = [rows * width for rows, width in groups.shapes]
    done = []
    for (rows, width), *parts in zip(groups.shapes, *(torch.split(part, sizes) for part in spread), strict=True):
        q, k, v = (part.view(rows, width, heads, -1).transpose(1, 2) for part in parts)
        scores = torch.matmul(q * scaling, k.transpose(2, 3))
        weights = scores.add_(_future(width, scores.dtype, scores.device)).softmax(-1)
        done.append(torch.matmul(weights.to(v.dtype), v).transpose(1, 2).flatten(0, 1))
    return cast("torch.Tensor", _Collect.apply(torch.cat(done), groups))[None], None  # type: ignore[no-untyped-call]  # torch's apply


@lru_cache(maxsize=128)
def _future(width: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return what is added to the scores: minus infinity for what comes later. Filling would take twice as long."""
    return torch.full((width, width), float("-inf"), dtype=dtype, device=device).triu(1)


def _no_mask(*_: object, **__: object) -> None:
    """Build no mask: the groups say all."""


def register_grouped() -> None:
    """Make the attention known to transformers under `GROUPED`; twice is harmless."""
    AttentionInterface.register(GROUPED, grouped_attention)
    AttentionMaskInterface.register(GROUPED, _no_mask)
