"""The memory of a run: counted from a configuration, held against what torch's allocator saw."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.small import small_model
from transformers import LlamaConfig, LlamaForCausalLM

from agenttuning.errors import RecipeError
from agenttuning.training.loop import LoopSettings, OptimizerConfig, fit
from agenttuning.training.low_bit import to_bfloat16
from agenttuning.training.mask import TrainingRow
from agenttuning.training.memory import estimate_memory, free_memory, require_memory
from agenttuning.training.sizes import model_size, published_size

FACTOR = 1.3
"""How far the estimate may lie from what is measured; on the safe side mostly."""
LENGTH = 120


def llama(attention: str = "sdpa") -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=1000,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    model.set_attn_implementation(attention)
    return model


def settings(**changes: object) -> LoopSettings:
    plain: dict[str, object] = {"steps": 2, "batch_tokens": 10 * LENGTH, "pass_tokens": 5 * LENGTH}
    return LoopSettings.model_validate({**plain, "row_tokens": LENGTH, "precision": "float32", **changes})


def measured_peak(model: LlamaForCausalLM, asked: LoopSettings, folder: Path) -> int:
    """Return the peak of two steps, weights included, from the allocator's own trace."""
    held = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    ids = np.arange(LENGTH, dtype=np.int32)
    rows = [TrainingRow(ids, np.where(ids > 0, ids, -100).astype(np.int32), "agent")] * 10
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        fit(model, rows, settings=asked)
    profile.export_chrome_trace(str(folder / "trace.json"))
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    used = np.cumsum([event["args"]["Bytes"] for event in events if event.get("name") == "[memory]"])
    return int(used.max()) + held


@pytest.mark.parametrize(
    "switches",
    [
        {"batching": "buckets"},
        {"batching": "packed", "precision": "bfloat16"},
        {"batching": "grouped", "precision": "bfloat16"},
        {"batching": "buckets", "precision": "bfloat16", "optimizer": {"kind": "muon"}},
        {"batching": "packed", "recompute": "all"},
        {"batching": "packed", "recompute": "alternate", "loss_chunk": 100},
        {"batching": "packed", "precision": "bfloat16", "weights": "bfloat16", "recompute": "all", "loss_chunk": 100},
    ],
    ids=str,
)
def test_the_estimate_is_what_the_allocator_sees(switches: dict[str, object], tmp_path: Path) -> None:
    asked = settings(**switches)
    model = llama("eager")
    if asked.weights == "bfloat16":
        to_bfloat16(model)
    peak = measured_peak(model, asked, tmp_path)
    estimate = estimate_memory(model_size(model.config), asked).total
    assert peak / FACTOR < estimate < peak * FACTOR


def test_more_of_anything_needs_more() -> None:
    size = model_size(small_model().config)
    plain = estimate_memory(size, settings())
    longer = estimate_memory(size, settings(pass_tokens=10 * LENGTH))
    assert longer.state == plain.state
    assert longer.activations == 2 * plain.activations
    assert estimate_memory(size, settings(precision="bfloat16")).activations < plain.activations
    muon = settings(optimizer=OptimizerConfig(kind="muon").model_dump())
    assert estimate_memory(size, muon).optimizer == plain.optimizer - 4 * size.hidden_matrices


def test_the_papers_models_need_what_their_parameters_say() -> None:
    """16 bytes a parameter for float32 state, and 2 for the bfloat16 copies that autocast keeps."""
    for name in ("7b", "13b", "70b"):
        size = published_size(f"meta-llama/Llama-2-{name}-chat-hf")
        assert size is not None
        asked = settings(batching="packed", precision="bfloat16", row_tokens=4096, pass_tokens=4096)
        assert estimate_memory(size, asked).state == pytest.approx(18 * size.parameters, rel=0.01)


def test_the_free_memory_of_this_machine_is_known() -> None:
    free = free_memory(torch.device("cpu"))
    assert free is None or 0 < free < 1 << 50


SEVEN = published_size("meta-llama/Llama-2-7b-chat-hf")
P = 6_738_415_616
SAVING: dict[str, object] = {
    "batching": "packed",
    "precision": "bfloat16",
    "row_tokens": 4096,
    "pass_tokens": 4096,
    "batch_tokens": 262_144,
    "weights": "bfloat16",
    "recompute": "all",
    "loss_chunk": 1024,
}


