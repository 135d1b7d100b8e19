"""Models are counted from their configurations; the paper's bases also where they are not."""

from pathlib import Path

import pytest
from tests.training.small import small_model

from agenttuning.errors import DataError
from agenttuning.models.load import load_chat_model, resolve_model
from agenttuning.models.shape import LlamaShape
from agenttuning.training.sizes import folder_size, fresh_size, model_size, published_size


def test_a_model_is_counted_without_being_made() -> None:
    model = small_model()
    size = model_size(model.config)
    assert size.parameters == sum(weight.numel() for weight in model.parameters())
    assert size.matrices - size.hidden_matrices == 61 * 32
    assert (size.layers, size.hidden, size.heads, size.key_value, size.feed_forward) == (2, 32, 2, 32, 48)


def test_the_packaged_model_is_what_its_shape_says() -> None:
    base = load_chat_model("tiny-base")
    size = folder_size(resolve_model("tiny-base"))
    assert size.parameters == sum(weight.numel() for weight in base.model.parameters())
    assert size == fresh_size(LlamaShape(), vocabulary=size.vocabulary)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("meta-llama/Llama-2-7b-chat-hf", 6_738_415_616),
        ("meta-llama/Llama-2-13b-chat-hf", 13_015_864_320),
        ("models/Llama-2-70b-chat-hf/", 68_976_648_192),
    ],
)
def test_the_papers_bases_are_known_by_name(name: str, parameters: int) -> None:
    size = published_size(name)
    assert size is not None
    assert (size.parameters, size.positions, size.vocabulary) == (parameters, 4096, 32000)
    assert size.parameters - size.matrices == pytest.approx(32000 * size.hidden, rel=0.01)


def test_another_name_is_not_guessed_at() -> None:
    assert published_size("meta-llama/Llama-3-8B") is None


def test_a_folder_without_a_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no-such-kind"}')
    with pytest.raises(DataError, match=r"no readable config\.json"):
        folder_size(tmp_path)
