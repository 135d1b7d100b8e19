"""The card tells what the model was made from, and nothing of the clock, the machine or the place."""

import json
from pathlib import Path

from tests.pipeline.mixing import kept_run
from tests.pipeline.test_train import FRESH

from agenttuning.core.run import Manifest, Run, StageConfig
from agenttuning.pipeline import mix
from agenttuning.pipeline.model_card import model_card
from agenttuning.pipeline.train import TrainConfig, run

RATES = {"database-test": {"samples": 20, "too_short": 1, "clean": 18, "dirty": 1}}


def _trained(folder: Path, **keys: object) -> tuple[Manifest, str]:
    started = kept_run(folder)
    mix.run(mix.MixConfig(examples=300, agent_share=0.2), started)
    manifest = run(TrainConfig.model_validate({**FRESH, "steps": 2, **keys}), started)
    return manifest, (folder / "6-train" / "model" / "README.md").read_text()


def test_the_card_of_a_run(tmp_path: Path) -> None:
    manifest, card = _trained(tmp_path / "base")
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert f"| training set | digest `{manifest.start.inputs['train']}` |" in card
    tokens, trained = manifest.counts["tokens"], manifest.counts["trained_tokens"]
    assert isinstance(tokens, dict)
    assert isinstance(trained, dict)
    assert f"| chat | 30 | 80.0% | {tokens['chat']:,} | {trained['chat']:,} |" in card
    assert "| learning_rate | 0.01 |" in card
    assert "Not checked in this run." in card
    assert "digest of this folder" in card
    again, same = _trained(tmp_path / "elsewhere")
    assert card == same
    assert again.outputs == manifest.outputs
    tuned, told = _trained(tmp_path / "tuned", model=str(tmp_path / "base" / "6-train" / "model"))
    assert f"| base | model (digest `{tuned.start.inputs['model']}`) |" in told
    assert str(tmp_path) not in told


def test_contamination_and_a_hub_base_are_told(tmp_path: Path) -> None:
    manifest, _ = _trained(tmp_path / "run")
    checked = Run(tmp_path / "other").open("decontaminate", StageConfig())
    found = checked.finish(outputs=(), counts={"rates": {"own_text": RATES}, "dropped": {"database": 3}})
    start = manifest.start.model_copy(update={"inputs": {"train": "abc", "model": "def"}})
    config = TrainConfig(model="meta-llama/Llama-2-7b-chat-hf")
    card = model_card(config, start, manifest.counts, {"decontaminate": found})
    assert "base_model: meta-llama/Llama-2-7b-chat-hf\n" in card
    assert "| meta-llama/Llama-2-7b-chat-hf (digest `def`) |" in card
    assert "| database-test | 18 | 1 | 20 | 1 |" in card
    assert "Dropped for overlap with a test: database 3." in card


def test_the_config_that_is_exported_is_unchanged_by_the_card(tmp_path: Path) -> None:
    _trained(tmp_path / "run")
    files = {path.name for path in (tmp_path / "run" / "6-train" / "model").iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= files
    assert json.loads((tmp_path / "run" / "6-train" / "model" / "config.json").read_text())["model_type"] == "llama"
