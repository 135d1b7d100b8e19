"""Attention by document boundaries, for packed rows: no mask, and no work between documents.

A packed row under plain SDPA needs a mask of width x width and computes every square of it. Here attention gets the
boundaries instead and runs inside each document alone: on a GPU by the flash kernels that torch itself brings
(`torch.nn.attention.varlen`), on a CPU document by document.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

if TYPE_CHECKING:
    from collections.abc import Sequence

VARLEN = "agenttuning_varlen"
"""Name of the attention among those of transformers."""
_ROUNDED = 64


@dataclass(frozen=True, slots=True)
class Documents:
    """Where documents begin and end in the rows of a batch, laid one after the other."""

    bounds: torch.Tensor
    """Shape (documents + 1,), int32, from 0 to rows x width. The last value is repeated until the size is a multiple
    of 64 (empty documents), so that few shapes occur."""
    longest: int
    """No document has more tokens; the width of a row, so that it never changes."""


def document_bounds(starts: Sequence[int], *, rows: int, width: int, device: torch.device) -> Documents:
    """Return the boundaries of documents that begin at the flat positions `starts`, the padding of a row being one."""
    bounds = np.unique([*starts, *range(0, rows * width, width), rows * width])
    filled = np.full(-(-len(bounds) // _ROUNDED) * _ROUNDED, rows * width, dtype=np.int32)
    filled[: len(bounds)] = bounds
    return Documents(torch.from_numpy(filled).to(device), width)


def varlen_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    documents: Documents,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attend inside each document; query, key and value have the shape (rows, heads, width, head size)."""
    del module, attention_mask
    rows, heads, width, _size = query.shape
    if key.shape[1] != heads:
        key, value = (part.repeat_interleave(heads // part.shape[1], dim=1) for part in (key, value))
    # Rotated queries and keys are float32 under autocast, which does not reach into these kernels.
    q, k, v = (part.to(value.dtype).transpose(1, 2).flatten(0, 1) for part in (query, key, value))
    attend = _flash if q.is_cuda else _one_by_one
    done = attend(q, k, v, documents, scaling)
    return done.view(rows, width, *done.shape[1:]), None


def _flash(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, documents: Documents, scaling: float) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    bounds, longest = documents.bounds, documents.longest
    done = varlen_attn(q, k, v, bounds, bounds, longest, longest, scale=scaling, window_size=(-1, 0))
    assert isinstance(done, torch.Tensor)
    return done


def _one_by_one(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, documents: Documents, scaling: float
) -> torch.Tensor:
    done = []
    for start, end in pairwise(documents.bounds.tolist()):
        if end > start:
            one_q, one_k, one_v = (part[start:end].transpose(0, 1)[None] for part in (q, k, v))
            attended = functional.scaled_dot_product_attention(one_q, one_k, one_v, is_causal=True, scale=scaling)
            done.append(attended[0].transpose(0, 1))
    return torch.cat(done)


def _no_mask(*_: object, **__: object) -> None:
    """Build no mask: the boundaries say all."""


def register_varlen() -> None:
    """Make the attention known to transformers under `VARLEN`; twice is harmless."""
    AttentionInterface.register(VARLEN, varlen_attention)
    AttentionMaskInterface.register(VARLEN, _no_mask)
