"""Stage 7 on a small random model: the surfaces agree, the result is stored, and no server stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from tests.pipeline.rooms import ROOMS
from tests.serving.random_llama import MAX_LENGTH, save_random_llama

from agenttuning.core.run import Run, StageConfig
from agenttuning.errors import DataError, RunError, StageError
from agenttuning.pipeline.construct import ConstructConfig
from agenttuning.pipeline.construct import run as construct
from agenttuning.pipeline.serve import ServeConfig
from agenttuning.pipeline.serve import run as serve

if TYPE_CHECKING:
    from pathlib import Path


def constructed(folder: Path, *, test: int = 3, resume: bool = False) -> Run:
    run = Run(folder, seed=7, resume=resume)
    construct(ConstructConfig.model_validate({"environments": {ROOMS: {"tasks": {"train": 1, "test": test}}}}), run)
    return run


def test_the_tuned_model_is_served_probed_and_stopped(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    train = run.open("train", StageConfig())
    save_random_llama(train.folder / "model")
    train.finish(outputs=("model",), counts={})
    config = ServeConfig(probes=2, probe_tokens=10)
    manifest = serve(config, run)
    assert manifest.counts == {"prompts": 2, "too_long": 0, "identical": True}
    told = json.loads(run.output("serve", "probe.json").read_text())
    assert [probe["task"] for probe in told["probes"]] == ["test-0", "test-1"]
    assert all(probe["answer"] for probe in told["probes"])
    assert told["surfaces"] == ["/generate", "/v1/chat/completions"]

    again = Run(tmp_path, seed=7, resume=True)
    assert serve(config, again) == manifest
    again.discard("serve")
    assert serve(config, again).outputs == manifest.outputs


def test_openings_that_do_not_fit_are_counted_and_all_of_them_is_an_error(tmp_path: Path) -> None:
    model = save_random_llama(tmp_path / "model")
    run = constructed(tmp_path / "run")
    with pytest.raises(StageError, match=r"no test task's opening fits the model; lower serve.probe_tokens"):
        serve(ServeConfig(model=str(model), probe_tokens=MAX_LENGTH), run)


def test_surfaces_that_disagree_end_the_stage(tmp_path: Path) -> None:
    """A tokenizer that adds a BOS of its own to raw text, which the compact chat template does not have."""
    model = save_random_llama(tmp_path / "model")
    described = json.loads((model / "tokenizer.json").read_text())
    described["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|system|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|system|>": {"id": "<|system|>", "ids": [2], "tokens": ["<|system|>"]}},
    }
    (model / "tokenizer.json").write_text(json.dumps(described))
    with pytest.raises(StageError, match=r"the surfaces disagree on task 'test-0' of .*: /generate: .*; /v1/chat"):
        serve(ServeConfig(model=str(model), probes=1), constructed(tmp_path / "run"))


def test_what_is_missing_is_said_before_a_server_starts(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"stage 'train' of .* is not finished"):
        serve(ServeConfig(), constructed(tmp_path / "a"))
    with pytest.raises(DataError, match="no model 'absent'"):
        serve(ServeConfig(model="absent"), constructed(tmp_path / "b"))
    model = save_random_llama(tmp_path / "model")
    with pytest.raises(StageError, match="no test tasks to probe with"):
        serve(ServeConfig(model=str(model)), constructed(tmp_path / "c", test=0))


@pytest.mark.parametrize("told", [{"port": 70000}, {"probes": 0}, {"max_conurrent": 3}, {"semantics": "loose"}])
def test_a_wrong_setting_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ServeConfig.model_validate(told)
