"""The paper's contamination rule (appendix B, after Llama 2): n-grams of an evaluation sample found in training data.

A token of the sample is contaminated when it lies inside a match: an exact n-gram seed (n = 10) extended to both sides
over at most `tolerance` (4) mismatching tokens in all, and ending on a matching one. A sample is dirty when more than
80 % of its tokens are contaminated, clean below 20 %. Tokens are words after NFKC and case folding. Samples shorter
than n tokens cannot be rated and are counted apart.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Shares = NDArray[np.float64]

_WORD = re.compile(r"\w+|[^\w\s]")
_NO_SAMPLE = -2
"""Fills the matrix of samples behind a sample's end; equals no token."""
_NO_TEXT = -1
"""A word of a training text that no sample has, and what lies outside of the text."""
_EMPTY: Ids = np.zeros(0, dtype=np.int64)
_BASE = np.uint64(0x9E3779B97F4A7C15)


class Rule(Record):
    """The constants of the rule."""

    n: int = Field(default=10, gt=0)
    """Tokens of a seed."""
    tolerance: int = Field(default=4, ge=0)
    """Mismatching tokens that an extended match may hold."""
    dirty: float = Field(default=0.8, ge=0.0, le=1.0)
    """A sample above this contaminated share is dirty."""
    clean: float = Field(default=0.2, ge=0.0, le=1.0)
    """A sample below this contaminated share is clean."""


def words(text: str) -> list[str]:
    """Split into the rule's tokens: words and single punctuation marks, NFKC and case folded."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True)
class Match:
    """What one training text holds of each sample, as shares of the sample's tokens: (samples,) each."""

    exact: Shares
    """Inside exact runs of at least n tokens."""
    tolerant: Shares
    """Inside matches of the rule, mismatches bridged."""


