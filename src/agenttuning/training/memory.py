"""How much memory a training run needs, told before any weight is loaded.

What this trainer keeps on each device, in bytes (P parameters, T of them trained, M of them in matrices):

    weights           4 P    float32; 2 P with `weights` in bfloat16; half a byte for matrices under `qlora`
    compute copies    2 M    bfloat16 copies that autocast makes of float32 weights; what is gathered of shards
    gradients         4 T    2 T with bfloat16 weights
    optimiser         8 T    both moments of AdamW; 4 T in bfloat16, 2 T in 8 bits; 4 T more for a master copy;
                             `muon` keeps one moment for every hidden matrix
    activations              for every token of the largest forward pass, see `_activation_bytes`; only the inputs of
                             layers that are recomputed
    logits                   for every trained token of that pass, or of a `loss_chunk` of it: logits,
                             log-probabilities, their gradient

With an adapter only its pairs are trained. Every token counts as trained and every gradient as alive, so the estimate
errs upwards; it was fitted to the peaks that torch's allocator reports on a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from agenttuning.core.records import Record
from agenttuning.errors import RecipeError
from agenttuning.training.settings import AdapterConfig
from agenttuning.training.sizes import adapter_parameters

if TYPE_CHECKING:
    from agenttuning.training.settings import LoopSettings
    from agenttuning.training.sizes import ModelSize

_FLOAT, _HALF = 4, 2
_NF4 = 0.516
"""Bytes of a parameter in 4 bits, with an 8-bit scale for 64 of them and a float32 one for 256 scales."""
_BLOCK = 256
_CHUNK = 1024
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


def estimate_memory(size: ModelSize, settings: LoopSettings, *, shards: int = 1) -> MemoryEstimate:
    """Estimate the peak of a run on each of its devices; dialogues are taken to be as long as `row_tokens`.

    `shards` devices share weights, gradients and optimiser, and gather two layers and the vocabulary at a time.
    """
    trained = adapter_parameters(size, settings.adapter.rank) if settings.adapter else size.parameters
    tokens = _pass_tokens(settings)
    in_loss = min(settings.loss_chunk or tokens, tokens)
    half = settings.precision == "bfloat16"
    return MemoryEstimate(
        weights=_weights(size, settings) // shards,
        compute_copies=_copies(size, settings, shards=shards),
        gradients=trained * _trained_width(settings) // shards,
        optimizer=_moments(size, settings, trained=trained) // shards,
        activations=tokens * _kept_bytes(size, settings),
        logits=in_loss * size.vocabulary * (_HALF + 3 * _FLOAT if half else 3 * _FLOAT),
        pass_tokens=tokens,
    )


def _weights(size: ModelSize, settings: LoopSettings) -> int:
    width = _FLOAT if settings.weights == "float32" else _HALF
    if settings.adapter is None:
        return width * size.parameters
    pairs = _FLOAT * adapter_parameters(size, settings.adapter.rank)
    if settings.adapter.kind == "lora":
        return width * size.parameters + pairs
    return int(_NF4 * size.hidden_matrices) + _HALF * (size.parameters - size.hidden_matrices) + pairs


def _copies(size: ModelSize, settings: LoopSettings, *, shards: int) -> int:
    whole = settings.weights == "float32" and not (settings.adapter and settings.adapter.kind == "qlora")
    half = settings.precision == "bfloat16"
    if shards > 1:
        gathered = 2 * size.hidden_matrices // size.layers + size.matrices - size.hidden_matrices
        return gathered * (_HALF if half else _FLOAT)
    pairs = adapter_parameters(size, settings.adapter.rank) if settings.adapter else 0
    return _HALF * ((size.matrices if whole else 0) + pairs) if half else 0


def _trained_width(settings: LoopSettings) -> int:
    return _FLOAT if settings.weights == "float32" or settings.adapter else _HALF


def _moments(size: ModelSize, settings: LoopSettings, *, trained: int) -> int:
    if settings.optimizer.kind == "muon":
        return 2 * _FLOAT * trained - _FLOAT * (trained if settings.adapter else size.hidden_matrices)
    scales = 2 * _FLOAT / _BLOCK
    each = {"float32": 2 * _FLOAT, "bfloat16": 2 * _HALF, "8bit": 2 + scales}[settings.optimizer_states]
    master = _FLOAT * trained if settings.weights == "bfloat16-master" else 0
    return int(each * trained) + master


def _kept_bytes(size: ModelSize, settings: LoopSettings) -> int:
    """Return what all layers keep of one token: everything, or their inputs and everything of one layer."""
    everything = _activation_bytes(size, settings)
    recomputed = {"none": 0, "alternate": (size.layers + 1) // 2, "all": size.layers}[settings.recompute]
    if not recomputed:
        return size.layers * everything
    stream = size.hidden * (_FLOAT if settings.weights == "float32" else _HALF)
    return recomputed * stream + (size.layers - recomputed + 1) * everything


def _activation_bytes(size: ModelSize, settings: LoopSettings) -> int:
    """Return what one layer keeps of one token.

    Both norms keep input and normalised input in float32, and their output in the precision of the products, which
    is also that of query, keys, values, the attention's output (twice) and four times the width of the feed-forward.
    """
    width = _HALF if settings.precision == "bfloat16" else _FLOAT
    norms = 2 * size.hidden * (2 * _FLOAT + width)
    attention = width * (3 * size.hidden + 2 * size.key_value)
    pairs = 6 * size.hidden + size.feed_forward if settings.adapter else 0
    if settings.batching == "grouped":
        attention += width * 4 * size.hidden
    if settings.batching == "grouped" or size.hidden <= _SMALL:
        attention += size.heads * settings.row_tokens * (_FLOAT if width == _FLOAT else _FLOAT + _HALF)
    return norms + attention + width * (4 * size.feed_forward + pairs)


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


def require_memory(
    size: ModelSize, settings: LoopSettings, *, free: int | None, device: str, fresh: bool = False
) -> MemoryEstimate:
    """Refuse a run that will not fit, before it begins; `free` of None is never too little.

    `fresh` weights are random, so that no adapter is proposed for them.

    Raises:
        RecipeError: it will not fit; says what to change.
    """
    needed = estimate_memory(size, settings)
    if free is None or needed.total <= free:
        return needed
    raise RecipeError(
        f"training needs about {gigabytes(needed.total)} and {device} has {gigabytes(free)} free "
        f"({gigabytes(needed.state)} for {size.parameters:,} parameters with gradients and optimiser, the rest for "
        f"{needed.pass_tokens:,} tokens in one pass); {_remedy(size, settings, free, fresh=fresh)}"
    )


def _remedy(size: ModelSize, settings: LoopSettings, free: int, *, fresh: bool) -> str:
    key = "batch_tokens" if settings.batching == "grouped" else "pass_tokens"
    least = settings.model_copy(update={key: settings.row_tokens if key == "pass_tokens" else 1})
    smallest = estimate_memory(size, least)
    if smallest.total <= free:
        per_token = (smallest.activations + smallest.logits) // smallest.pass_tokens
        fitting = (free - smallest.state) // per_token
        if key == "batch_tokens":
            return f"set train.batch_tokens={fitting - settings.row_tokens}"
        return f"set train.pass_tokens={fitting // settings.row_tokens * settings.row_tokens}"
    begin = f"train.{key}={settings.row_tokens}, " if settings.pass_tokens > settings.row_tokens else ""
    switches, total = _switches(size, least, free, fresh=fresh)
    if total <= free:
        return f"set {begin}{' and '.join(switches)}: {gigabytes(total)} in all"
    told = f"even with {' and '.join(switches)} it needs {gigabytes(total)}; " if switches else ""
    return f"{told}lower train.max_length, take a smaller train.model or a device with more memory"


def _switches(size: ModelSize, settings: LoopSettings, free: int, *, fresh: bool) -> tuple[list[str], int]:
    """Turn on what saves memory, the harmless first, until it fits; return what was turned on and the new total."""
    steps: list[tuple[str, dict[str, object]]] = [
        ("train.recompute='all'", {"recompute": "all"}),
        (f"train.loss_chunk={_CHUNK}", {"loss_chunk": _CHUNK}),
    ]
    if settings.optimizer.kind == "adamw" and not settings.adapter:
        steps.append(("train.optimizer_states='8bit'", {"optimizer_states": "8bit"}))
    if settings.precision == "bfloat16" and (settings.optimizer.kind == "adamw" or settings.adapter):
        steps.append(("train.weights='bfloat16'", {"weights": "bfloat16"}))
    if not settings.adapter and not fresh:
        steps.append(("train.adapter.kind='lora'", {"adapter": AdapterConfig()}))
    told, total = [], estimate_memory(size, settings).total
    for words, update in steps:
        changed = settings.model_copy(update=update)
        after = estimate_memory(size, changed).total
        if total > free and total - after > total // 100:
            told.append(f"{words} (saves {gigabytes(total - after)})")
            settings, total = changed, after
    return told, total


def gigabytes(amount: int) -> str:
    """Return bytes as people read them."""
    return f"{amount / 1e9:,.1f} GB" if amount >= 1e8 else f"{amount / 1e6:,.1f} MB"
