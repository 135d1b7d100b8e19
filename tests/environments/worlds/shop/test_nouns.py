"""The light tagger, beside what WebShop's own model counted where a log tells it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.shop.nouns import LightTagger, load_tagger
from agenttuning.errors import MissingExtraError

TAGGER = LightTagger()


@pytest.mark.parametrize(
    ("title", "nouns"),
    [
        ("Oak Desk Lamp with Shade", ("oak", "desk", "lamp", "shade")),
        ("The Best Waterproof Men's Jacket, 2 Pack", ("men", "jacket", "pack")),
        ("Soft and Cozy Blanket for Kids", ("cozy", "blanket", "kids")),
        ("USB-C Cable 6ft", ("usb", "c", "cable", "ft")),
        ("Beautifully hand painted vase", ("hand", "vase")),
        ("Sugar-Free Gum, 12 oz (Pack of 3)", ("sugar", "gum", "oz", "pack")),
        ("Lenovo i3-8130U 4GB", ("lenovo", "i3-8130u", "gb")),
        ("", ()),
        ("123 4.5 & the --", ()),
    ],
)
def test_words_are_nouns_unless_a_rule_says_otherwise(title: str, nouns: tuple[str, ...]) -> None:
    assert TAGGER.nouns(title) == nouns


@given(st.text(max_size=80))
def test_any_text_can_be_tagged(title: str) -> None:
    assert all(noun and noun == noun.lower() for noun in TAGGER.nouns(title))


def test_a_tagger_that_is_not_there_names_what_to_install() -> None:
    with pytest.raises(MissingExtraError, match="spacy download no_such_model"):
        load_tagger("no_such_model")


def test_the_light_tagger_nearly_counts_what_webshops_model_did(official_data: Callable[[str], Path]) -> None:
    """The buyer of this log bought the wanted product: its score is 21 of 23 nouns, two of them repeats."""
    last = json.loads((official_data("webshop") / "traj_20220427_1_7.jsonl").read_text("utf-8").splitlines()[-1])
    nouns = TAGGER.nouns(last["goal"]["name"])
    assert len(set(nouns)) / len(nouns) == pytest.approx(last["reward_info"]["title_score"], abs=0.01)
