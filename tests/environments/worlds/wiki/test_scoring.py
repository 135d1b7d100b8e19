"""HotpotQA's exact match and token F1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.wiki.scoring import exact_match, normalize_answer, token_f1


@pytest.mark.parametrize(
    ("given_answer", "gold", "f1", "exact"),
    [
        ("Badr Hari", "Badr Hari", 1.0, True),
        ("the badr  HARI.", "Badr Hari", 1.0, True),
        ("Hari Badr", "Badr Hari", 1.0, False),
        ("Hari", "Badr Hari", 2 / 3, False),
        ("Badr Hari of Morocco", "Badr Hari", 2 / 3, False),
        ("Hari Hari", "Badr Hari", 0.5, False),
        ("Oslo", "Badr Hari", 0.0, False),
        ("yes", "yes", 1.0, True),
        ("Yes.", "yes", 1.0, True),
        ("yes it is", "yes", 0.0, False),
        ("no", "yes", 0.0, False),
        ("no", "no country", 0.0, False),
        ("noanswer", "no answer", 0.0, False),
        ("", "Oslo", 0.0, False),
        ("the", "a", 0.0, True),
        ("1,234", "1234", 1.0, True),
        ("Super Bowl XLVIII\u2014the one", "Super Bowl XLVIII", 4 / 7, False),
    ],
)
def test_answers_are_measured_as_published(given_answer: str, gold: str, f1: float, exact: bool) -> None:
    assert token_f1(given_answer, gold) == pytest.approx(f1)
    assert exact_match(given_answer, gold) is exact


@given(st.text(max_size=60), st.text(max_size=60))
def test_f1_is_symmetric_bounded_and_1_for_equal_forms(one: str, other: str) -> None:
    assert 0.0 <= token_f1(one, other) == token_f1(other, one) <= 1.0
    if normalize_answer(one):
        assert token_f1(one, one) == 1.0
    if exact_match(one, other) and normalize_answer(one):
        assert token_f1(one, other) == 1.0


@given(st.text(max_size=60))
def test_the_normal_form_is_lower_case_and_single_spaced(text: str) -> None:
    normal = normalize_answer(text)
    assert normal == " ".join(normal.split())
    assert not {"a", "an", "the"} & set(normal.split())
