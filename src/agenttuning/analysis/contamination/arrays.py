"""Matching in numpy: what `compiled` does, for many seeds at a time; the same matches in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agenttuning.analysis.contamination.index import piece_hashes, pieces_inside
from agenttuning.analysis.contamination.spans import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from agenttuning.analysis.contamination.index import Index
    from agenttuning.analysis.contamination.rule import Rule
    from agenttuning.analysis.contamination.spans import Ids

_PAIRS = 1 << 19
"""Pairs of places that are compared at a time."""


class _Runs(NamedTuple):
    """Runs of equal tokens, (runs,) each: [text_start, text_start + length) in the texts, likewise in the samples."""

    text_start: Ids
    sample_start: Ids
    length: Ids
    text: Ids
    sample: Ids


class ArrayMatcher:
    """Compares texts with the samples of an index."""

    def __init__(self, index: Index, rule: Rule) -> None:
        self._index, self._rule = index, rule

    def match(self, ids: Ids, bounds: Ids) -> Ids:
        """Return the rows of `Spans`, (matches, 7).

        Args:
            ids: tokens of all texts, one after the other.
            bounds: (texts + 1,): where each text begins.
        """
        found = [_Comparison(ids, bounds, self._index, self._rule).rows(*pair) for pair in self._pairs(ids, bounds)]
        return np.concatenate(found) if found else np.zeros((0, COLUMNS), dtype=np.int64)

    def _pairs(self, ids: Ids, bounds: Ids) -> Iterator[tuple[Ids, Ids]]:
        """Yield places of texts and of samples at which a piece has the same hash, by place in the text."""
        index, piece = self._index, self._rule.piece
        owner = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        inside = pieces_inside(owner, piece)
        if not len(index.keys) or not len(inside):
            return
        hashes = piece_hashes(ids, piece)[inside]
        slot = np.minimum(np.searchsorted(index.keys, hashes), len(index.keys) - 1)
        hit = index.keys[slot] == hashes
        slot, inside = slot[hit], inside[hit]
        counts = index.first[slot + 1] - index.first[slot]
        ends = np.cumsum(counts)
        cut = 0
        while cut < len(slot):
            stop = max(int(np.searchsorted(ends, (ends[cut - 1] if cut else 0) + _PAIRS, side="right")), cut + 1)
            some = counts[cut:stop]
            within = np.arange(some.sum()) - np.repeat(np.cumsum(some) - some, some)
            yield np.repeat(inside[cut:stop], some), index.places[np.repeat(index.first[slot[cut:stop]], some) + within]
            cut = stop


class _Comparison:
    """Some texts beside the samples."""

    def __init__(self, ids: Ids, bounds: Ids, index: Index, rule: Rule) -> None:
        self._ids, self._bounds, self._index, self._rule = ids, bounds, index, rule

    def rows(self, text_places: Ids, sample_places: Ids) -> Ids:
        runs = self._runs(text_places, sample_places)
        return self._seeded(runs) if self._rule.reading == "seed" else self._windows(runs)

    def _equal(self, text_places: Ids, sample_places: Ids, text: Ids, sample: Ids) -> NDArray[np.bool_]:
        bounds, begins = self._bounds, self._index.begins
        in_text = (text_places >= bounds[text]) & (text_places < bounds[text + 1])
        in_sample = (sample_places >= begins[sample]) & (sample_places < begins[sample + 1])
        inside = in_text & in_sample
        same: NDArray[np.bool_] = self._ids[text_places * inside] == self._index.tokens[sample_places * inside]
        return inside & same

    def _runs(self, text_places: Ids, sample_places: Ids) -> _Runs:
        """Keep the pairs at which a run of equal tokens begins, and measure it."""
        text = np.searchsorted(self._bounds, text_places, side="right") - 1
        sample = self._index.owner[sample_places]
        begins = ~self._equal(text_places - 1, sample_places - 1, text, sample)
        text_places, sample_places = text_places[begins], sample_places[begins]
        text, sample = text[begins], sample[begins]
        length = np.zeros(len(text), dtype=np.int64)
        growing = np.arange(len(text))
        while len(growing):
            at = length[growing]
            same = self._equal(text_places[growing] + at, sample_places[growing] + at, text[growing], sample[growing])
            growing = growing[same]
            length[growing] += 1
        long = length >= self._rule.piece
        return _Runs(text_places[long], sample_places[long], length[long], text[long], sample[long])

    def _seeded(self, runs: _Runs) -> Ids:
        budget = np.full(len(runs.text), self._rule.tolerance, dtype=np.int64)
        stop = runs.sample_start + runs.length
        right, used = self._grown(runs, stop, 1, budget)
        left, _ = self._grown(runs, runs.sample_start - 1, -1, budget - used)
        return self._table(runs, runs.sample_start, stop, left + 1, right)

    def _grown(self, runs: _Runs, begin: Ids, step: int, budget: Ids) -> tuple[Ids, Ids]:
        """Walk from `begin` on; return the place behind the last equal token in reach, and the mismatches up to it."""
        shift = runs.text_start - runs.sample_start
        begins, bounds = self._index.begins, self._bounds
        reach, used = begin.copy(), np.zeros(len(begin), dtype=np.int64)
        place, missed = begin.copy(), np.zeros(len(begin), dtype=np.int64)
        walking = np.arange(len(begin))
        while len(walking):
            at, text, sample = place[walking], runs.text[walking], runs.sample[walking]
            there = at + shift[walking]
            same = self._equal(there, at, text, sample)
            inside = (at >= begins[sample]) & (at < begins[sample + 1])
            inside &= (there >= bounds[text]) & (there < bounds[text + 1])
            missed[walking[~same]] += 1
            reach[walking[same]], used[walking[same]] = at[same] + step, missed[walking[same]]
            place[walking] += step
            walking = walking[inside & (missed[walking] <= budget[walking])]
        return reach, used

    def _windows(self, runs: _Runs) -> Ids:
        n, begins, bounds = self._rule.n, self._index.begins, self._bounds
        shift = runs.text_start - runs.sample_start
        ends = runs.sample_start + runs.length
        low = np.maximum(runs.sample_start - n + self._rule.piece, begins[runs.sample])
        low = np.maximum(low, bounds[runs.text] - shift)
        high = np.minimum(ends - self._rule.piece, begins[runs.sample + 1] - n)
        high = np.minimum(high, bounds[runs.text + 1] - n - shift)
        counts = np.maximum(high - low + 1, 0)
        run = np.repeat(np.arange(len(counts)), counts)
        start = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
        missed = np.zeros(len(start), dtype=np.int64)
        for position in range(n):
            missed += self._index.tokens[start + position] != self._ids[start + position + shift[run]]
        chosen = missed <= self._rule.tolerance
        run, start = run[chosen], start[chosen]
        opens = np.ones(len(run), dtype=bool)
        opens[1:] = (run[1:] != run[:-1]) | (start[1:] != start[:-1] + 1)
        closes = np.append(opens[1:], True)[: len(run)]
        held = run[opens]
        exact = runs.length[held] >= n
        merged = _Runs(*(column[held] for column in runs))
        stop = merged.sample_start + merged.length * exact
        return self._table(merged, merged.sample_start, stop, start[opens], start[closes] + n)

    def _table(self, runs: _Runs, seed_start: Ids, seed_stop: Ids, start: Ids, stop: Ids) -> Ids:
        """Return rows, with places counted from the start of their sample and text."""
        begin, text_begin = self._index.begins[runs.sample], self._bounds[runs.text]
        shift = (runs.text_start - text_begin) - (runs.sample_start - begin)
        columns = (seed_start - begin, seed_stop - begin, start - begin, stop - begin)
        return np.stack((runs.text, runs.sample, *columns, shift), axis=1)
