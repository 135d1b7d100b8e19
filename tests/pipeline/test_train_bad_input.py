"""What training is given and cannot use: one sentence that says what, and what to change."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.pipeline.mixing import kept_run

from agenttuning.core.records import Message
from agenttuning.core.run import Run
from agenttuning.errors import DataError, RecipeError, StageError
from agenttuning.models.load import resolve_model
from agenttuning.pipeline import mix
from agenttuning.pipeline.mix_sources import Example
from agenttuning.pipeline.train import TrainConfig, run
from agenttuning.pipeline.training_set import write_training_set

TINY: dict[str, object] = {
    "model": "tiny-base",
    "steps": 2,
    "batch_tokens": 300,
    "max_length": 200,
    "batching": "buckets",
    "device": "cpu",
}


def _mixed(folder: Path, dialogues: Iterable[tuple[Message, ...]] = ()) -> Run:
    """Return a run that has mixed; with dialogues, these are its training set."""
    started = kept_run(folder)
    mix.run(mix.MixConfig(examples=60), started)
    examples = [("agent", Example(environment="alfworld", task=str(n), messages=m)) for n, m in enumerate(dialogues)]
    if examples:
        write_training_set(folder / "5-mix" / "train.parquet", examples)
    return started


def _train(started: Run, **keys: object) -> None:
    run(TrainConfig.model_validate({**TINY, **keys}), started)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a copy of the tiny base that a test may spoil."""
    return Path(shutil.copytree(resolve_model("tiny-base"), tmp_path / "model"))


def _edit(path: Path, **changes: object) -> None:
    kept = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in kept.items() if value is not None}))


def test_a_tokenizer_without_a_pad_token_is_no_hindrance(tmp_path: Path, model: Path) -> None:
    _edit(model / "tokenizer_config.json", pad_token=None)
    _edit(model / "config.json", pad_token_id=None)
    started = _mixed(tmp_path / "run")
    _train(started, model=str(model))
    assert started.manifest("train") is not None


def test_a_tokenizer_without_an_end_token(tmp_path: Path, model: Path) -> None:
    _edit(model / "tokenizer_config.json", eos_token=None, chat_template=None)
    (model / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    with pytest.raises(DataError, match="has no EOS token"):
        _train(_mixed(tmp_path / "run"), model=str(model))


def test_a_tokenizer_without_a_chat_template(tmp_path: Path, model: Path) -> None:
    (model / "chat_template.jinja").unlink()
    with pytest.raises(DataError, match=r'has no chat template; choose template = "llama2"'):
        _train(_mixed(tmp_path / "run"), model=str(model))


def test_a_context_shorter_than_every_dialogue(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"no row to train on.*first_exchange_too_long") as caught:
        _train(_mixed(tmp_path), max_length=4)
    assert "train.max_length" in str(caught.value)


def test_a_context_beyond_the_models_positions(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"train\.max_length=9999 exceeds the 2048 positions of 'tiny-base'"):
        _train(_mixed(tmp_path), max_length=9999)


def test_data_whose_rows_are_all_masked(tmp_path: Path) -> None:
    masked = (Message(role="user", content="a"), Message(role="assistant", content="b", train=False))
    with pytest.raises(StageError, match=r"no row to train on.*no_trained_token"):
        _train(_mixed(tmp_path, [masked, masked]))


def test_a_training_set_damaged_in_its_middle(tmp_path: Path) -> None:
    started = _mixed(tmp_path)
    path = tmp_path / "5-mix" / "train.parquet"
    data = bytearray(path.read_bytes())
    data[8 : len(data) // 2] = bytes(len(data) // 2 - 8)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"train\.parquet is .*run the mix stage again"):
        _train(started)


def test_a_model_whose_shard_is_missing(tmp_path: Path, model: Path) -> None:
    (model / "model.safetensors").rename(tmp_path / "away")
    index = {"metadata": {}, "weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="has no readable weights"):
        _train(_mixed(tmp_path / "run"), model=str(model))


@pytest.mark.parametrize(("share", "sides"), [(0.0, {"chat"}), (1.0, {"alfworld", "database"})])
def test_one_side_alone_is_trained_on(share: float, sides: set[str], tmp_path: Path) -> None:
    started = kept_run(tmp_path)
    mix.run(mix.MixConfig(examples=30, agent_share=share), started)
    _train(started)
    manifest = started.manifest("train")
    assert manifest is not None
    tokens = manifest.counts["tokens"]
    assert isinstance(tokens, dict)
    assert set(tokens) == sides
