"""The train stage with its switches: adapters merged and alone, weights in bfloat16, and refusals before any work."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from tests.pipeline.mixing import kept_run

from agenttuning.core.run import Manifest
from agenttuning.errors import MissingExtraError, RecipeError
from agenttuning.models.load import load_chat_model, load_weights
from agenttuning.pipeline import mix
from agenttuning.pipeline.train import TrainConfig, run
from agenttuning.pipeline.tuning import loop_settings

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft's, in transformers
SMALL: dict[str, object] = {
    "model": "tiny-base",
    "steps": 3,
    "batch_tokens": 300,
    "max_length": 300,
    "pass_tokens": 600,
    "learning_rate": 5e-3,
    "device": "cpu",
}


def _train(folder: Path, **keys: object) -> tuple[Manifest, Path]:
    started = kept_run(folder)
    mix.run(mix.MixConfig(examples=60, agent_share=0.2), started)
    return run(TrainConfig.model_validate({**SMALL, **keys}), started), folder / "6-train" / "model"


def _logits(model: str | Path) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = load_chat_model(model).model(input_ids=torch.arange(3, 40)[None]).logits
    return logits


def test_an_adapter_is_exported_merged_or_alone(tmp_path: Path) -> None:
    lora = {"rank": 4, "alpha": 8}
    manifest, merged = _train(tmp_path / "merged", adapter=lora)
    assert not (merged / "adapter_config.json").exists()
    assert manifest.counts["trained_parameters"] == 4 * 4 * (11 * 128 + 3 * 384)
    assert manifest.counts["parameters"] == sum(w.numel() for w in load_chat_model(merged).model.parameters()) + int(
        str(manifest.counts["trained_parameters"])
    )
    _, alone = _train(tmp_path / "alone", adapter={**lora, "merge": False})
    assert {file.name for file in alone.iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
    assert not (alone / "model.safetensors").exists()
    assert torch.allclose(_logits(merged), _logits(alone), atol=1e-4)
    assert not torch.allclose(_logits(merged), _logits("tiny-base"), atol=1e-2)


def test_an_adapter_without_peft_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    monkeypatch.setattr("agenttuning.models.load.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"holds an adapter; install `pip install 'agenttuning\[lora\]'`"):
        load_weights(tmp_path)


def test_every_switch_together_trains_what_the_plain_way_does(tmp_path: Path) -> None:
    rate = {"learning_rate": 5e-4}
    plain, _ = _train(tmp_path / "plain", precision="float32", batching="buckets", **rate)
    exact = {"recompute": "all", "loss_chunk": 32, "batching": "packed", "attention": "eager"}
    switched, _ = _train(tmp_path / "switched", precision="float32", **exact, **rate)
    assert switched.counts["loss"] == pytest.approx(plain.counts["loss"], abs=1e-4)
    few = {**exact, "attention": "varlen", "weights": "bfloat16", "optimizer_states": "8bit"}
    low, folder = _train(tmp_path / "low", **few, **rate)
    assert low.counts["loss"] == pytest.approx(plain.counts["loss"], abs=1e-3)
    assert '"bfloat16"' in (folder / "config.json").read_text()


def test_what_cannot_be_is_told_when_the_recipe_is_read() -> None:
    wrong: tuple[tuple[dict[str, object], str], ...] = (
        ({"weights": "bfloat16", "precision": "float32"}, r"set precision='bfloat16'"),
        ({"attention": "varlen", "precision": "float32"}, r"attention='varlen' computes in bfloat16"),
        ({"compile": True, "batching": "grouped"}, r"compile=true is for packed rows"),
        ({"attention": "flex", "batching": "buckets"}, r"attention='flex' is for packed rows"),
        ({"adapter": {}, "weights": "bfloat16-master"}, r"frozen weights need no master copy"),
        ({"optimizer": "muon", "optimizer_states": "8bit"}, r"low-bit ones are for 'adamw'"),
        ({"model": "fresh", "adapter": {}, "max_length": 2048}, r"a fresh model has none"),
        ({"adapter": {"rank": 0}}, r"rank"),
    )
    for keys, words in wrong:
        with pytest.raises(ValidationError, match=words):
            TrainConfig.model_validate(keys)


def test_a_name_that_fits_no_layer_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"train\.adapter\.targets=\('query',\) fits no layer"):
        _train(tmp_path, adapter={"targets": ["query"]})


def test_the_loop_gets_every_switch() -> None:
    asked = {"recompute": "alternate", "loss_chunk": 7, "weights": "bfloat16", "optimizer_states": "bfloat16"}
    settings = loop_settings(TrainConfig.model_validate({**asked, "compile": True, "attention": "varlen"}), seed=3)
    assert settings.model_dump(include={*asked}) == asked
    assert settings.compile
    assert (settings.attention, settings.batching, settings.seed) == ("varlen", "packed", 3)