def test_full_fine_tuning_of_7b_on_one_gpu_of_80_gb_by_hand() -> None:
    """8-bit moments: 2 P weights, 2 P gradients, 2 P moments with a float32 scale for 256 values each."""
    assert SEVEN is not None
    found = estimate_memory(SEVEN, settings(**SAVING, optimizer_states="8bit"))
    layer = 2 * 4096 * (4 + 4 + 2) + 2 * (5 * 4096) + 2 * 4 * 11008
    assert found.weights == found.gradients == 2 * P
    assert found.compute_copies == 0
    assert found.optimizer == 2 * P + 8 * P // 256
    assert found.activations == 4096 * (32 * 2 * 4096 + layer)
    assert found.logits == 1024 * 32000 * 14
    assert found.total == pytest.approx(43.0e9, rel=0.001)
    master = estimate_memory(SEVEN, settings(**{**SAVING, "weights": "bfloat16-master"}, optimizer_states="8bit"))
    assert master.total - found.total == 4 * P
    assert master.total < 80e9
    halves = estimate_memory(SEVEN, settings(**SAVING, optimizer_states="bfloat16"))
    assert halves.optimizer == 4 * P


def test_adapters_of_7b_by_hand() -> None:
    assert SEVEN is not None
    pairs = 39_976_960
    lora = estimate_memory(SEVEN, settings(**SAVING, adapter={"rank": 16}))
    assert lora.weights == 2 * P + 4 * pairs
    assert (lora.gradients, lora.optimizer) == (4 * pairs, 8 * pairs)
    assert lora.total == pytest.approx(16.9e9, rel=0.01)
    quantized = estimate_memory(SEVEN, settings(**SAVING, adapter={"rank": 16, "kind": "qlora"}))
    assert quantized.weights == pytest.approx(0.516 * 6_476_005_376 + 2 * 262_410_240 + 4 * pairs, abs=2)
    assert quantized.total < 8e9


def test_shards_share_the_state_by_hand() -> None:
    """Eight GPUs, float32 state: 16 P / 8, and two layers and the vocabulary gathered in bfloat16."""
    assert SEVEN is not None
    plain = {**SAVING, "weights": "float32"}
    found = estimate_memory(SEVEN, settings(**plain), shards=8)
    assert found.state == pytest.approx(16 * P / 8 + 2 * (6_476_005_376 // 16 + 131_072_000), abs=8)
    assert found.activations == estimate_memory(SEVEN, settings(**plain)).activations


def test_what_does_not_fit_names_the_switches_and_what_each_saves() -> None:
    assert SEVEN is not None
    papers = settings(batching="packed", precision="bfloat16", row_tokens=4096, pass_tokens=4096, batch_tokens=262_144)
    with pytest.raises(RecipeError) as caught:
        require_memory(SEVEN, papers, free=79 * 10**9, device="the GPU")
    words = str(caught.value)
    assert "set train.recompute='all' (saves " in words
    assert "train.optimizer_states='8bit' (saves 40.2 GB)" in words
    assert "train.weights='bfloat16' (saves " in words
    assert "adapter" not in words
    told = {"recompute": "all", "loss_chunk": 1024, "optimizer_states": "8bit", "weights": "bfloat16"}
    wanted = {name: value for name, value in told.items() if f"train.{name}=" in words}
    fitting = require_memory(SEVEN, papers.model_copy(update=wanted), free=79 * 10**9, device="the GPU")
    assert words.endswith(f"{fitting.total / 1e9:,.1f} GB in all")
    with pytest.raises(RecipeError, match=r"train\.adapter\.kind='lora' \(saves .* in all$"):
        require_memory(SEVEN, papers, free=24 * 10**9, device="the GPU")
    with pytest.raises(RecipeError, match=r"even with .* take a smaller train\.model"):
        require_memory(SEVEN, papers, free=24 * 10**9, device="the GPU", fresh=True)


@pytest.mark.parametrize("batching", ["buckets", "packed", "grouped"])
def test_what_will_not_fit_is_refused_and_the_remedy_fits(batching: str) -> None:
    size = model_size(small_model().config)
    asked = settings(batching=batching, row_tokens=60, pass_tokens=6000, batch_tokens=6000)
    needed = estimate_memory(size, asked).total
    assert require_memory(size, asked, free=needed, device="cpu").total == needed
    assert require_memory(size, asked, free=None, device="cpu").total == needed
    with pytest.raises(RecipeError, match=r"set train\.(pass|batch)_tokens=\d+") as caught:
        require_memory(size, asked, free=needed // 2, device="cpu")
    key, value = str(caught.value).rsplit("train.", 1)[1].split("=")
    require_memory(size, asked.model_copy(update={key: int(value)}), free=needed // 2, device="cpu")


def test_what_can_never_fit_is_told() -> None:
    size = model_size(small_model().config)
    asked = settings(optimizer={"kind": "muon"})
    state = estimate_memory(size, asked).state
    with pytest.raises(RecipeError, match=r"the GPU has .* take a smaller train\.model or a device with more memory"):
        require_memory(size, asked, free=state - 1, device="the GPU", fresh=True)
    with pytest.raises(RecipeError, match=r"lower train\.max_length"):
        require_memory(size, asked, free=state + 1, device="the GPU", fresh=True)
