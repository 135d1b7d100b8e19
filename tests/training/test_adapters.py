"""LoRA: nothing changes before the first step, only pairs move, and what is exported computes what was trained."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from tests.training.small import random_rows, small_model
from transformers import AutoModelForCausalLM

from agenttuning.errors import MissingExtraError, RecipeError
from agenttuning.training.adapters import add_adapter, load_quantized, merged, merged_from, require_peft
from agenttuning.training.loop import LoopSettings, OptimizerConfig, fit
from agenttuning.training.low_bit import to_bfloat16
from agenttuning.training.mixture import in_order
from agenttuning.training.settings import AdapterConfig
from agenttuning.training.sizes import adapter_parameters, model_size, published_size

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft's, in transformers
LORA = AdapterConfig(rank=4, alpha=8.0)
SETTINGS = LoopSettings(
    steps=6,
    batch_tokens=150,
    optimizer=OptimizerConfig(learning_rate=2e-2, schedule="constant"),
    precision="float32",
    checkpoint_every=3,
    adapter=LORA,
)
IDS = torch.arange(1, 13)[None]


def _adapted(config: AdapterConfig = LORA, *, base: str = "base", half: bool = False) -> PeftModel:
    model = small_model("sdpa")
    if half:
        to_bfloat16(model)
    return add_adapter(model, config, base=base, seed=0)


def _logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model.eval()(input_ids=IDS, use_cache=False).logits
    return logits


def test_pairs_change_nothing_at_first_and_are_all_that_moves() -> None:
    adapted = _adapted()
    model, plain = adapted.get_base_model(), small_model("sdpa")
    assert torch.equal(_logits(model), _logits(plain))
    losses = [step.loss for step in fit(model, random_rows(4), settings=SETTINGS, plan=in_order(4)).metrics]
    assert losses[-1] < losses[0] - 0.1
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert {name.split(".")[-3] for name in trained} == {"lora_A", "lora_B"}
    frozen = {name.replace(".base_layer", ""): weight for name, weight in model.named_parameters()}
    assert all(torch.equal(frozen[name], weight) for name, weight in plain.named_parameters())
    size = model_size(plain.config)
    assert sum(w.numel() for w in model.parameters() if w.requires_grad) == adapter_parameters(size, 4)


def test_the_pairs_of_llama_2_7b_are_as_many_as_peft_says() -> None:
    size = published_size("meta-llama/Llama-2-7b-chat-hf")
    assert size is not None
    assert adapter_parameters(size, 16) == 39_976_960


def test_merged_and_separate_compute_what_was_trained(tmp_path: Path) -> None:
    small_model("sdpa").save_pretrained(tmp_path / "base")
    adapted = _adapted(base=str(tmp_path / "base"))
    model = adapted.get_base_model()
    fit(model, random_rows(4), settings=SETTINGS)
    trained = _logits(model)
    adapted.save_pretrained(str(tmp_path / "adapter"))
    beside = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tmp_path / "base"), str(tmp_path / "adapter")
    )
    assert torch.allclose(_logits(beside), trained, atol=1e-5)
    assert torch.allclose(_logits(AutoModelForCausalLM.from_pretrained(tmp_path / "adapter")), trained, atol=1e-5)
    later = merged_from(AutoModelForCausalLM.from_pretrained(tmp_path / "base"), tmp_path / "adapter")
    assert torch.allclose(_logits(later), trained, atol=1e-4)
    whole = merged(adapted)
    assert torch.allclose(_logits(whole), trained, atol=1e-4)
    whole.save_pretrained(tmp_path / "merged")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert type(again) is type(whole)
    assert torch.allclose(_logits(again), trained, atol=1e-4)
    assert not torch.allclose(_logits(small_model("sdpa")), trained, atol=1e-2)


def test_checkpoints_hold_the_pairs_alone_and_resume_bit_for_bit(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"adapter": LORA.model_copy(update={"dropout": 0.2})})
    losses = []
    for name in ("a", "b"):
        model = _adapted(settings.adapter or LORA).get_base_model()
        fit(model, random_rows(9), settings=settings, folder=tmp_path / name)
    (tmp_path / "b" / "checkpoints" / "step-000006" / "manifest.json").unlink()
    again = _adapted(settings.adapter or LORA).get_base_model()
    result = fit(again, random_rows(9), settings=settings, folder=tmp_path / "b")
    assert result.resumed.step == 3
    losses = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("a", "b")]
    assert losses[0] == losses[1]
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), again.parameters(), strict=True))
    state = torch.load(tmp_path / "a" / "checkpoints" / "step-000006" / "state.pt", weights_only=True)
    assert all("lora_" in name for name in state["model"])


def test_frozen_weights_may_be_bfloat16_and_pairs_stay_float32() -> None:
    model = _adapted(half=True).get_base_model()
    asked = SETTINGS.model_copy(update={"precision": "bfloat16", "weights": "bfloat16", "recompute": "all"})
    losses = [step.loss for step in fit(model, random_rows(4), settings=asked, plan=in_order(4)).metrics]
    assert losses[-1] < losses[0] - 0.1
    assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}
    assert {weight.dtype for weight in model.parameters() if not weight.requires_grad} == {torch.bfloat16}


def test_layers_can_be_named_and_wrong_names_are_told() -> None:
    model = _adapted(AdapterConfig(rank=2, targets=("q_proj", "v_proj"))).get_base_model()
    assert sum(weight.requires_grad for weight in model.parameters()) == 2 * 2 * 2
    with pytest.raises(RecipeError, match=r"targets=\('query',\) fits no layer .* are .*q_proj"):
        _adapted(AdapterConfig(targets=("query",)))


def test_what_four_bits_need_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agenttuning.training.adapters.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"kind='qlora' needs the package 'peft'.*agenttuning\[qlora\]"):
        require_peft(AdapterConfig(kind="qlora"))
    with pytest.raises(RecipeError, match=r"kind='qlora' needs a GPU.*use kind='lora' on a CPU"):
        load_quantized(Path("anywhere"), device=torch.device("cpu"))
