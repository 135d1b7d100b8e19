"""The hot loops, compiled by numba: bytes to hashed words, and hashed words to the texts that are worth a look.

A text is looked at when the rolling hash of some piece is in the table of the samples' pieces: a bitmap that fits the
cache answers for most pieces, an open table for the rest. Equal hashes only choose what is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import numpy as np

from agenttuning.analysis.contamination.index import BASE
from agenttuning.analysis.contamination.tokens import PART_OF_WORD, SEPARATOR, SINGLE
from agenttuning.errors import MissingExtraError

try:
    import numba
except ImportError as error:
    raise MissingExtraError("the compiled loops need numba; run `pip install 'agenttuning[fast]'`") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from agenttuning.analysis.contamination.index import Keys
    from agenttuning.analysis.contamination.spans import Ids

    Bytes = NDArray[np.uint8]

_Function = TypeVar("_Function", bound="Callable[..., object]")

_START = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF, _THIRD, _SIXTH, _ONE, _LAST = np.uint64(32), np.uint64(29), np.uint64(6), np.uint64(1), np.uint64(63)
_BLANK, _MARK, _WIDE, _END = 0, 1, 2, 3
"""Classes of bytes; larger values are the folded byte of a word."""


def compiled(function: _Function) -> _Function:
    """Compile on the first call, keep the result beside the source where that is possible, let other threads run."""
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder that numba may write to
        made = numba.njit(nogil=True)(function)
    return cast("_Function", made)


def byte_table(classes: Bytes) -> Bytes:
    """Return the class of every byte, (256,): the lower-cased byte itself where it is part of an ASCII word."""
    table = np.full(256, _WIDE, dtype=np.uint8)
    for byte in range(128):
        kind = classes[byte]
        table[byte] = ord(chr(byte).lower()) if kind == PART_OF_WORD else _MARK if kind == SINGLE else _BLANK
    table[SEPARATOR] = _END
    return table


@compiled
def _finished(state: np.uint64) -> np.uint64:
    mixed = (state ^ (state >> _HALF)) * _MIX
    return mixed ^ (mixed >> _THIRD)


@compiled
def _code_point(data: Bytes, place: int) -> tuple[np.int64, int]:
    """Decode one character of two to four bytes."""
    first = data[place]
    length = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    code = np.int64(first) & (0x1F if length == 2 else 0x0F if length == 3 else 0x07)
    for offset in range(1, length):
        code = (code << 6) | (np.int64(data[place + offset]) & 0x3F)
    return code, length


@compiled
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


class Table(NamedTuple):
    """An open addressing table."""

    slots: Ids
    """Numbers of keys, -1 where free; at most a quarter is taken."""
    keys: Keys
    """Distinct."""


@compiled
def find(table: Table, key: np.uint64) -> int:
    """Return the number of a key, or -1."""
    mask = np.uint64(len(table.slots) - 1)
    at = (key * _MIX >> _THIRD) & mask
    while table.slots[at] >= 0:
        if table.keys[table.slots[at]] == key:
            return int(table.slots[at])
        at = (at + _ONE) & mask
    return -1


@compiled
def _fill(table: Table) -> None:
    mask = np.uint64(len(table.slots) - 1)
    for number in range(len(table.keys)):
        at = (table.keys[number] * _MIX >> _THIRD) & mask
        while table.slots[at] >= 0:
            at = (at + _ONE) & mask
        table.slots[at] = number


def open_table(keys: Keys) -> Table:
    """Return a table of distinct keys."""
    table = Table(np.full(1 << max(4 * len(keys), 4).bit_length(), -1, dtype=np.int64), keys)
    _fill(table)
    return table


@compiled
def look_up(hashes: Keys, table: Table) -> Ids:
    """Return the number of every hash among the keys, or -1."""
    ids = np.empty(len(hashes), dtype=np.int64)
    for place in range(len(hashes)):
        ids[place] = find(table, hashes[place])
    return ids


class Bitmap(NamedTuple):
    """A bit set of keys, about sixteen bits for each."""

    bits: Keys
    shift: np.uint64
    """How far a mixed key is shifted to find its bit."""


@compiled
def _mark(bitmap: Bitmap, keys: Keys) -> None:
    for key in keys:
        place = key * _MIX >> bitmap.shift
        bitmap.bits[place >> _SIXTH] |= _ONE << (place & _LAST)


def bit_set(keys: Keys) -> Bitmap:
    """Return a bit set of keys."""
    width = max((16 * len(keys)).bit_length(), 6)
    bitmap = Bitmap(np.zeros(1 << (width - 6), dtype=np.uint64), np.uint64(64 - width))
    _mark(bitmap, keys)
    return bitmap


@compiled
def find_suspects(hashes: Keys, bounds: Ids, piece: int, bitmap: Bitmap, table: Table) -> Bytes:
    """Return 1 for every text in which the hash of some piece is among the keys, (texts,), else 0."""
    found = np.zeros(len(bounds) - 1, dtype=np.uint8)
    leaving = _ONE
    for _ in range(piece - 1):
        leaving *= BASE
    for text in range(len(found)):
        start, stop = bounds[text], bounds[text + 1]
        rolled = np.uint64(0)
        for place in range(start, min(start + piece - 1, stop)):
            rolled = rolled * BASE + hashes[place]
        for place in range(start + piece - 1, stop):
            rolled = rolled * BASE + hashes[place]
            bit = rolled * _MIX >> bitmap.shift
            if bitmap.bits[bit >> _SIXTH] >> (bit & _LAST) & _ONE and find(table, rolled) >= 0:
                found[text] = 1
                break
            rolled -= hashes[place - piece + 1] * leaving
    return found
