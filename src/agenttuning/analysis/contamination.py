"""The paper's contamination rule (appendix B, after Llama 2): n-grams of an evaluation sample found in training data.

A token of the sample is contaminated when it lies inside a match: an exact n-gram seed (n = 10) extended to both sides
over at most `tolerance` (4) mismatching tokens in all, and ending on a matching one. A sample is dirty when more than
80 % of its tokens are contaminated, clean below 20 %. Tokens are words after NFKC and case folding. Samples shorter
than n tokens cannot be rated and are counted apart.
"""

from __future__ import annotations

import re
import unicodedata
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
_PATTERNS_KEPT = 100_000
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


class Reference:
    """The evaluation side, indexed by its n-grams.

    Text shared by many samples stands at the same place in each, so all samples are compared with a training text in
    one product per alignment, and equal patterns of agreement are extended once.
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
        self._places: dict[int, list[tuple[int, int]]] = {}
        for index, sample in enumerate(ids):
            self._tokens[index, : len(sample)] = sample
            for position, key in enumerate(_hashes(np.array(sample, dtype=np.int64), rule.n).tolist()):
                self._places.setdefault(key, []).append((index, position))
        self._keys = np.array(sorted(self._places), dtype=np.uint64)
        self._extended: dict[bytes, Flags] = {}

    def match(self, text: str) -> Shares:
        """Match one training text; return the share of every sample that it holds, (samples,), and add to the union."""
        get = self._vocabulary.get
        row = np.array([get(word, _NO_TEXT) for word in words(text)], dtype=np.int64)
        found = np.zeros_like(self.contaminated)
        padding = np.full(self._width, _NO_TEXT, dtype=np.int64)
        padded = np.concatenate((padding, row, padding))
        for offset, samples in self._alignments(row).items():
            start = offset + self._width
            equal = self._tokens[samples] == padded[start : start + self._width]
            for sample, pattern in zip(samples, equal, strict=True):
                found[sample] |= self._extend(pattern)
        self.contaminated |= found
        return found.sum(axis=1) / np.maximum(self.lengths, 1)

    def shares(self) -> Shares:
        """Return the contaminated share of every sample, (samples,), over all texts matched so far."""
        return self.contaminated.sum(axis=1) / np.maximum(self.lengths, 1)

    def _alignments(self, row: Ids) -> dict[int, list[int]]:
        """Return, for each offset at which some n-gram agrees, the samples that agree there."""
        hashes = _hashes(row, self.rule.n)
        pairs = {
            (position - start, sample)
            for position in np.flatnonzero(np.isin(hashes, self._keys)).tolist()
            for sample, start in self._places[int(hashes[position])]
        }
        alignments: dict[int, list[int]] = {}
        for offset, sample in sorted(pairs):
            alignments.setdefault(offset, []).append(sample)
        return alignments

    def _extend(self, pattern: Flags) -> Flags:
        key = pattern.tobytes()
        if key not in self._extended:
            if len(self._extended) >= _PATTERNS_KEPT:
                self._extended.clear()
            self._extended[key] = extend(pattern, self.rule)
        return self._extended[key]


def extend(equal: Flags, rule: Rule) -> Flags:
    """Mark what lies inside a match, given which tokens of an alignment are equal.

    Every run of at least n equal tokens is a seed; it grows to the right, then to the left, while the mismatches that
    it takes in stay within the tolerance, and ends on equal tokens.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    inside = np.zeros(len(equal), dtype=bool)
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if stop - start < rule.n:
            continue
        right, used = _grow(equal[stop:], rule.tolerance)
        left, _ = _grow(equal[:start][::-1], rule.tolerance - used)
        inside[start - left : stop + right] = True
    return inside


def _grow(equal: Flags, budget: int) -> tuple[int, int]:
    """Return how far a match reaches into `equal`, ending on an equal token, and the mismatches it takes in."""
    mismatches = np.cumsum(~equal)
    reach = np.flatnonzero(equal & (mismatches <= budget))
    if not len(reach):
        return 0, 0
    end = int(reach[-1])
    return end + 1, int(mismatches[end])


def _hashes(ids: Ids, n: int) -> NDArray[np.uint64]:
    """Return a 64-bit polynomial hash of every n-gram; `extend` confirms equal hashes by comparing tokens."""
    if len(ids) < n:
        return np.zeros(0, dtype=np.uint64)
    total = np.zeros(len(ids) - n + 1, dtype=np.uint64)
    mixed = (ids + 2).astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    for position in range(n):
        total = total * _BASE + mixed[position : len(ids) - n + 1 + position]
    return total
