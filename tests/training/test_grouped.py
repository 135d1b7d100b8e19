"""Grouped batching: the same loss and gradients as every dialogue alone, whatever their lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from agenttuning.models.chat_template import IGNORED
from agenttuning.training.grouped import grouped_batch
from agenttuning.training.mask import TrainingRow
from agenttuning.training.packing import make_batch
from agenttuning.training.step import accumulate, attention_for

CPU = torch.device("cpu")
LENGTHS = [5, 30, 3, 64, 17, 17, 200, 9]


def model(*, key_value_heads: int = 2) -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=key_value_heads, max_position_embeddings=256, attn_implementation="sdpa",
        )
    )  # fmt: skip


def rows(lengths: list[int]) -> list[TrainingRow]:
    random = np.random.default_rng(0)
    made = []
    for length in lengths:
        ids = random.integers(1, 50, length).astype(np.int32)
        labels = np.where(random.random(length) < 0.5, ids, IGNORED).astype(np.int32)
        labels[0], labels[-1] = IGNORED, ids[-1]
        made.append(TrainingRow(ids, labels, "test"))
    return made


@pytest.mark.parametrize("key_value_heads", [1, 2])
def test_loss_and_gradients_are_those_of_each_dialogue_alone(key_value_heads: int) -> None:
    alone, grouped = model(key_value_heads=key_value_heads), model(key_value_heads=key_value_heads)
    expected = accumulate(alone, [make_batch([[row]], device=CPU) for row in rows(LENGTHS)], precision="float32")
    with attention_for(grouped, "grouped"):
        found = accumulate(grouped, [grouped_batch(rows(LENGTHS), device=CPU)], precision="float32")
    assert found == pytest.approx(expected, rel=1e-5)
    for left, right in zip(alone.parameters(), grouped.parameters(), strict=True):
        assert left.grad is not None
        torch.testing.assert_close(right.grad, left.grad, rtol=1e-4, atol=1e-6)


def test_the_model_gets_its_own_attention_back() -> None:
    kept = model()
    with pytest.raises(KeyError), attention_for(kept, "grouped"):
        raise KeyError
    assert kept.config._attn_implementation == "sdpa"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(2, 120), min_size=1, max_size=30))
def test_every_token_has_one_slot_and_positions_start_again(lengths: list[int]) -> None:
    batch = grouped_batch(rows(lengths), device=CPU)
    groups = batch.groups
    assert groups is not None
    assert batch.position_ids is not None
    assert batch.input_ids.shape[1] % 256 == 0
    assert sum(rows * width for rows, width in groups.shapes) == len(groups.token_of)
    tokens = torch.arange(batch.input_ids.shape[1])
    assert torch.equal(groups.token_of[groups.slot_of], tokens)
    assert int(groups.filled.sum()) == len(tokens)
    starts = (batch.position_ids[0] == 0).sum()
    assert len(lengths) <= starts <= len(lengths) + 1


def test_places_that_round_the_shape_up_are_not_trained() -> None:
    batch = grouped_batch(rows([7, 12]), device=CPU)
    trained = sum(row.trained for row in rows([7, 12]))
    assert len(batch.targets) == 64
    assert int((batch.targets != IGNORED).sum()) == trained
