"""`agenttuning train` on two ranks: started by itself, or by torchrun; both resume what the other began."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.pipeline.mixing import kept_run
from tests.pipeline.test_train import FRESH

from agenttuning.core.run import Manifest
from agenttuning.pipeline import mix
from agenttuning.pipeline.train import TrainConfig, run

KEYS: dict[str, object] = {**FRESH, "optimizer": "adamw", "precision": "float32", "steps": 6, "checkpoint_every": 2}


def _train(folder: Path, *, resume: bool = False, **keys: object) -> Manifest:
    started = kept_run(folder, resume=resume)
    if not (folder / "5-mix").exists():
        mix.run(mix.MixConfig(examples=300, agent_share=0.2), started)
    return run(TrainConfig.model_validate({**KEYS, **keys}), started)


def _losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "6-train" / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.ranks
@pytest.mark.timeout(600)
def test_two_ranks_train_what_one_does(tmp_path: Path) -> None:
    one = _train(tmp_path / "one")
    two = _train(tmp_path / "two", ranks=2, sharding="fsdp")
    assert _losses(tmp_path / "two") == pytest.approx(_losses(tmp_path / "one"), abs=1e-4)
    assert two.outputs.keys() == one.outputs.keys()
    assert {**two.counts, "loss": 0} == {**one.counts, "loss": 0}
    stage = tmp_path / "two" / "6-train"
    assert not (stage / "ranks").exists()
    assert (stage / "checkpoints" / "step-000006" / "__1_0.distcp").is_file()
    assert (stage / "model" / "model.safetensors").stat().st_size == (
        tmp_path / "one" / "6-train" / "model" / "model.safetensors"
    ).stat().st_size


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"ranks": 0}, "greater than 0"),
        ({"ranks": "some"}, "'auto'"),
        ({"tensor": 2}, "tensor=2 needs sharding='fsdp' or 'hsdp'"),
        ({"optimizer": "muon", "sharding": "fsdp"}, "optimizer='muon' needs whole matrices"),
        ({"backend": "trl", "ranks": 2}, "backend='trl' trains in one process"),
        ({"sharding": "fsdp", "batching": "packed", "compile": True}, "compile=true is not for slices"),
    ],
)
def test_what_does_not_fit_together_is_refused(keys: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TrainConfig.model_validate({**KEYS, **keys})
