"""The arithmetic of the paper's run."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.training.plan import PlannedSource, Volume, expected_epochs, inner_shares, planned_source

PAPER = Volume(steps=2000, batch_tokens=64 * 4096, max_length=4096)


@pytest.mark.parametrize(
    ("share", "size", "epochs"),
    [
        (Fraction(1, 5), 1_866, 13.72),
        (Fraction(4, 5) * Fraction(1, 5), 3_670, 5.58),
        (Fraction(4, 5) * Fraction(4, 5), 57_096, 1.43),
        (Fraction(4, 5) * Fraction(4, 5), 57_069, 1.44),  # the maintainers' own arithmetic swaps two digits
    ],
)
def test_the_papers_expected_epochs(share: Fraction, size: int, epochs: float) -> None:
    assert PAPER.sequences == 128_000
    assert round(float(expected_epochs(PAPER.sequences, share=share, size=size)), 2) == epochs


def test_packing_goes_through_a_source_more_often() -> None:
    volume = PAPER.model_copy(update={"dialogue_tokens": 1024.0})
    assert volume.dialogues == 4 * volume.sequences
    known = PlannedSource(name="a", side="agent", size=1866, known_from="its file")
    planned = planned_source(known, share=Fraction(1, 5), volume=volume)
    assert planned.epochs is not None
    assert planned.epochs_packed == pytest.approx(4 * planned.epochs)
    assert planned_source(known, share=None, volume=volume) == known


def test_a_side_is_shared_out_as_the_mix_stage_does() -> None:
    sizes = {"a": 30, "b": 10}
    assert inner_shares("equal", sizes) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    assert inner_shares("size", sizes) == {"a": Fraction(3, 4), "b": Fraction(1, 4)}
    assert inner_shares({"b": 4, "a": 1}, sizes) == {"a": Fraction(1, 5), "b": Fraction(4, 5)}
    assert inner_shares({"b": 1}, sizes) == {"a": 0, "b": 1}
    assert inner_shares("size", {}) is None


def test_sizes_that_are_not_known_leave_open_what_they_decide() -> None:
    assert inner_shares("size", {"a": 30, "b": None}) is None
    assert inner_shares("size", {"a": None}) == {"a": 1}
    assert inner_shares("equal", {"a": None, "b": None}) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 10**6), min_size=1), st.sampled_from(("equal", "size")))
def test_shares_sum_to_one(sizes: dict[str, int], weights: str) -> None:
    shares = inner_shares(weights, sizes)
    assert shares is not None
    assert sum(shares.values()) == 1
