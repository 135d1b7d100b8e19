"""The train stage with TRL in the place of our loop: the same files, the same losses."""

import json
from pathlib import Path

import pytest
from tests.pipeline.mixing import kept_run
from tests.pipeline.test_train import FRESH

from agenttuning.errors import RecipeError
from agenttuning.models.load import load_chat_model
from agenttuning.pipeline import mix
from agenttuning.pipeline.train import TrainConfig, run

pytest.importorskip("trl", reason="needs the extra [trl]")
CONFIG = {**FRESH, "steps": 3, "optimizer": "adamw", "schedule": "cosine", "precision": "float32"}


def _train(folder: Path, **keys: object) -> list[float]:
    started = kept_run(folder)
    mix.run(mix.MixConfig(examples=60), started)
    run(TrainConfig.model_validate({**CONFIG, **keys}), started)
    lines = (folder / "6-train" / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_a_model_is_trained_and_exported_as_by_our_own_loop(tmp_path: Path) -> None:
    ours, theirs = _train(tmp_path / "own"), _train(tmp_path / "trl", backend="trl")
    assert theirs == pytest.approx(ours, abs=1e-5)
    own, other = (tmp_path / name / "6-train" / "model" for name in ("own", "trl"))
    assert {path.name for path in own.iterdir()} == {path.name for path in other.iterdir()}
    for name in ("config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"):
        assert (own / name).read_bytes() == (other / name).read_bytes()
    assert load_chat_model(other).max_length == 256


def test_a_setting_that_trl_cannot_honour_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"with train.backend = .trl. choose .buckets. .* or .packed."):
        _train(tmp_path, backend="trl", batching="grouped")
