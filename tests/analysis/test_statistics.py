from __future__ import annotations

from math import comb, sqrt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agenttuning.analysis.statistics import mean_interval, paired_change, rate_interval
from agenttuning.errors import DataError

unit = st.floats(0.0, 1.0, allow_nan=False)


@pytest.mark.parametrize(("successes", "n"), [(15, 50), (1, 3), (200, 201)])
def test_the_interval_is_wilsons(successes: int, n: int) -> None:
    z, rate = 1.959963984540054, successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert rate_interval(successes, n) == pytest.approx((centre - half, centre + half))


def test_no_success_at_all_still_leaves_doubt() -> None:
    low, high = rate_interval(0, 20)
    assert low == 0.0
    assert 0.1 < high < 0.2


def test_nothing_to_judge_is_said() -> None:
    with pytest.raises(DataError, match="at least one"):
        rate_interval(0, 0)
    with pytest.raises(DataError, match="at least one"):
        mean_interval([])


def test_rewards_that_are_a_rate_get_the_interval_of_a_rate() -> None:
    assert mean_interval([1.0] * 15 + [0.0] * 35) == rate_interval(15, 50)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], [0.3] * 40])
def test_equal_values_do_not_claim_certainty(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert low < values[0] < high


def test_more_values_say_more() -> None:
    values = [0.0, 0.25, 0.5, 1.0, 0.75]
    short, long = mean_interval(values * 2), mean_interval(values * 20)
    assert long[1] - long[0] < short[1] - short[0]


def test_the_bootstrap_is_seeded() -> None:
    values = [k / 37 for k in range(23)]
    assert mean_interval(values, seed=1) == mean_interval(values, seed=1)
    assert mean_interval(values, seed=1) != mean_interval(values, seed=2)


@settings(max_examples=25, deadline=None)
@given(st.lists(unit, min_size=1, max_size=30))
@example([0.0, 1.48251532e-305])
def test_an_interval_lies_in_the_unit_range_and_is_ordered(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert 0.0 <= low <= high <= 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_the_paired_test_is_the_exact_binomial(outcomes: list[tuple[bool, bool]]) -> None:
    change = paired_change([old for old, _ in outcomes], [new for _, new in outcomes])
    fewer, pairs = min(change.gained, change.lost), change.gained + change.lost
    tail = sum(comb(pairs, k) for k in range(fewer + 1)) / 2**pairs
    assert change.p_value == pytest.approx(min(1.0, 2 * tail))
    assert change.gained - change.lost == sum(new for _, new in outcomes) - sum(old for old, _ in outcomes)


def test_outcomes_that_do_not_pair_are_refused() -> None:
    with pytest.raises(DataError, match="not of the same tasks"):
        paired_change([True], [True, False])
