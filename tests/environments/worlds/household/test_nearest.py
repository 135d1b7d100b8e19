from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.household.nearest import nearest_command, sentence_bleu

WORDS = st.lists(
    st.sampled_from(["go", "to", "cabinet", "mug", "1", "2", "put", "in/on", "take", "from", "desk"]), max_size=8
).map(" ".join)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "score"),
    [
        ("go to cabinet 1", "cabinet", 0.049787),
        ("go to cabinet 1", "go to cabinet", 0.412521),
        ("put mug 1 in/on desk 1", "put mug 1 on desk 1", 0.293946),
        ("look", "look", 1.0),
        ("look", "", 0.0),
        ("go to cabinet 1", "open fridge", 0.0),
    ],
)
def test_published_values(reference: str, hypothesis: str, score: float) -> None:
    assert sentence_bleu(reference, hypothesis) == pytest.approx(score, abs=1e-6)


@settings(max_examples=400, deadline=None)
@given(WORDS, WORDS)
def test_it_is_the_bleu_of_nltk(reference: str, hypothesis: str) -> None:
    bleu = pytest.importorskip("nltk.translate.bleu_score", reason="needs nltk, the reference of the BLEU rule")
    smoothing = bleu.SmoothingFunction().method4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = bleu.sentence_bleu([reference.split()], hypothesis.split(), smoothing_function=smoothing)
    assert sentence_bleu(reference, hypothesis) == pytest.approx(expected, abs=1e-9)


def test_the_first_best_command_is_taken() -> None:
    assert nearest_command("put mug 1 on desk 1", ["go to desk 1", "look", "put mug 1 in/on desk 1"]) == (
        "put mug 1 in/on desk 1"
    )
    assert nearest_command("cabinet", ["go to cabinet 1", "go to cabinet 2"]) == "go to cabinet 1"


@pytest.mark.parametrize("said", ["", "   ", "fly away", "\u202e\x00"])
def test_nothing_is_near_to_nonsense(said: str) -> None:
    assert nearest_command(said, ["go to cabinet 1", "look"]) is None
