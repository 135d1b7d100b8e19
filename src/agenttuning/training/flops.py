"""The arithmetic that training needs, and the arithmetic that a device can do: their ratio is the MFU.

A token costs two operations for every weight that it is multiplied with, once forward and twice backward (gradient of
the input, gradient of the weight), and causal attention on top, which grows with the length of the dialogue:

    6 M + 6 L Q W        M weights in matrices, L layers, Q width of all queries, W tokens of a dialogue

Recomputed activations are not counted (they are time, not work), and every token counts as if it went through the
output layer. For Llama-2-7B and dialogues of 4,096 tokens: 39.6 + 3.2 = 42.9 GFLOP a token.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from agenttuning.training.sizes import ModelSize

_PUBLISHED = (
    ("B200", 2250e12),
    ("GH200", 989e12),
    ("H200", 989e12),
    ("H100 PCIe", 756e12),
    ("H100 NVL", 835e12),
    ("H100", 989e12),
    ("H800", 989e12),
    ("A100", 312e12),
    ("A800", 312e12),
    ("L40S", 362e12),
    ("L40", 181e12),
    ("L4", 121e12),
    ("A40", 150e12),
    ("A10", 125e12),
    ("RTX 5090", 210e12),
    ("RTX 4090", 165e12),
    ("RTX 3090", 71e12),
)
"""Dense bfloat16 rates with float32 sums, from the makers' data sheets; the first name found in the device's counts."""


def training_flops_per_token(size: ModelSize, width: float, *, adapter: int | None = None) -> float:
    """Return the floating-point operations that one trained-on token costs, forward and backward.

    `width` is the mean length, in tokens, of the dialogues it stands in (not of the packed row: dialogues do not see
    each other). `adapter` is the number of adapter parameters when only those are trained: the frozen matrices then
    need no gradient of their own, so they cost 4 instead of 6.
    """
    products = 6.0 * size.matrices if adapter is None else 4.0 * size.matrices + 6.0 * adapter
    return products + 6.0 * size.layers * size.query * width


def peak_flops(device: torch.device) -> float | None:
    """Return the published dense bfloat16 rate of a GPU in FLOP/s; None for a CPU and for GPUs not known here."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((rate for known, rate in _PUBLISHED if known in name), None)


def measured_flops(
    device: torch.device, *, dtype: torch.dtype = torch.bfloat16, order: int = 2048, seconds: float = 0.2
) -> float:
    """Return the rate of a square matrix product of `order` rows in FLOP/s: the ceiling that this machine really has.

    Uses the threads that torch uses at the moment; the fastest of the repetitions that fit into `seconds` counts.
    """
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(order, order, generator=generator).to(device, dtype) for _ in range(2))
    best, ends = float("inf"), time.perf_counter() + seconds
    torch.matmul(left, right)
    while time.perf_counter() < ends or best == float("inf"):
        _wait(device)
        began = time.perf_counter()
        torch.matmul(left, right)
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2.0 * order**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
