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
    from collections.abc import Sequence

Interval = tuple[float, float]
"""Lower and upper bound, both in [0, 1]."""

_RESAMPLES = 2_000


class PairedChange(Record):
    """The same tasks before and after; McNemar's exact test asks whether the change could be luck."""

    tasks: int
    """Tasks played by both."""
    gained: int
    """Failed before, solved after."""
    lost: int
    """Solved before, failed after."""
    p_value: float
    """Two-sided exact binomial probability of a split at least this uneven between gained and lost."""


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
        low, high = _bootstrap(values, confidence=confidence, seed=seed)
        if not isnan(low + high):
            return max(0.0, low), min(1.0, high)
    return (
        rate_interval(floor(total), n, confidence=confidence)[0],
        rate_interval(ceil(total), n, confidence=confidence)[1],
    )


def _bootstrap(values: Sequence[float], *, confidence: float, seed: int) -> Interval:
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):  # values that differ by nothing
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)
        found = scipy.stats.bootstrap(
            (np.asarray(values, dtype=np.float64),),
            np.mean,
            n_resamples=_RESAMPLES,
            confidence_level=confidence,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(found.low), float(found.high)


def paired_change(before: Sequence[bool], after: Sequence[bool]) -> PairedChange:
    """Compare two runs over the same tasks in the same order (McNemar's exact test).

    Raises:
        DataError: the two do not pair up.
    """
    if len(before) != len(after):
        raise DataError(f"{len(before)} outcomes before and {len(after)} after: they are not of the same tasks")
    gained = sum(new and not old for old, new in zip(before, after, strict=True))
    lost = sum(old and not new for old, new in zip(before, after, strict=True))
    p_value = float(scipy.stats.binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    return PairedChange(tasks=len(before), gained=gained, lost=lost, p_value=p_value)
