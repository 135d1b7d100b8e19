"""Opening a model says what is missing and what to do."""

from pathlib import Path

import pytest
import torch
from tests.models.tokenizers import compact_tokenizer

from agenttuning.errors import DataError, RecipeError
from agenttuning.models.compact_template import CompactTemplate
from agenttuning.models.load import LlamaShape, fresh_model, load_chat_model, resolve_model
from agenttuning.training.export import export

SHAPE = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=48, max_length=128)


def test_a_seed_makes_the_weights_and_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = fresh_model(SHAPE, compact_tokenizer(), seed=1)
    assert torch.equal(torch.rand(3), expected)
    second, other = (fresh_model(SHAPE, compact_tokenizer(), seed=seed) for seed in (1, 2))
    for one, two, three in zip(first.parameters(), second.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
        assert one.ndim < 2 or not torch.equal(one, three)


def test_an_exported_model_loads_with_equal_logits(tmp_path: Path) -> None:
    model = fresh_model(SHAPE, compact_tokenizer(), seed=1)
    folder = export(model, compact_tokenizer(), tmp_path / "model")
    assert (folder / "chat_template.jinja").is_file()
    loaded = load_chat_model(folder)
    assert isinstance(loaded.template, CompactTemplate)
    assert loaded.max_length == 128
    probe = torch.arange(12)[None]
    with torch.no_grad():
        assert torch.equal(model(probe).logits, loaded.model(probe).logits)


def test_export_gives_equal_bytes(tmp_path: Path) -> None:
    folders = [export(fresh_model(SHAPE, compact_tokenizer(), seed=1), compact_tokenizer(), tmp_path / n) for n in "ab"]
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert files[0] == files[1]


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder, and not in the Hugging Face cache"):
        resolve_model("nobody/nothing-at-all")
    with pytest.raises(DataError, match="not in the Hugging Face cache"):
        resolve_model("not a name!")
    with pytest.raises(DataError, match=r"holds no config\.json"):
        resolve_model(tmp_path)


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    folder = export(fresh_model(SHAPE, compact_tokenizer(), seed=1), compact_tokenizer(), tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(DataError, match="no readable weights"):
        load_chat_model(folder)
    weights.unlink()
    with pytest.raises(DataError, match="no readable weights"):
        load_chat_model(folder)


def test_a_folder_without_chat_template_is_told(tmp_path: Path) -> None:
    folder = export(fresh_model(SHAPE, compact_tokenizer(), seed=1), compact_tokenizer(), tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(DataError, match='no chat template; choose template = "llama2"'):
        load_chat_model(folder)


def test_an_impossible_shape_is_told() -> None:
    with pytest.raises(RecipeError, match="hidden=30 must be an even multiple of heads=4"):
        fresh_model(SHAPE.model_copy(update={"hidden": 30, "heads": 4}), compact_tokenizer(), seed=0)
