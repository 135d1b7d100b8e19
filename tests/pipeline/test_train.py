"""The train stage: a base from nothing, a tuned model from the base, the same bytes every time."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.pipeline.mixing import kept_run

from agenttuning.core.run import Manifest
from agenttuning.errors import DataError, RecipeError, RunError
from agenttuning.models.load import load_chat_model
from agenttuning.pipeline import mix
from agenttuning.pipeline.train import TrainConfig, run

FRESH: dict[str, object] = {
    "model": "fresh",
    "shape": {"hidden": 32, "layers": 2, "heads": 2, "feed_forward": 48, "max_length": 256},
    "vocabulary": 400,
    "steps": 12,
    "batch_tokens": 400,
    "max_length": 200,
    "batching": "buckets",
    "optimizer": "muon",
    "learning_rate": 1e-2,
    "schedule": "flat-linear",
    "checkpoint_every": 5,
}


def _train(folder: Path, *, resume: bool = False, **keys: object) -> Manifest:
    started = kept_run(folder, resume=resume)
    if not (folder / "5-mix").exists():
        mix.run(mix.MixConfig(examples=300, agent_share=0.2), started)
    return run(TrainConfig.model_validate({**FRESH, **keys}), started)


def _losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "6-train" / "metrics.jsonl").read_text().splitlines()]


def test_a_base_is_trained_and_then_tuned(tmp_path: Path) -> None:
    base = _train(tmp_path / "base")
    losses = _losses(tmp_path / "base")
    assert losses[-1] < losses[0] - 0.5
    tokens, trained = base.counts["tokens"], base.counts["trained_tokens"]
    assert isinstance(tokens, dict)
    assert isinstance(trained, dict)
    assert tokens.keys() == trained.keys() == {"alfworld", "database", "chat"}
    assert 12 * 400 <= sum(tokens.values()) < 12 * 600
    assert base.counts["loss"] == losses[-1]
    assert base.outputs.keys() == {"model", "metrics.jsonl"}
    folder = tmp_path / "base" / "6-train" / "model"
    tuned = _train(tmp_path / "tuned", model=str(folder), steps=6, batching="packed", precision="float32")
    assert _losses(tmp_path / "tuned")[0] < losses[0] - 0.5
    assert tuned.start.inputs["model"] == base.outputs["model"]
    assert tuned.counts["template"] == base.counts["template"]
    assert load_chat_model(tmp_path / "tuned" / "6-train" / "model").max_length == 256


def test_an_interrupted_training_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """What a kill leaves behind: checkpoints up to step 10, metrics beyond, no model."""
    whole = _train(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    stage = tmp_path / "b" / "6-train"
    shutil.rmtree(stage / "model")
    shutil.rmtree(stage / "checkpoints" / "step-000012")
    (stage / "manifest.json").unlink()
    with (stage / "metrics.jsonl").open("a") as file:
        file.write('{"step": 13, "lo')
    again = _train(tmp_path / "b", resume=True)
    assert again.outputs == whole.outputs
    elsewhere = _train(tmp_path / "c")
    assert elsewhere.outputs == whole.outputs


def test_dropped_dialogues_are_counted(tmp_path: Path) -> None:
    manifest = _train(tmp_path, max_length=20)
    assert manifest.counts["dialogues"] == 48
    assert manifest.counts["dropped"] == {"no_trained_token": 18}
    assert manifest.counts["draws_dropped"] == 60


def test_another_configuration_does_not_resume(tmp_path: Path) -> None:
    _train(tmp_path)
    with pytest.raises(RunError, match=r"train\.learning_rate \(was 0\.01, is 0\.02\)"):
        _train(tmp_path, resume=True, learning_rate=2e-2)


def test_mistakes_are_told(tmp_path: Path) -> None:
    base = tmp_path / "a" / "6-train" / "model"
    _train(tmp_path / "a", steps=1)
    with pytest.raises(RecipeError, match=r"train\.max_length=999 exceeds the 256 positions"):
        _train(tmp_path / "b", model=str(base), max_length=999)
    with pytest.raises(DataError, match="no model 'tiny-bse'"):
        _train(tmp_path / "c", model="tiny-bse")
    with pytest.raises(DataError, match=r'no BOS or EOS token, .* choose template = "auto"'):
        _train(tmp_path / "d", model=str(base), template="llama2")
    with pytest.raises(RunError, match=r"stage 'mix' .* is not finished"):
        run(TrainConfig.model_validate(FRESH), kept_run(tmp_path / "e"))
    for keys in ({"template": "llama2"}, {"max_length": 300}, {"steps": -1}, {"learning_rat": 1}):
        with pytest.raises(ValidationError):
            TrainConfig.model_validate({**FRESH, **keys})


def test_a_model_that_cannot_fit_is_refused_before_it_is_made(tmp_path: Path) -> None:
    shape = {"hidden": 1 << 16, "layers": 80, "heads": 64, "feed_forward": 1 << 18, "max_length": 256}
    with pytest.raises(RecipeError, match=r"training needs about .* GB .* take a smaller train\.model"):
        _train(tmp_path, shape=shape)


def test_the_papers_defaults() -> None:
    config = TrainConfig()
    assert (config.learning_rate, config.steps, config.batch_tokens) == (5e-5, 2000, 64 * 4096)
    assert (config.optimizer, config.schedule, config.warmup, config.batching) == ("adamw", "cosine", 0.02, "packed")


def test_reading_a_recipe_loads_nothing_heavy() -> None:
    code = (
        "import sys, agenttuning.pipeline.mix, agenttuning.pipeline.train;"
        "sys.exit(bool({'torch', 'transformers', 'numpy', 'pyarrow'} & sys.modules.keys()))"
    )
    path = str(Path(__file__).parents[2] / "src")
    assert subprocess.run((sys.executable, "-c", code), env={"PYTHONPATH": path}, check=False).returncode == 0
