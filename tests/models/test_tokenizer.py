"""The small models' tokenizer gives every text back and treats words alike wherever they stand."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.tokenizers import TEXTS, compact_tokenizer
from transformers import AutoTokenizer

from agenttuning.models.tokenizer import train_tokenizer


@settings(deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))))
def test_every_text_comes_back(text: str) -> None:
    tokenizer = compact_tokenizer()
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    assert tokenizer.decode(ids) == text


def test_digits_stand_alone_and_words_have_one_id() -> None:
    tokenizer = compact_tokenizer()
    pieces = [tokenizer.decode([token]) for token in tokenizer("drawer 123").input_ids]
    assert pieces == ["drawer", "1", "2", "3"]
    assert tokenizer("drawer").input_ids[0] == tokenizer("open drawer").input_ids[-1]


def test_the_same_texts_give_the_same_tokenizer() -> None:
    first, second = (train_tokenizer(TEXTS * 3, vocabulary=400, max_length=64) for _ in range(2))
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()
    assert len(first) <= 400


def test_it_is_saved_whole(tmp_path: Path) -> None:
    tokenizer = compact_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again.chat_template == tokenizer.chat_template
    assert again.convert_ids_to_tokens([again.pad_token_id, again.eos_token_id]) == ["<pad>", "</s>"]
    assert again("You see a desk 1.").input_ids == tokenizer("You see a desk 1.").input_ids
