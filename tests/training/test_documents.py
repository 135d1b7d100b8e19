"""Attention of packed rows: no dialogue sees another, whatever computes it."""

import pytest
import torch
from tests.training.small import random_rows, small_model
from transformers import LlamaConfig, LlamaForCausalLM

from agenttuning.errors import StageError
from agenttuning.training.documents import document_bounds
from agenttuning.training.packing import make_batch
from agenttuning.training.settings import Attention
from agenttuning.training.step import BatchShape, accumulate, attention_for, hidden_states, lay_out

DEVICES = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
IMPLEMENTATIONS: list[Attention] = ["auto", "eager", "sdpa", "varlen"]


def _shared_heads() -> LlamaForCausalLM:
    plain = small_model().config
    config = LlamaConfig.from_dict({**plain.to_dict(), "num_attention_heads": 4, "num_key_value_heads": 2})
    torch.manual_seed(0)
    return LlamaForCausalLM(config)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
def test_a_packed_dialogue_is_computed_as_if_alone(attention: Attention, fixed: bool, device: torch.device) -> None:
    """Every allowed attention, its rows as they come and padded to one shape, with heads that share keys."""
    rows = random_rows(5, seed=3)
    model = torch.nn.Module.to(_shared_heads(), device)
    half = device.type == "cuda"
    shape = (3, 160) if fixed else None
    batch = make_batch([rows[:2], rows[2:]], device=device, shape=shape, bounded=attention == "varlen")
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=half):
        with attention_for(model, "packed", attention):
            packed = hidden_states(model, batch.input_ids, batch.position_ids, documents=batch.documents)
        for number, own in enumerate((rows[:2], rows[2:])):
            start = 0
            for row in own:
                ids = torch.from_numpy(row.input_ids.astype("int64"))[None].to(device)
                alone = hidden_states(model, ids, None)[0]
                end = start + len(row)
                assert float((packed[number, start:end] - alone).abs().max()) < (5e-2 if half else 1e-5)
                start = end


@pytest.mark.parametrize("attention", IMPLEMENTATIONS)
def test_loss_and_gradient_are_those_of_buckets(attention: Attention) -> None:
    rows, found = random_rows(7, seed=1), []
    shapes = (
        BatchShape("buckets", 64, 10**6),
        BatchShape("packed", 70, 140, fixed=True, bounded=attention == "varlen"),
    )
    for shape in shapes:
        model = small_model("sdpa")
        with attention_for(model, shape.batching, attention if shape.batching == "packed" else "auto"):
            loss = accumulate(model, lay_out(rows, shape, device=torch.device("cpu")), precision="float32")
        found.append((loss, torch.cat([weight.grad.flatten() for weight in model.parameters()])))  # type: ignore[union-attr]
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)


def test_boundaries_cover_every_token_and_keep_few_sizes() -> None:
    documents = document_bounds([3, 10, 14], rows=2, width=10, device=torch.device("cpu"))
    assert documents.bounds[:6].tolist() == [0, 3, 10, 14, 20, 20]
    assert len(documents.bounds) == 64
    assert documents.longest == 10


def test_flex_on_a_cpu_is_refused() -> None:
    with (
        pytest.raises(StageError, match=r"train\.attention='flex' needs a GPU"),
        attention_for(small_model(), "packed", "flex"),
    ):
        pass
