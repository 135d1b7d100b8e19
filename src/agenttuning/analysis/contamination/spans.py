"""What was found where: aligned spans of samples and training texts, and how much of a sample they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Shares = NDArray[np.float64]

COLUMNS = 7


class Spans(NamedTuple):
    """Matches, (matches,) each; places are tokens, counted from the start of their sample or text."""

    text: Ids
    sample: Ids
    seed_start: Ids
    seed_stop: Ids
    """The exact run of at least n tokens in the sample; empty where a strict window holds none."""
    start: Ids
    stop: Ids
    """The whole match in the sample, mismatches bridged."""
    shift: Ids
    """Place in the text less place in the sample."""

    @classmethod
    def of(cls, rows: Ids) -> Spans:
        """Take rows, (matches, 7), apart."""
        return cls(*rows.T)

    def where(self, chosen: NDArray[np.bool_]) -> Spans:
        """Return some of them."""
        return Spans(*(column[chosen] for column in self))


class Covered(NamedTuple):
    """How many tokens of a sample one text holds, for every pair that has a match; ordered by text, then sample."""

    text: Ids
    sample: Ids
    exact: Ids
    tolerant: Ids


def cover(spans: Spans, *, begins: Ids, counted: Ids) -> Covered:
    """Unite the spans of each (text, sample) pair.

    Args:
        spans: in any order.
        begins: (samples + 1,): where each sample begins among all tokens of the reference.
        counted: (tokens + 1,): how many tokens before each place count.
    """
    samples = len(begins) - 1
    pairs, group = np.unique(spans.text * samples + spans.sample, return_inverse=True)
    place = begins[spans.sample]
    exact = _united(group, place + spans.seed_start, place + spans.seed_stop, counted)
    tolerant = _united(group, place + spans.start, place + spans.stop, counted)
    return Covered(pairs // samples, pairs % samples, exact, tolerant)


def _united(group: Ids, start: Ids, stop: Ids, counted: Ids) -> Ids:
    """Return the counted length of the union of each group's intervals, (groups,)."""
    order = np.lexsort((start, group))
    group, start, stop = group[order], start[order], stop[order]
    lift = group * len(counted)  # so that the running maximum begins anew with every group
    reached = np.maximum.accumulate(stop + lift)
    before = np.concatenate((reached[:1] * 0, reached[:-1])) - lift
    start = np.maximum(start, before)
    new = np.where(stop > start, counted[stop] - counted[np.minimum(start, len(counted) - 1)], 0)
    lengths: Ids = np.bincount(group, weights=new, minlength=int(group.max(initial=-1)) + 1).astype(np.int64)
    return lengths
