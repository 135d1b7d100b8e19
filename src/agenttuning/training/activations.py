"""Activation checkpointing: a decoder layer keeps its input alone, and is computed again in the backward pass.

Costs one forward pass more for every layer so treated, a third of the arithmetic if all are, and frees nearly all that
a pass keeps. The result is the same to the last bit: dropout draws the same numbers the second time.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from agenttuning.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedModel

    from agenttuning.training.settings import Recompute


def decoder_layers(model: PreTrainedModel) -> list[GradientCheckpointingLayer]:
    """Return the repeated blocks of a model, in order.

    Raises:
        StageError: transformers does not mark any in this kind of model.
    """
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        raise StageError(
            f"{type(model).__name__} marks no decoder layers, so none can be recomputed or compiled; set "
            "train.recompute='none' and train.compile=false, or choose a model of the Llama, Mistral or Qwen families"
        )
    return layers


@contextmanager
def recomputed(model: PreTrainedModel, which: Recompute) -> Iterator[None]:
    """Recompute the activations of all layers or of every other one inside the block.

    The attributes are those that transformers' layers look at; its own switch has changed its name between versions.
    """
    chosen = [] if which == "none" else decoder_layers(model)[:: 2 if which == "alternate" else 1]
    for layer in chosen:
        vars(layer)["_gradient_checkpointing_func"] = partial(checkpoint, use_reentrant=False)
        layer.gradient_checkpointing = True
    try:
        yield
    finally:
        for layer in chosen:
            layer.gradient_checkpointing = False
