"""How much memory a training run needs, told before any weight is loaded.

What this trainer keeps on its one device, in bytes (P parameters, all of them trained; M of them in matrices):

    weights           4 P    float32, whatever `precision` says
    compute copies    2 M    bfloat16 copies that autocast makes and the backward pass still needs
    gradients         4 P
    optimiser         8 P    both moments of AdamW; `muon` keeps one for every hidden matrix
    activations              for every token of the largest forward pass, see `_activation_bytes`
    logits                   for every trained token of that pass: logits, log-probabilities, their gradient

Nothing is recomputed in the backward pass and nothing is sharded. Every token counts as trained and every gradient as
alive, so the estimate errs upwards; it was fitted to the peaks that torch's allocator reports on a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from agenttuning.core.records import Record
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from agenttuning.training.settings import LoopSettings
    from agenttuning.training.sizes import ModelSize

_FLOAT, _HALF = 4, 2
_SMALL = 512
"""Hidden size up to which attention is eager, which keeps its weights for the backward pass."""
_MEMINFO = Path("/proc/meminfo")


class MemoryEstimate(Record):
    """Bytes on the device that trains."""

    weights: int
    compute_copies: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    pass_tokens: int
    """Tokens of the largest forward pass, padding included."""

    @property
    def state(self) -> int:
        """What does not depend on the batch."""
        return self.weights + self.compute_copies + self.gradients + self.optimizer

    @property
    def total(self) -> int:
        """All of it."""
        return self.state + self.activations + self.logits


def estimate_memory(size: ModelSize, settings: LoopSettings) -> MemoryEstimate:
    """Estimate the peak of a run; dialogues are taken to be as long as `row_tokens`."""
    half = settings.precision == "bfloat16"
    one_moment = size.hidden_matrices if settings.optimizer.kind == "muon" else 0
    tokens = _pass_tokens(settings)
    return MemoryEstimate(
        weights=_FLOAT * size.parameters,
        compute_copies=_HALF * size.matrices if half else 0,
        gradients=_FLOAT * size.parameters,
        optimizer=2 * _FLOAT * size.parameters - _FLOAT * one_moment,
        activations=tokens * size.layers * _activation_bytes(size, settings),
        logits=tokens * size.vocabulary * (_HALF + 3 * _FLOAT if half else 3 * _FLOAT),
        pass_tokens=tokens,
    )


def _activation_bytes(size: ModelSize, settings: LoopSettings) -> int:
    """Return what one layer keeps of one token.

    Both norms keep input and normalised input in float32, and their output in the precision of the products, which
    is also that of query, keys, values, the attention's output (twice) and four times the width of the feed-forward.
    """
    width = _HALF if settings.precision == "bfloat16" else _FLOAT
    norms = 2 * size.hidden * (2 * _FLOAT + width)
    attention = width * (3 * size.hidden + 2 * size.key_value)
    if settings.batching == "grouped":
        attention += width * 4 * size.hidden
    if settings.batching == "grouped" or size.hidden <= _SMALL:
        attention += size.heads * settings.row_tokens * (_FLOAT if width == _FLOAT else _FLOAT + _HALF)
    return norms + attention + width * 4 * size.feed_forward


def _pass_tokens(settings: LoopSettings) -> int:
    """Return the tokens of the largest forward pass; a step draws until it has enough, so the last row comes on top."""
    width, step = settings.row_tokens, settings.batch_tokens + settings.row_tokens
    if settings.batching == "grouped":
        return step
    if settings.batching == "buckets":
        return min(max(width, settings.pass_tokens), step)
    return min(max(1, settings.pass_tokens // width), -(-step // width)) * width


def free_memory(device: torch.device) -> int | None:
    """Return the free bytes of a device, for a CPU those of the machine; None where nothing tells them."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if not _MEMINFO.is_file():
        return None
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    available = lines.get("MemAvailable")
    return None if available is None else 1024 * int(available.split()[0])


def require_memory(size: ModelSize, settings: LoopSettings, *, free: int | None, device: str) -> MemoryEstimate:
    """Refuse a run that will not fit, before it begins; `free` of None is never too little.

    Raises:
        RecipeError: it will not fit; says what to change.
    """
    needed = estimate_memory(size, settings)
    if free is None or needed.total <= free:
        return needed
    raise RecipeError(
        f"training needs about {gigabytes(needed.total)} and {device} has {gigabytes(free)} free "
        f"({gigabytes(needed.state)} for {size.parameters:,} parameters with gradients and optimiser, the rest for "
        f"{needed.pass_tokens:,} tokens in one pass); {_remedy(size, settings, free)}"
    )


def _remedy(size: ModelSize, settings: LoopSettings, free: int) -> str:
    key = "batch_tokens" if settings.batching == "grouped" else "pass_tokens"
    least = settings.model_copy(update={key: settings.row_tokens if key == "pass_tokens" else 1})
    smallest = estimate_memory(size, least)
    if smallest.state > free:
        return "take a smaller train.model or a device with more memory"
    if smallest.total > free:
        return "lower train.max_length, or take a smaller train.model or a device with more memory"
    per_token = (smallest.activations + smallest.logits) // smallest.pass_tokens
    fitting = (free - smallest.state) // per_token
    if key == "batch_tokens":
        return f"set train.batch_tokens={fitting - settings.row_tokens}"
    return f"set train.pass_tokens={fitting // settings.row_tokens * settings.row_tokens}"


def gigabytes(amount: int) -> str:
    """Return bytes as people read them."""
    return f"{amount / 1e9:,.1f} GB" if amount >= 1e8 else f"{amount / 1e6:,.1f} MB"
