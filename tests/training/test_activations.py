"""Recomputed layers give the same bits for less memory."""

import pytest
import torch
from tests.training.small import random_rows, small_model

from agenttuning.errors import StageError
from agenttuning.training.activations import decoder_layers, recomputed
from agenttuning.training.loop import LoopSettings, fit
from agenttuning.training.mixture import in_order
from agenttuning.training.settings import Recompute

SETTINGS = LoopSettings(steps=3, batch_tokens=150, precision="float32", row_tokens=64, pass_tokens=128)


def _losses(*, dropout: float = 0.0, **changes: object) -> list[float]:
    model = small_model("sdpa")
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = dropout
    settings = SETTINGS.model_copy(update=changes)
    return [step.loss for step in fit(model, random_rows(8), settings=settings, plan=in_order(8)).metrics]


@pytest.mark.parametrize("batching", ["buckets", "packed", "grouped"])
def test_every_bit_is_the_same(batching: str) -> None:
    plain = _losses(batching=batching)
    assert _losses(batching=batching, recompute="all") == plain
    assert _losses(batching=batching, recompute="alternate") == plain


def test_dropout_drops_the_same_the_second_time() -> None:
    assert _losses(dropout=0.3, recompute="all") == _losses(dropout=0.3) != _losses()


@pytest.mark.parametrize(("which", "fewer"), [("none", 0), ("alternate", 1), ("all", 2)])
def test_a_recomputed_layer_keeps_its_input_alone(which: Recompute, fewer: int) -> None:
    model = small_model("sdpa").train()
    ids = torch.ones(1, 50, dtype=torch.long)

    def kept() -> int:
        seen: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda one: (seen.append(one.numel()), one)[1], lambda one: one):
            model.model(input_ids=ids, use_cache=False)
        return sum(seen)

    everything = kept()
    with recomputed(model, which):
        less = kept()
    layers = len(decoder_layers(model))
    assert (less < everything) == (fewer > 0)
    assert less <= everything * (1 - 0.8 * fewer / layers)
    assert kept() == everything


def test_a_model_without_marked_layers_is_refused() -> None:
    with pytest.raises(StageError, match=r"Linear marks no decoder layers.* train\.recompute='none'"):
        decoder_layers(torch.nn.Linear(2, 2))
