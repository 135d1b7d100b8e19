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
    ids = np.arange(LENGTH, dtype=np.int32)
    rows = [TrainingRow(ids, np.where(ids > 0, ids, -100).astype(np.int32), "agent")] * 10
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        fit(model, rows, settings=asked)
    profile.export_chrome_trace(str(folder / "trace.json"))
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    used = np.cumsum([event["args"]["Bytes"] for event in events if event.get("name") == "[memory]"])
    return int(used.max()) + 4 * sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize(
    ("batching", "precision", "kind"),
    [
        ("buckets", "float32", "adamw"),
        ("packed", "bfloat16", "adamw"),
        ("grouped", "bfloat16", "adamw"),
        ("buckets", "bfloat16", "muon"),
    ],
)
def test_the_estimate_is_what_the_allocator_sees(batching: str, precision: str, kind: str, tmp_path: Path) -> None:
    asked = settings(batching=batching, precision=precision, optimizer={"kind": kind})
    model = llama("eager")
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
    state = estimate_memory(size, settings()).state
    with pytest.raises(RecipeError, match=r"the GPU has .* take a smaller train\.model or a device with more memory"):
        require_memory(size, settings(), free=state - 1, device="the GPU")
    with pytest.raises(RecipeError, match=r"lower train\.max_length"):
        require_memory(size, settings(), free=state + 1, device="the GPU")
