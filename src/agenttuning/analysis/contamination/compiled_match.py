"""The hot loops, compiled by numba: tokens of texts to matches with the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agenttuning.analysis.contamination.compiled_words import Table, compiled, find
from agenttuning.analysis.contamination.index import BASE, SPREAD
from agenttuning.analysis.contamination.spans import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agenttuning.analysis.contamination.index import Index
    from agenttuning.analysis.contamination.spans import Ids

_ZERO, _BYTE, _LOW, _SEVENTH, _TOP = np.uint64(0), np.uint64(8), np.uint64(0xFF), np.uint64(7), np.uint64(56)
_SEVENS, _ONES = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x0101010101010101)


class Lengths(NamedTuple):
    """The rule, in tokens."""

    n: int
    piece: int
    tolerance: int
    strict: bool


class Sides(NamedTuple):
    """What is compared."""

    ids: Ids
    """Tokens of the texts."""
    tokens: Ids
    """Tokens of the samples."""


class Around(NamedTuple):
    """A byte of each token around every piece of the samples, in the order of `Index.places`: (pieces,) each.

    The strict reading's pieces are short and frequent, so that nearly every comparison is in vain. Reading these in
    their order and counting equal bytes settles most of them without a look at the tokens.
    """

    before: NDArray[np.uint64]
    """Of the eight tokens before it."""
    behind: NDArray[np.uint64]
    """Of the eight behind it."""


class Place(NamedTuple):
    """A place of a text and one of a sample, and how many tokens both have before it, and from it on."""

    there: int
    at: int
    before: int
    behind: int


class Pieces(NamedTuple):
    """How pieces are found."""

    table: Table
    around: Around


@compiled
def match_tokens(ids: Ids, bounds: Ids, index: Index, pieces: Pieces, lengths: Lengths) -> Ids:
    """Return the rows of `Spans`, (matches, 7), of texts given as tokens, one after the other."""
    sides, begins, piece, around = Sides(ids, index.tokens), index.begins, lengths.piece, pieces.around
    needed = _needed(lengths)
    rows, count = np.empty((256, COLUMNS), dtype=np.int64), 0
    for text in range(len(bounds) - 1):
        start, stop = bounds[text], bounds[text + 1]
        for there in range(start, stop - piece + 1):
            found = _piece(ids, there, piece, pieces.table)
            near = _near(ids, there, piece) if needed and found >= 0 else (_ZERO, _ZERO)
            number = index.first[found] if found >= 0 else 0
            end = index.first[found + 1] if found >= 0 else 0
            number = _promising(number, end, around, near, needed)
            while number < end:
                at = index.places[number]
                sample = index.owner[at]
                low = begins[sample]
                place = Place(there, at, min(there - start, at - low), min(stop - there, begins[sample + 1] - at))
                run = _run(sides, place)
                if run >= piece and not (lengths.strict and _hopeless(sides, place, run, lengths)):
                    spans = (
                        _windows(sides, place, run, lengths) if lengths.strict else _grown(sides, place, run, lengths)
                    )
                    rows = _roomy(rows, count + len(spans))
                    exact = run if run >= lengths.n else 0
                    _write(rows[count:], spans + (at - low), (text, sample, at - low, exact, there - start))
                    count += len(spans)
                number = _promising(number + 1, end, around, near, needed)
    return rows[:count]


@compiled
def _promising(number: int, end: int, around: Around, near: tuple[np.uint64, np.uint64], needed: int) -> int:
    """Return the first of the pieces from `number` on around which enough bytes agree, or `end`."""
    if needed:
        before, behind = near
        while number < end:
            equal = _equal_bytes(around.before[number], before) + _equal_bytes(around.behind[number], behind)
            if equal >= needed:
                break
            number += 1
    return number


@compiled
def _needed(lengths: Lengths) -> int:
    """Return how many of the sixteen tokens around a piece agree when some window with it matches; 0: do not ask."""
    unseen = max(lengths.n - lengths.piece - 8, 0)
    return max(lengths.n - lengths.tolerance - lengths.piece - 2 * unseen, 0) if lengths.strict else 0


@compiled
def _eight(ids: Ids, start: int) -> np.uint64:
    """Return a byte of each of eight tokens, 0 beyond the ends."""
    packed = np.uint64(0)
    for place in range(start, start + 8):
        inside = 0 <= place < len(ids)
        packed = packed << _BYTE | (np.uint64(ids[place]) & _LOW if inside else np.uint64(0))
    return packed


@compiled
def _near(ids: Ids, there: int, piece: int) -> tuple[np.uint64, np.uint64]:
    """Return a byte of each of the eight tokens before a piece, and behind it."""
    return _eight(ids, there - 8), _eight(ids, there + piece)


@compiled
def _equal_bytes(one: np.uint64, other: np.uint64) -> int:
    differing = one ^ other
    zeros = ~((differing & _SEVENS) + _SEVENS | differing | _SEVENS)  # the high bit of every byte that is zero
    return int((zeros >> _SEVENTH) * _ONES >> _TOP)


@compiled
def _fill_around(tokens: Ids, places: Ids, piece: int, around: Around) -> None:
    for number in range(len(places)):
        around.before[number], around.behind[number] = _near(tokens, places[number], piece)


def look_around(index: Index, lengths: Lengths) -> Around:
    """Return what stands around the pieces of the samples; nothing for the reading that does not ask."""
    size = len(index.places) if lengths.strict else 0
    around = Around(np.empty(size, dtype=np.uint64), np.empty(size, dtype=np.uint64))
    _fill_around(index.tokens, index.places[:size], lengths.piece, around)
    return around


@compiled
def _piece(ids: Ids, there: int, piece: int, table: Table) -> int:
    """Return the number of the piece that begins at a place, or -1."""
    if ids[there] < 0:
        return -1
    key = np.uint64(0)
    for place in range(there, there + piece):
        key = key * BASE + np.uint64(ids[place] + 2) * SPREAD
    return find(table, key)


@compiled
def _run(sides: Sides, place: Place) -> int:
    """Return the length of the run of equal tokens that begins here; 0 when it began before."""
    if place.before and sides.ids[place.there - 1] == sides.tokens[place.at - 1]:
        return 0
    length = 0
    while length < place.behind and sides.ids[place.there + length] == sides.tokens[place.at + length]:
        length += 1
    return length


@compiled
def _hopeless(sides: Sides, place: Place, run: int, lengths: Lengths) -> bool:
    """Tell whether too few tokens agree around a run for any window that holds a piece of it."""
    equal, beyond = run, lengths.n - lengths.piece
    for back in range(1, min(beyond, place.before) + 1):
        equal += sides.ids[place.there - back] == sides.tokens[place.at - back]
    for on in range(run, min(run + beyond, place.behind)):
        equal += sides.ids[place.there + on] == sides.tokens[place.at + on]
    return equal < lengths.n - lengths.tolerance


@compiled
def _walk(sides: Sides, place: Place, step: int, budget: int) -> tuple[int, int]:
    """Return how far the last equal token in reach is, and the mismatches up to it; a place with itself is 1 far."""
    reach, used, missed = 0, 0, 0
    for far in range(place.behind if step > 0 else place.before):
        if sides.ids[place.there + far * step] == sides.tokens[place.at + far * step]:
            reach, used = far + 1, missed
        else:
            missed += 1
            if missed > budget:
                break
    return reach, used


@compiled
def _grown(sides: Sides, place: Place, run: int, lengths: Lengths) -> Ids:
    """Return the start and stop of the match that a seed grows to, (1, 2), counted from the seed."""
    end = Place(place.there + run, place.at + run, place.before + run, place.behind - run)
    right, used = _walk(sides, end, 1, lengths.tolerance)
    before = Place(place.there - 1, place.at - 1, place.before, place.behind + 1)
    left, _ = _walk(sides, before, -1, lengths.tolerance - used)
    span = np.empty((1, 2), dtype=np.int64)
    span[0, 0], span[0, 1] = -left, run + right
    return span


@compiled
def _windows(sides: Sides, place: Place, run: int, lengths: Lengths) -> Ids:
    """Return start and stop of the windows that hold a piece of the run, neighbours united, (spans, 2)."""
    n = lengths.n
    first, last = max(lengths.piece - n, -place.before), min(run - lengths.piece, place.behind - n)
    spans = np.empty((max(last - first + 2, 0) // 2, 2), dtype=np.int64)
    count, missed, fitted = 0, 0, False
    for start in range(first, last + 1):
        for offset in range(0 if start == first else n - 1, n):
            missed += sides.ids[place.there + start + offset] != sides.tokens[place.at + start + offset]
        if start > first:
            missed -= sides.ids[place.there + start - 1] != sides.tokens[place.at + start - 1]
        fits = missed <= lengths.tolerance
        if fits and not fitted:
            spans[count, 0] = start
            count += 1
        if fits:
            spans[count - 1, 1] = start + n
        fitted = fits
    return spans[:count]


@compiled
def _roomy(rows: Ids, needed: int) -> Ids:
    """Return the rows with room for some more."""
    if needed <= len(rows):
        return rows
    larger = np.empty((2 * needed, COLUMNS), dtype=np.int64)
    for row in range(len(rows)):
        for column in range(COLUMNS):
            larger[row, column] = rows[row, column]
    return larger


@compiled
def _write(rows: Ids, spans: Ids, head: tuple[int, int, int, int, int]) -> None:
    """Write spans of a text and a sample; the head is text, sample, start of the run, its exact part, its place."""
    text, sample, start, exact, there = head
    for number in range(len(spans)):
        row = rows[number]
        row[0], row[1] = text, sample
        row[2], row[3] = start, start + exact
        row[4], row[5] = spans[number, 0], spans[number, 1]
        row[6] = there - start