class Reference:
    """The evaluation side, indexed by its n-grams.

    All alignments of a training text with all samples are compared and extended in one product.
    """

    def __init__(self, samples: Sequence[str], rule: Rule) -> None:
        self.rule = rule
        self._vocabulary: dict[str, int] = {}
        known = self._vocabulary
        ids = [[known.setdefault(word, len(known)) for word in words(sample)] for sample in samples]
        self.lengths = np.array([len(sample) for sample in ids], dtype=np.int64)
        """(samples,): tokens of each sample."""
        self._width = int(self.lengths.max(initial=0))
        self._tokens: Ids = np.full((len(ids), self._width), _NO_SAMPLE, dtype=np.int64)
        self.contaminated: Flags = np.zeros(self._tokens.shape, dtype=bool)
        """(samples, longest sample): the union of all matches so far."""
        starts, owners, keys = [_EMPTY], [_EMPTY], [_EMPTY.astype(np.uint64)]
        for index, sample in enumerate(ids):
            self._tokens[index, : len(sample)] = sample
            hashes = _hashes(np.array(sample, dtype=np.int64), rule.n)
            starts.append(np.arange(len(hashes)))
            owners.append(np.full(len(hashes), index))
            keys.append(hashes)
        unsorted = np.concatenate(keys)
        order = np.argsort(unsorted, kind="stable")
        self._keys = unsorted[order]
        self._owners, self._starts = np.concatenate(owners)[order], np.concatenate(starts)[order]

    def match(self, text: str) -> Match:
        """Match one training text with every sample, and add what it holds to the union."""
        get = self._vocabulary.get
        row = np.array([get(word, _NO_TEXT) for word in words(text)], dtype=np.int64)
        samples, offsets = self._alignments(row)
        if not len(samples):
            nothing = np.zeros(len(self.lengths))
            return Match(exact=nothing, tolerant=nothing)
        padding = np.full(self._width, _NO_TEXT, dtype=np.int64)
        padded = np.concatenate((padding, row, padding))
        places = (offsets + self._width)[:, None] + np.arange(self._width)
        equal = self._tokens[samples] == padded[places]
        exact, tolerant = np.zeros_like(self.contaminated), np.zeros_like(self.contaminated)
        np.logical_or.at(exact, samples, extend(equal, self.rule.model_copy(update={"tolerance": 0})))
        np.logical_or.at(tolerant, samples, extend(equal, self.rule))
        self.contaminated |= tolerant
        lengths = np.maximum(self.lengths, 1)
        return Match(exact=exact.sum(axis=1) / lengths, tolerant=tolerant.sum(axis=1) / lengths)

    def shares(self) -> Shares:
        """Return the contaminated share of every sample, (samples,), over all texts matched so far."""
        shares: Shares = self.contaminated.sum(axis=1) / np.maximum(self.lengths, 1)
        return shares

    def _alignments(self, row: Ids) -> tuple[Ids, Ids]:
        """Return the (sample, offset) pairs at which some n-gram agrees: sample token p faces text token p + offset."""
        hashes = _hashes(row, self.rule.n)
        first = np.searchsorted(self._keys, hashes, side="left")
        counts = np.searchsorted(self._keys, hashes, side="right") - first
        positions = np.repeat(np.arange(len(hashes)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(first, counts) + within
        span = len(row) + self._width
        pairs = np.unique(self._owners[places] * span + (positions - self._starts[places] + self._width))
        return pairs // span, pairs % span - self._width


def extend(equal: Flags, rule: Rule) -> Flags:
    """Mark what lies inside a match, given which tokens of each alignment are equal: (alignments, tokens) to the same.

    Every run of at least n equal tokens is a seed; it grows to the right, then to the left, while the mismatches that
    it takes in stay within the tolerance, and ends on equal tokens.
    """
    rows, width = equal.shape
    edge = np.zeros((rows, 1), dtype=bool)
    steps = np.diff(np.concatenate((edge, equal, edge), axis=1).astype(np.int8), axis=1)
    row, start = np.nonzero(steps == 1)
    stop = np.nonzero(steps == -1)[1]
    seeds = stop - start >= rule.n
    row, start, stop = row[seeds], start[seeds], stop[seeds]
    budget = np.full(len(row), rule.tolerance)
    reach_right, used = _grow(equal, row, stop, budget)
    reach_left, _ = _grow(equal[:, ::-1], row, width - start, budget - used)
    marks = np.zeros((rows, width + 1), dtype=np.int32)
    np.add.at(marks, (row, width - reach_left), 1)
    np.add.at(marks, (row, reach_right), -1)
    return np.cumsum(marks, axis=1)[:, :width] > 0


def _grow(equal: Flags, row: Ids, stop: Ids, budget: Ids) -> tuple[Ids, Ids]:
    """Return, for seeds that end before `stop` in `row`, how far they reach, and the mismatches that they take in."""
    rows, width = equal.shape
    before = np.zeros((rows, width + 1), dtype=np.int64)
    np.cumsum(~equal, axis=1, out=before[:, 1:])
    last_equal = np.maximum.accumulate(np.where(equal, np.arange(1, width + 1), 0), axis=1)
    last_equal = np.concatenate((np.zeros((rows, 1), dtype=np.int64), last_equal), axis=1)
    mismatch_rows, mismatches = np.nonzero(~equal)
    first = np.searchsorted(mismatch_rows, np.arange(rows + 1))
    barred = first[row] + before[row, stop] + budget
    exists = barred < first[row + 1]
    limit = np.where(exists, np.append(mismatches, 0)[np.where(exists, barred, -1)], width)
    reach = np.maximum(last_equal[row, limit], stop)
    return reach, before[row, reach] - before[row, stop]


def _hashes(ids: Ids, n: int) -> NDArray[np.uint64]:
    """Return a 64-bit polynomial hash of every n-gram; `extend` confirms equal hashes by comparing tokens."""
    if len(ids) < n:
        return np.zeros(0, dtype=np.uint64)
    total = np.zeros(len(ids) - n + 1, dtype=np.uint64)
    mixed = (ids + 2).astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    for position in range(n):
        total = total * _BASE + mixed[position : len(ids) - n + 1 + position]
    return total
