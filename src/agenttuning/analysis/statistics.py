"""Intervals and comparisons of small samples; the formulas are scipy's."""

from __future__ import annotations

import warnings
from math import ceil, floor, isnan
from typing import TYPE_CHECKING

import numpy as np
import scipy

from agenttuning.core.records import Record
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Interval = tuple[float, float]
"""Lower and upper bound; both in [0, 1] for a share."""

_RESAMPLES = 2_000


class PairedChange(Record):
    """The same tasks before and after; McNemar's exact test asks whether a change of successes could be luck."""

    tasks: int
    """Tasks played by both."""
    gained: int
    """Failed before, solved after."""
    lost: int
    """Solved before, failed after."""
    p_value: float
    """Two-sided exact binomial probability of a split at least this uneven between gained and lost."""
    reward: float = 0.0
    """Mean change of the reward, in [-1, 1]."""
    reward_ci: Interval = (-1.0, 1.0)
    """95 % interval of `reward`: a bootstrap over the tasks' own changes."""


def rate_interval(successes: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a rate.

    Raises:
        DataError: there is nothing to judge (`n` is 0).
    """
    if n == 0:
        raise DataError("no episodes: an interval needs at least one")
    found = scipy.stats.binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    return float(found.low), float(found.high)


def mean_interval(values: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the interval of the mean of values in [0, 1].

    Values that are all 0 or 1 are a rate and get Wilson's interval; all others the seeded BCa bootstrap.
    Where the bootstrap knows nothing (a single value, all values equal) Wilson's interval stands in: no
    distribution on [0, 1] with that mean spreads wider than the one on the two ends.

    Raises:
        DataError: there is nothing to judge.
    """
    total, n = sum(values), len(values)
    if all(value in {0.0, 1.0} for value in values):
        return rate_interval(round(total), n, confidence=confidence)
    if n > 1 and len(set(values)) > 1:
        low, high = _bootstrap((np.asarray(values, dtype=np.float64),), np.mean, confidence=confidence, seed=seed)
        if not isnan(low + high):
            return max(0.0, low), min(1.0, high)
    return (
        rate_interval(floor(total), n, confidence=confidence)[0],
        rate_interval(ceil(total), n, confidence=confidence)[1],
    )


def clustered_interval(clusters: Sequence[Sequence[float]], *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the interval of the mean of values in [0, 1] that come in clusters, such as the tasks of one house.

    Whole clusters are drawn again, and the mean is taken over all values drawn: values of a cluster resemble each
    other, so they tell less than as many apart.

    Raises:
        DataError: there is nothing to judge.
    """
    sizes = {len(cluster) for cluster in clusters}
    if len(sizes) <= 1:
        return mean_interval([sum(cluster) / len(cluster) for cluster in clusters], confidence=confidence, seed=seed)
    sums = np.asarray([sum(cluster) for cluster in clusters], dtype=np.float64)
    counts = np.asarray([len(cluster) for cluster in clusters], dtype=np.float64)
    low, high = _bootstrap((sums, counts), _ratio, confidence=confidence, seed=seed)
    if isnan(low + high):
        return mean_interval([float(sums.sum() / counts.sum())] * len(clusters), confidence=confidence)
    return max(0.0, low), min(1.0, high)


def _ratio(sums: Values, counts: Values, axis: int = -1) -> Values:
    return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis))


def pass_at(successes: Sequence[int], samples: int, k: int) -> float:
    """Return pass@k: the chance that at least one of `k` plays of a task solves it, averaged over tasks.

    The unbiased estimate from `samples` plays each (arXiv 2107.03374, equation 1): how a draw of `k` without
    replacement misses all successes. `successes` holds the solved plays of each task.
    """
    _require_plays(successes, samples, k)
    missed = scipy.stats.hypergeom.pmf(0, samples, np.asarray(successes), k)
    return float(1 - np.mean(missed))


def pass_all(successes: Sequence[int], samples: int, k: int) -> float:
    """Return pass^k: the chance that all of `k` plays of a task solve it, averaged over tasks (arXiv 2406.12045)."""
    _require_plays(successes, samples, k)
    return float(np.mean(scipy.stats.hypergeom.pmf(k, samples, np.asarray(successes), k)))


def _require_plays(successes: Sequence[int], samples: int, k: int) -> None:
    if not successes:
        raise DataError("no tasks: pass@k needs at least one")
    if not 0 < k <= samples:
        raise DataError(f"k must be 1 to {samples}, the plays of each task; got {k}")


def _bootstrap(
    arrays: tuple[Values, ...], statistic: Callable[..., Values], *, confidence: float, seed: int
) -> Interval:
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):  # values that differ by nothing
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)
        found = scipy.stats.bootstrap(
            arrays,
            statistic,
            n_resamples=_RESAMPLES,
            confidence_level=confidence,
            method="BCa",
            paired=len(arrays) > 1,
            vectorized=True,
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(found.low), float(found.high)


def paired_change(
    before: Sequence[float], after: Sequence[float], *, solved: Sequence[tuple[bool, bool]]
) -> PairedChange:
    """Compare two runs over the same tasks in the same order.

    Args:
        before: rewards of the first run, in [0, 1].
        after: rewards of the second.
        solved: success of each task before and after.

    Raises:
        DataError: the two do not pair up.
    """
    if not len(before) == len(after) == len(solved):
        raise DataError(f"{len(before)} outcomes before and {len(after)} after: they are not of the same tasks")
    gained = sum(new and not old for old, new in solved)
    lost = sum(old and not new for old, new in solved)
    p_value = float(scipy.stats.binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    moves = [new - old for old, new in zip(before, after, strict=True)]
    return PairedChange(
        tasks=len(before),
        gained=gained,
        lost=lost,
        p_value=p_value,
        reward=sum(moves) / len(moves) if moves else 0.0,
        reward_ci=_change_interval(moves),
    )


def _change_interval(moves: Sequence[float]) -> Interval:
    """Return the interval of a mean change in [-1, 1]: moved to [0, 1], the interval of a mean."""
    if not moves:
        return -1.0, 1.0
    if not any(moves):  # what is known is how rare a change must be
        rare = rate_interval(0, len(moves))[1]
        return -rare, rare
    low, high = mean_interval([(move + 1) / 2 for move in moves])
    return 2 * low - 1, 2 * high - 1
