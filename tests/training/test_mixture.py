"""The plan holds the asked shares in every window, and any draw is found without the ones before it."""

from collections import Counter
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.errors import RecipeError
from agenttuning.training.mixture import Mixture, example_share, in_order, interleave, reshuffled, shuffled


def _mixture(share: Fraction, *, agent: int = 50, general: int = 70, seed: int = 0) -> Mixture:
    return Mixture(seed, {"agent": share, "general": 1 - share}, {"agent": agent, "general": general}, {})


@settings(deadline=None)
@given(
    share=st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100),
    start=st.integers(0, 10**12),
    length=st.integers(1, 400),
)
def test_the_share_is_exact_in_every_window(share: Fraction, start: int, length: int) -> None:
    mixture = _mixture(share)
    drawn = sum(mixture.draw(index).source == "agent" for index in range(start, start + length))
    assert abs(drawn - length * share) < 1


@settings(deadline=None)
@given(
    weights=st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any),
    draws=st.integers(1, 500),
)
def test_nested_shares_are_exact_from_the_start_and_ordinals_have_no_gap(weights: list[int], draws: int) -> None:
    shares = {f"s{number}": Fraction(weight, sum(weights)) for number, weight in enumerate(weights)}
    seen: Counter[str] = Counter()
    for index in range(draws):
        name, ordinal = interleave(index, shares)
        assert ordinal == seen[name]
        seen[name] += 1
    for name, share in shares.items():
        assert abs(seen[name] - draws * share) < len(shares)


@settings(deadline=None)
@given(size=st.integers(1, 300), key=st.text(max_size=5))
def test_a_shuffle_is_a_permutation(size: int, key: str) -> None:
    assert sorted(shuffled(position, size, key=key) for position in range(size)) == list(range(size))


def test_every_epoch_has_an_order_of_its_own_and_every_row_once() -> None:
    mixture = _mixture(Fraction(1, 5), agent=40)
    agent = list(islice((d for d in map(mixture.draw, range(10**6)) if d.source == "agent"), 120))
    passes = [[draw.row for draw in agent[start : start + 40]] for start in (0, 40, 80)]
    assert all(sorted(rows) == list(range(40)) for rows in passes)
    assert len({tuple(rows) for rows in passes}) == 3
    assert [draw.epoch for draw in agent] == [0] * 40 + [1] * 40 + [2] * 40


def test_worlds_nest_inside_the_agent_part() -> None:
    inner = {"alfworld": Fraction(3, 5), "database": Fraction(2, 5)}
    sizes = {"alfworld": 7, "database": 9, "chat": 30}
    mixture = Mixture(
        1,
        {"agent": Fraction(1, 5), "general": Fraction(4, 5)},
        sizes,
        {"agent": inner, "general": {"chat": Fraction(1)}},
    )
    seen = Counter(mixture.draw(index).source for index in range(1000))
    assert seen == {"chat": 800, "alfworld": 120, "database": 80}
    assert mixture.flat() == {"alfworld": Fraction(3, 25), "database": Fraction(2, 25), "chat": Fraction(4, 5)}


def test_the_papers_expected_epochs() -> None:
    """2,000 steps of 64 sequences, eta 0.2, GPT-4 to GPT-3.5 conversations 1 : 4."""
    mixture = Mixture(
        0,
        {"agentinstruct": Fraction("0.2"), "general": Fraction("0.8")},
        {"agentinstruct": 1866, "gpt-4": 3670, "gpt-3.5": 57096},
        {"general": {"gpt-4": Fraction("0.2"), "gpt-3.5": Fraction("0.8")}},
    )
    epochs = {name: round(float(value), 4) for name, value in mixture.epochs(2000 * 64).items()}
    assert epochs == {"agentinstruct": 13.7192, "gpt-4": 5.5804, "gpt-3.5": 1.4348}


def test_a_token_share_becomes_an_example_share() -> None:
    share = example_share(Fraction(1, 5), agent_length=Fraction(300), general_length=Fraction(50))
    assert share == Fraction(1, 25)
    assert share * 300 / (share * 300 + (1 - share) * 50) == Fraction(1, 5)


def test_the_plan_has_an_identity() -> None:
    digests = {
        _mixture(Fraction(1, 5)).digest,
        _mixture(Fraction(1, 5), seed=1).digest,
        _mixture(Fraction(1, 4)).digest,
    }
    assert len(digests) == 3
    assert _mixture(Fraction(1, 5)).digest in digests


def test_impossible_mixtures_are_told() -> None:
    with pytest.raises(RecipeError, match="must be 0 or more and sum to 1"):
        Mixture(0, {"agent": Fraction(1, 2)}, {"agent": 3}, {})
    with pytest.raises(RecipeError, match=r"'agent' has a share of 0\.5 and no row"):
        _mixture(Fraction(1, 2), agent=0)


def test_plans_over_rows() -> None:
    assert [in_order(3)(draw) for draw in range(5)] == [0, 1, 2, 0, 1]
    plan = reshuffled(5, seed=4)
    first, second = ([plan(start + draw) for draw in range(5)] for start in (0, 5))
    assert sorted(first) == sorted(second) == [0, 1, 2, 3, 4]
    orders = {tuple(reshuffled(5, seed=seed)(draw) for draw in range(5)) for seed in range(20)}
    assert len(orders) > 10
