"""The hot loops, compiled by numba: bytes to hashed words, hashed words to texts worth a look, tokens to matches.

A text is looked at when the rolling hash of some piece is in the table of the samples' pieces: a bitmap that fits the
cache answers for most pieces, an open table for the rest. Equal hashes only choose what is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import numpy as np

from agenttuning.analysis.contamination.index import BASE, SPREAD, UNKNOWN
from agenttuning.analysis.contamination.spans import COLUMNS
from agenttuning.analysis.contamination.tokens import PART_OF_WORD, SEPARATOR, SINGLE
from agenttuning.errors import MissingExtraError

try:
    import numba
except ImportError as error:
    raise MissingExtraError("the compiled loops need numba; run `pip install 'agenttuning[fast]'`") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from agenttuning.analysis.contamination.index import Index, Keys
    from agenttuning.analysis.contamination.spans import Ids

    Bytes = NDArray[np.uint8]

_Function = TypeVar("_Function", bound="Callable[..., object]")

_START = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF, _THIRD, _ONE, _LAST = np.uint64(32), np.uint64(29), np.uint64(1), np.uint64(63)
_BLANK, _MARK, _WIDE, _END = 0, 1, 2, 3
"""Classes of bytes; larger values are the folded byte of a word."""


class Lengths(NamedTuple):
    """The rule's lengths in tokens."""

    n: int
    piece: int
    tolerance: int


def _compiled(function: _Function) -> _Function:
    return cast("_Function", numba.njit(cache=True, nogil=True)(function))


def byte_table(classes: Bytes) -> Bytes:
    """Return the class of every byte, (256,): the lower-cased byte itself where it is part of an ASCII word."""
    table = np.full(256, _WIDE, dtype=np.uint8)
    for byte in range(128):
        kind = classes[byte]
        table[byte] = ord(chr(byte).lower()) if kind == PART_OF_WORD else _MARK if kind == SINGLE else _BLANK
    table[SEPARATOR] = _END
    return table


@_compiled
def _finished(state: np.uint64) -> np.uint64:
    mixed = (state ^ (state >> _HALF)) * _MIX
    return mixed ^ (mixed >> _THIRD)


@_compiled
def _code_point(data: Bytes, place: int) -> tuple[int, int]:
    """Decode one character of two to four bytes."""
    first = data[place]
    length = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    code = np.int64(first) & (0x1F if length == 2 else 0x0F if length == 3 else 0x07)
    for offset in range(1, length):
        code = (code << 6) | (np.int64(data[place + offset]) & 0x3F)
    return code, length


@_compiled
def hash_words(data: Bytes, table: Bytes, classes: Bytes, hashes: Keys, bounds: Ids) -> int:
    """Hash every word and mark of texts that each end in a separator; return how many there are.

    Args:
        data: the bytes of the texts.
        table: `byte_table`.
        classes: `character_classes`.
        hashes: room for the result.
        bounds: (texts + 1,), zeros; becomes where each text begins among the hashes.
    """
    count, text, place, size = 0, 0, 0, len(data)
    state, inside = _START, False
    while place < size:
        mark = table[data[place]]
        while mark > _END:
            state = (state ^ np.uint64(mark)) * _PRIME
            inside = True
            place += 1
            mark = table[data[place]]
        length, single = 1, mark == _MARK
        if mark == _WIDE:
            code, length = _code_point(data, place)
            if classes[code] == PART_OF_WORD:
                for offset in range(length):
                    state = (state ^ np.uint64(data[place + offset])) * _PRIME
                inside = True
                place += length
                continue
            single = classes[code] == SINGLE
        if inside:
            hashes[count] = _finished(state)
            count += 1
            state, inside = _START, False
        if single:
            for offset in range(length):
                state = (state ^ np.uint64(data[place + offset])) * _PRIME
            hashes[count] = _finished(state)
            count += 1
            state = _START
        elif mark == _END:
            text += 1
            bounds[text] = count
        place += length
    return count


@_compiled
def _slot(slots: Ids, keys: Keys, key: np.uint64) -> int:
    """Return the place of a key among the keys, or -1."""
    mask = np.uint64(len(slots) - 1)
    at = (key * _MIX >> _THIRD) & mask
    while slots[at] >= 0:
        if keys[slots[at]] == key:
            return slots[at]
        at = (at + _ONE) & mask
    return -1


@_compiled
def _fill(slots: Ids, keys: Keys) -> None:
    mask = np.uint64(len(slots) - 1)
    for number in range(len(keys)):
        at = (keys[number] * _MIX >> _THIRD) & mask
        while slots[at] >= 0:
            at = (at + _ONE) & mask
        slots[at] = number


def open_table(keys: Keys) -> Ids:
    """Return an open addressing table of distinct keys: their numbers, at most a quarter of the slots taken."""
    slots = np.full(1 << max(4 * len(keys), 4).bit_length(), -1, dtype=np.int64)
    _fill(slots, keys)
    return slots


@_compiled
def _fill_bitmap(bits: Keys, keys: Keys, shift: np.uint64) -> None:
    for key in keys:
        place = key * _MIX >> shift
        bits[place >> np.uint64(6)] |= _ONE << (place & _LAST)


def bitmap(keys: Keys) -> tuple[Keys, np.uint64]:
    """Return a bit set of the keys, about sixteen bits for each, and how far a mixed key is shifted to find its bit."""
    width = max((16 * len(keys)).bit_length(), 6)
    bits, shift = np.zeros(1 << (width - 6), dtype=np.uint64), np.uint64(64 - width)
    _fill_bitmap(bits, keys, shift)
    return bits, shift


