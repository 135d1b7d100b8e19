"""Optimisers and learning-rate schedules.

AdamW (in float32, or as `low_bit` keeps it) with a cosine, as the paper; Muon with a flat-then-linear schedule for
models of a few million parameters trained from scratch, where it reaches AdamW's loss in about a third of the steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from agenttuning.training.low_bit import LowBitAdamW

if TYPE_CHECKING:
    from torch import nn

    from agenttuning.training.settings import LoopSettings, OptimizerConfig

_FLAT_UNTIL = 0.6
_LAST = 0.02
_BETAS = (0.9, 0.95)


def optimizers_for(model: nn.Module, settings: LoopSettings) -> list[torch.optim.Optimizer]:
    """Return the optimisers that settings ask for: in low precision where weights or states are."""
    config = settings.optimizer
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    if settings.optimizer_states == "float32" and all(weight.dtype == torch.float32 for weight in trained):
        return build_optimizers(model, config)
    settings.require_adamw(config.kind)
    return [
        LowBitAdamW(
            _decayed(trained, decay=config.weight_decay),
            learning_rate=config.learning_rate,
            betas=_BETAS,
            states=settings.optimizer_states,
            master=settings.weights == "bfloat16-master",
            seed=settings.seed,
            compiled=settings.compile,
        )
    ]


def build_optimizers(model: nn.Module, config: OptimizerConfig) -> list[torch.optim.Optimizer]:
    """Return the optimisers that move the model's trainable weights, every weight in exactly one."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    hidden = [weight for name, weight in named if weight.ndim == 2 and not _is_vocabulary(name)]
    owned = {id(weight) for weight in hidden}
    other = [weight for _, weight in named if id(weight) not in owned]
    rate, decay = config.learning_rate, config.weight_decay
    if config.kind == "muon" and hidden:
        muon = torch.optim.Muon(hidden, lr=rate, momentum=0.95, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
        return [muon, torch.optim.AdamW(other, lr=rate, betas=_BETAS, weight_decay=0.0, fused=True)]
    groups = _decayed([weight for _, weight in named], decay=decay)
    return [torch.optim.AdamW(groups, lr=rate, betas=_BETAS, fused=True)]


def _decayed(weights: list[torch.nn.Parameter], *, decay: float) -> list[dict[str, object]]:
    """Return the groups of parameters: matrices decay, vectors do not."""
    matrices = [weight for weight in weights if weight.ndim >= 2]
    vectors = [weight for weight in weights if weight.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def _is_vocabulary(name: str) -> bool:
    return "embed" in name or "lm_head" in name


def learning_rate(step: int, *, steps: int, config: OptimizerConfig) -> float:
    """Return the rate of step 0, 1, ..., steps - 1."""
    warmup = math.ceil(config.warmup * steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    if config.schedule == "cosine":
        return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))
    if config.schedule == "flat-linear":
        fall = max(0.0, (step / steps - _FLAT_UNTIL) / (1.0 - _FLAT_UNTIL))
        return config.learning_rate * (1.0 - (1.0 - _LAST) * fall)
    return config.learning_rate


def set_learning_rate(optimizers: list[torch.optim.Optimizer], rate: float) -> None:
    """Give every group the same rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
