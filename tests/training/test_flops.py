"""The operations of a token, counted by hand and by torch."""

import pytest
import torch
from tests.training.small import small_model
from torch.utils.flop_counter import FlopCounterMode

from agenttuning.training.flops import measured_flops, peak_flops, training_flops_per_token
from agenttuning.training.sizes import model_size, published_size


def test_llama_2_7b_needs_what_the_literature_says() -> None:
    size = published_size("meta-llama/Llama-2-7b-chat-hf")
    assert size is not None
    assert training_flops_per_token(size, 0) == 6 * 6_607_077_376
    assert training_flops_per_token(size, 4096) == pytest.approx(42.9e9, rel=0.002)
    adapter = 40_000_000
    assert training_flops_per_token(size, 0, adapter=adapter) == 4 * 6_607_077_376 + 6 * adapter


def test_torch_counts_the_same_without_attention() -> None:
    """Torch counts full instead of causal attention, so the width is doubled here."""
    model, tokens = small_model(), 24
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.ones(1, tokens, dtype=torch.long), use_cache=False).logits.sum().backward()
    assert counter.get_total_flops() / tokens == pytest.approx(
        training_flops_per_token(model_size(model.config), 2 * tokens), rel=0.01
    )


def test_a_cpu_has_no_published_rate_but_one_to_measure() -> None:
    cpu = torch.device("cpu")
    assert peak_flops(cpu) is None
    assert 1e8 < measured_flops(cpu, dtype=torch.float32, order=256, seconds=0.01) < 1e15


def test_the_longer_name_is_found_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rate in (("NVIDIA H200", 989e12), ("NVIDIA H100 PCIe", 756e12), ("NVIDIA L40S", 362e12), ("other", None)):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _, name=name: name)
        assert peak_flops(torch.device("cuda")) == rate
