from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from agenttuning.analysis.statistics import (
    Interval,
    PairedChange,
    clustered_interval,
    mean_interval,
    paired_change,
    pass_all,
    pass_at,
    rate_interval,
)
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

unit = st.floats(0.0, 1.0, allow_nan=False)


@pytest.mark.parametrize(("successes", "n"), [(15, 50), (1, 3), (200, 201), (0, 7), (7, 7)])
def test_the_interval_is_wilsons(successes: int, n: int) -> None:
    assert rate_interval(successes, n) == pytest.approx(proportion_confint(successes, n, method="wilson"))


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


def compare(outcomes: list[tuple[bool, bool]]) -> PairedChange:
    return paired_change([float(old) for old, _ in outcomes], [float(new) for _, new in outcomes], solved=outcomes)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_the_paired_test_is_the_exact_binomial(outcomes: list[tuple[bool, bool]]) -> None:
    change = compare(outcomes)
    table = [[0, change.lost], [change.gained, 0]]
    assert change.p_value == pytest.approx(mcnemar(table, exact=True).pvalue if change.gained + change.lost else 1.0)
    assert change.gained - change.lost == sum(new for _, new in outcomes) - sum(old for old, _ in outcomes)


def test_outcomes_that_do_not_pair_are_refused() -> None:
    with pytest.raises(DataError, match="not of the same tasks"):
        paired_change([1.0], [1.0, 0.0], solved=[(True, True)])


def test_a_change_of_rewards_has_an_interval_around_it() -> None:
    before, after = [0.1, 0.4, 0.5, 0.2] * 10, [0.3, 0.4, 0.9, 0.1] * 10
    change = paired_change(before, after, solved=[(False, False)] * 40)
    assert change.reward == pytest.approx(0.125)
    assert -1 <= change.reward_ci[0] < 0.125 < change.reward_ci[1] <= 1
    assert change.reward_ci[0] > 0


def test_no_change_at_all_still_leaves_doubt() -> None:
    low, high = compare([(True, True)] * 50).reward_ci
    assert low == -high
    assert 0.01 < high < 0.1


def test_clusters_of_one_are_values() -> None:
    assert clustered_interval([[1.0], [0.0], [1.0]]) == mean_interval([1.0, 0.0, 1.0])


def test_values_that_come_together_say_less() -> None:
    apart = [[float(k % 3 == 0)] for k in range(120)]
    together = [[float(k % 3 == 0)] * (3 + k % 2) for k in range(34)]
    assert width(clustered_interval(together)) > 1.5 * width(clustered_interval(apart))


def test_clusters_that_are_all_alike_do_not_claim_certainty() -> None:
    assert width(clustered_interval([[1.0], [1.0, 1.0], [1.0]])) > 0.3


def width(interval: tuple[float, float]) -> float:
    return interval[1] - interval[0]


@pytest.mark.parametrize(("solved", "samples"), [([0, 1, 3, 4], 4), ([2], 5)])
def test_pass_at_k_counts_draws_without_replacement(solved: list[int], samples: int) -> None:
    for k in range(1, samples + 1):
        draws = [list(combinations([True] * c + [False] * (samples - c), k)) for c in solved]
        some = [sum(any(draw) for draw in task) / len(task) for task in draws]
        every = [sum(all(draw) for draw in task) / len(task) for task in draws]
        assert pass_at(solved, samples, k) == pytest.approx(sum(some) / len(some))
        assert pass_all(solved, samples, k) == pytest.approx(sum(every) / len(every))


@pytest.mark.parametrize("k", [0, 5])
def test_more_draws_than_plays_are_refused(k: int) -> None:
    with pytest.raises(DataError, match="1 to 4"):
        pass_at([1], 4, k)
    with pytest.raises(DataError, match="at least one"):
        pass_all([], 4, 1)


@pytest.mark.parametrize(
    ("draw", "truth", "times"),
    [
        (lambda rng: rate_interval(rng.binomial(100, 0.3), 100), 0.3, 4000),
        (lambda rng: mean_interval(rng.choice([0.0, 0.2, 0.5, 1.0], 60, p=[0.4, 0.2, 0.2, 0.2]).tolist()), 0.34, 600),
        (lambda rng: clustered_interval(houses(rng)), 0.3, 600),
    ],
    ids=["a rate", "rewards", "clusters"],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(
    draw: Callable[[np.random.Generator], Interval], truth: float, times: int
) -> None:
    rng = np.random.default_rng(7)
    held = sum(low <= truth <= high for low, high in (draw(rng) for _ in range(times)))
    assert 0.93 <= held / times <= 0.97


def houses(rng: np.random.Generator) -> list[list[float]]:
    """120 houses of one to four tasks, each house with its own rate; 0.3 in the mean, whatever the size."""
    rates = rng.beta(1.5, 3.5, 120)
    return [(rng.random(rng.integers(1, 5)) < rate).astype(float).tolist() for rate in rates]
