"""Our forward pass gives the scores of transformers' own, and what it does not know it leaves alone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import pytest
import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from agenttuning.models.llama_forward import LlamaForward, forward_of
from agenttuning.models.row_cache import Placement, RowCache

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TINY = {
    "vocab_size": 61, "hidden_size": 32, "intermediate_size": 44, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 4, "max_position_embeddings": 64,
}  # fmt: skip
STRETCHED = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0,
             "high_freq_factor": 4.0, "original_max_position_embeddings": 16}  # fmt: skip
MODELS = {
    "llama": LlamaConfig(**TINY),
    "tied": LlamaConfig(**TINY, tie_word_embeddings=True),
    "grouped": LlamaConfig(**TINY | {"num_key_value_heads": 2}),
    "wide heads, gelu": LlamaConfig(**TINY, head_dim=12, hidden_act="gelu"),
    "biased": LlamaConfig(**TINY, attention_bias=True, mlp_bias=True),
    "stretched": LlamaConfig(**TINY, rope_parameters=STRETCHED),
    "larger": LlamaConfig(**TINY | {"hidden_size": 520, "num_hidden_layers": 1}),
    "larger, tied": LlamaConfig(**TINY | {"hidden_size": 520, "num_hidden_layers": 1}, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**TINY | {"num_key_value_heads": 1}, use_sliding_window=False),
}


def made(config: LlamaConfig | Qwen2Config) -> PreTrainedModel:
    """Return a model with sharp weights, norms and biases that are neither one nor nothing."""
    kind = Qwen2ForCausalLM if isinstance(config, Qwen2Config) else LlamaForCausalLM
    torch.manual_seed(1)
    model = kind(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return cast("PreTrainedModel", model)


def ours(model: PreTrainedModel, parts: list[list[list[int]]]) -> list[torch.Tensor]:
    """Read every row's tokens part by part, rows padded on the left, and return the scores after each part."""
    forward, cache, told = forward_of(model), RowCache(model.config.num_hidden_layers), []
    assert isinstance(forward, LlamaForward)
    done = [0] * len(parts[0])
    for part in parts:
        longest = max(map(len, part))
        padding = torch.tensor([longest - len(ids) for ids in part])[:, None]
        place = torch.arange(longest)[None]
        positions = torch.where(place >= padding, torch.tensor(done)[:, None] + place - padding, 0)
        done = [before + len(ids) for before, ids in zip(done, part, strict=True)]
        batch, token = (place >= padding).nonzero(as_tuple=True)
        cache.place(Placement(0, len(part), max(done), batch, token, positions[batch, token]), rows=len(part))
        hidden = torch.arange(max(done)) > positions[:, :, None]
        mask = torch.zeros(hidden.shape, dtype=model.dtype).masked_fill_(hidden, torch.finfo(model.dtype).min)
        ids = torch.tensor([[0] * (longest - len(ids)) + ids for ids in part])
        with torch.inference_mode():
            told.append(forward(ids, positions, mask[:, None], cache, keep=1)[:, -1])
    return told


def theirs(model: PreTrainedModel, parts: list[list[list[int]]]) -> list[torch.Tensor]:
    """Return the same scores from transformers, row by row."""
    rows = []
    with torch.inference_mode():
        for row in range(len(parts[0])):
            cache = DynamicCache(config=model.config)
            rows.append([model(torch.tensor([part[row]]), past_key_values=cache).logits[0, -1] for part in parts])
    return [torch.stack(after) for after in zip(*rows, strict=True)]


PARTS = [[[5, 9, 2, 7, 11, 30, 8], [3], [4, 4, 60]], [[1], [2], [3]], [[8, 1], [9, 9, 9, 1], [7]], [[6], [6], [5]]]


@pytest.mark.parametrize("name", MODELS)
def test_scores_equal_those_of_transformers(name: str) -> None:
    model = made(MODELS[name])
    untouched = copy.deepcopy(model)
    # transformers computes norms and rotations in float32 even of a float64 model
    for one, other in zip(ours(model, PARTS), theirs(untouched, PARTS), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4), (one - other).abs().max()
        assert one.std() > 0.1
    for one, other in zip(theirs(model, PARTS), theirs(untouched, PARTS), strict=True):
        assert torch.allclose(one, other, rtol=1e-6, atol=1e-6), "the model itself still answers as before"


def test_every_place_is_scored_when_all_are_wanted() -> None:
    model = made(MODELS["llama"])
    ids = torch.tensor([[5, 9, 2, 7]])
    expected = model(ids).logits
    cache, positions = RowCache(3), torch.arange(4)[None]
    cache.place(Placement(0, 1, 4, torch.zeros(4, dtype=torch.long), positions[0], positions[0]), rows=1)
    mask = torch.full((1, 1, 4, 4), torch.finfo(torch.float64).min, dtype=torch.float64).triu(1)
    with torch.inference_mode():
        found = forward_of(model)(ids, positions, mask, cache, keep=0)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["llama", "tied", "larger", "larger, tied", "biased"])
def test_the_models_weights_are_views_of_the_joined_ones(name: str) -> None:
    model = made(MODELS[name])
    forward_of(model)
    for layer in model.model.layers:
        for block, joined in ((layer.self_attn, ("q_proj", "k_proj", "v_proj")), (layer.mlp, ("gate_proj", "up_proj"))):
            weights = [block.get_submodule(part).weight for part in joined]
            assert len({weight.untyped_storage().data_ptr() for weight in weights}) == 1
            assert weights[0].untyped_storage().nbytes() == sum(weight.nbytes for weight in weights)
            assert (weights[0].stride(0) == 1) is (model.config.hidden_size < 512)
    assert model.get_input_embeddings().weight.is_contiguous()


class Other(LlamaForCausalLM):
    pass


def test_what_it_does_not_know_stays_with_transformers() -> None:
    assert isinstance(forward_of(made(MODELS["llama"])), LlamaForward)
    other, adapted = made(MODELS["llama"]), made(MODELS["llama"])
    other.__class__ = Other
    adapted.model.layers[0].self_attn.q_proj.__class__ = type("Adapted", (torch.nn.Linear,), {})
    for model in (other, adapted, made(MODELS["llama"]).bfloat16()):
        assert not isinstance(forward_of(model), LlamaForward)