@_compiled
def find_suspects(
    hashes: Keys, bounds: Ids, piece: int, bits: Keys, shift: np.uint64, slots: Ids, keys: Keys, found: Bytes
) -> None:
    """Mark the texts in which the hash of some piece is among the keys."""
    leaving = _ONE
    for _ in range(piece - 1):
        leaving *= BASE
    for text in range(len(bounds) - 1):
        start, stop = bounds[text], bounds[text + 1]
        rolled = np.uint64(0)
        for place in range(start, min(start + piece - 1, stop)):
            rolled = rolled * BASE + hashes[place]
        for place in range(start + piece - 1, stop):
            rolled = rolled * BASE + hashes[place]
            bit = rolled * _MIX >> shift
            if bits[bit >> np.uint64(6)] >> (bit & _LAST) & _ONE and _slot(slots, keys, rolled) >= 0:
                found[text] = 1
                break
            rolled -= hashes[place - piece + 1] * leaving


@_compiled
def look_up(hashes: Keys, slots: Ids, keys: Keys) -> Ids:
    """Return the number of every hash among the keys, or -1."""
    ids = np.empty(len(hashes), dtype=np.int64)
    for place in range(len(hashes)):
        ids[place] = _slot(slots, keys, hashes[place])
    return ids


@_compiled
def _walk(
    ids: Ids, tokens: Ids, there: int, at: int, step: int, text_end: int, sample_end: int, budget: int
) -> tuple[int, int]:
    """Return the place behind the last equal token in reach, and the mismatches up to it."""
    reach, used, missed = at, 0, 0
    while at != sample_end and there != text_end:
        if ids[there] == tokens[at]:
            reach, used = at + step, missed
        else:
            missed += 1
            if missed > budget:
                break
        at += step
        there += step
    return reach, used


@_compiled
def _grown(rows: Ids, count: int) -> Ids:
    if count < len(rows):
        return rows
    larger = np.empty((2 * len(rows), COLUMNS), dtype=np.int64)
    for row in range(count):
        for column in range(COLUMNS):
            larger[row, column] = rows[row, column]
    return larger


@_compiled
def _windows(
    rows: Ids, count: int, ids: Ids, tokens: Ids, shift: int, low: int, high: int, n: int, tolerance: int
) -> tuple[Ids, int]:
    """Append [start, stop) of windows in reach, columns 4 and 5, whose first tokens lie in [low, high]; unite neighbours."""
    missed, fits = 0, False
    for place in range(low, low + n if low <= high else low):
        missed += ids[place + shift] != tokens[place]
    for start in range(low, high + 1):
        if start > low:
            missed -= ids[start - 1 + shift] != tokens[start - 1]
            missed += ids[start + n - 1 + shift] != tokens[start + n - 1]
        if missed <= tolerance:
            if not fits:
                rows = _grown(rows, count)
                rows[count, 4] = start
                count += 1
            rows[count - 1, 5] = start + n
        fits = missed <= tolerance
    return rows, count


@_compiled
def match_tokens(
    ids: Ids, bounds: Ids, index: Index, slots: Ids, lengths: Lengths, strict: bool
) -> Ids:
    """Return the rows of `Spans`, (matches, 7), of texts given as tokens, one after the other."""
    tokens, begins = index.tokens, index.begins
    n, piece, tolerance = lengths
    rows, count = np.empty((256, COLUMNS), dtype=np.int64), 0
    for text in range(len(bounds) - 1):
        start, stop = bounds[text], bounds[text + 1]
        for there in range(start, stop - piece + 1):
            key = np.uint64(0)
            for place in range(there, there + piece):
                key = key * BASE + np.uint64(ids[place] + 2) * SPREAD
            found = _slot(slots, index.keys, key)
            if found < 0:
                continue
            for number in range(index.first[found], index.first[found + 1]):
                at = index.places[number]
                sample = index.owner[at]
                low, high = begins[sample], begins[sample + 1]
                if there > start and at > low and ids[there - 1] == tokens[at - 1]:
                    continue  # the run began before
                end = at + 1
                while end < high and end - at < stop - there and ids[there + end - at] == tokens[end]:
                    end += 1
                if end - at < piece:
                    continue
                if strict:
                    equal = end - at  # most places end here, so without a call
                    for back in range(1, min(n - piece, at - low, there - start) + 1):
                        equal += ids[there - back] == tokens[at - back]
                    for on in range(end, min(end + n - piece, high, at + stop - there)):
                        equal += ids[there + on - at] == tokens[on]
                    if equal < n - tolerance:
                        continue
                shift, before = there - at, count
                if strict:
                    first = max(at - n + piece, low, start - shift)
                    last = min(end - piece, high - n, stop - n - shift)
                    rows, count = _windows(rows, count, ids, tokens, shift, first, last, n, tolerance)
                else:
                    right, used = _walk(ids, tokens, end + shift, end, 1, stop, high, tolerance)
                    left, _ = _walk(ids, tokens, there - 1, at - 1, -1, start - 1, low - 1, tolerance - used)
                    rows = _grown(rows, count)
                    rows[count, 4], rows[count, 5] = left + 1, right
                    count += 1
                for row in range(before, count):
                    rows[row, 0], rows[row, 1] = text, sample
                    rows[row, 2] = at - low
                    rows[row, 3] = end - low if end - at >= n else at - low
                    rows[row, 4] -= low
                    rows[row, 5] -= low
                    rows[row, 6] = (there - start) - (at - low)
    return rows[:count]
