"""The keys and values of the conversations that are being answered, and of those that will come back.

A conversation of an agent grows by one observation per turn and is sent whole each time. `RowCache` holds the rows of
the running batch at fixed columns (column = position), so that a row joins or leaves without moving the others;
`PrefixStore` keeps what a finished row computed, so that its next turn pays for the new tokens only.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_COLUMN_STEP = 128
_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the tokens of one forward pass go: a contiguous range of rows, each token at its own position."""

    first: int
    count: int
    width: int
    """Columns that any of these rows may look at."""
    batch_index: torch.Tensor
    token_index: torch.Tensor
    column_index: torch.Tensor
    """One entry per real (not padding) token: which sequence and token of the pass, and its column."""


class RowLayer(CacheLayerMixin):
    """One layer's keys and values, each `[rows, heads, columns, head size]`."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers has no types there
        self.placement = Placement(0, 0, 0, *(torch.empty(0, dtype=torch.long) for _ in range(3)))
        self.rows = 0
        self.columns = 0

    @property
    def stores(self) -> tuple[torch.Tensor, ...]:
        """Keys and values; nothing before the first forward pass."""
        return () if self.keys is None or self.values is None else (self.keys, self.values)

    def reserve(self, *, rows: int, columns: int) -> None:
        """Make room, keeping what is there."""
        self.rows, self.columns = max(rows, self.rows), max(columns, self.columns)
        if self.stores:
            self.keys, self.values = (self._grown(store) for store in self.stores)

    def _grown(self, old: torch.Tensor) -> torch.Tensor:
        if old.shape[0] >= self.rows and old.shape[2] >= self.columns:
            return old
        new = old.new_zeros((self.rows, old.shape[1], self.columns, old.shape[3]))
        new[: old.shape[0], :, : old.shape[2]] = old
        return new

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate for the model's own heads, type and device."""
        self.keys, self.values = (
            new.new_zeros((self.rows, new.shape[1], self.columns, new.shape[3])) for new in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new tokens of the placed rows and return views of all that these rows may look at."""
        del args, kwargs
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        place = self.placement
        views = [store[place.first : place.first + place.count] for store in self.stores]
        for view, new in zip(views, (key_states, value_states), strict=True):
            if new.shape[2] == 1:  # every row has one token; a scatter is quicker than an assignment by index
                view.scatter_(2, place.column_index.view(-1, 1, 1, 1).expand_as(new), new)
            else:
                view[place.batch_index, :, place.column_index] = new[place.batch_index, :, place.token_index]
        keys, values = (view[:, :, : place.width] for view in views)
        return keys, values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return the attended width and its offset."""
        del query_length
        return self.placement.width, 0

    def get_seq_length(self) -> int:
        """Return 0: positions are always given, since every row has its own."""
        return 0

    def get_max_length(self) -> int:
        """Return -1: it grows."""
        return -1


class RowCache(Cache):
    """All layers of the running batch."""

    def __init__(self, layer_count: int) -> None:
        self._rows = [RowLayer() for _ in range(layer_count)]
        super().__init__(layers=list(self._rows))

    def place(self, placement: Placement, *, rows: int) -> None:
        """Say where the next forward pass writes; `rows` is the number of rows to have room for."""
        columns = -(-placement.width // _COLUMN_STEP) * _COLUMN_STEP
        for layer in self._rows:
            layer.reserve(rows=rows, columns=columns)
            layer.placement = placement

    def move(self, source: int, *, target: int, length: int) -> None:
        """Copy the first `length` columns of one row over another row."""
        for store in self._stores():
            store[target, :, :length] = store[source, :, :length]

    def copy_out(self, row: int, *, start: int, end: int) -> list[torch.Tensor]:
        """Return a copy of some of a row's columns, two tensors per layer."""
        return [store[row, :, start:end].clone() for store in self._stores()]

    def copy_in(self, row: int, prefix: Prefix) -> None:
        """Write the first columns of a row."""
        for layer in self._rows:
            layer.reserve(rows=row + 1, columns=prefix.length)
        for first, end, saved in prefix.parts():
            for store, tensor in zip(self._stores(), saved, strict=True):
                store[row, :, first:end] = tensor[:, : end - first]

    def _stores(self) -> Iterator[torch.Tensor]:
        for layer in self._rows:
            yield from layer.stores


@dataclass(slots=True, eq=False)
class _Segment:
    """Keys and values of some whole blocks, and the segment that they continue."""

    before: _Segment | None
    first: int
    """Position of its first token; `before` holds at least everything up to there."""
    saved: list[torch.Tensor]
    marks: list[bytes]

    @property
    def size(self) -> int:
        return sum(tensor.nbytes for tensor in self.saved)


@dataclass(frozen=True, slots=True)
class Prefix:
    """What is known of a prompt's beginning."""

    length: int
    """Tokens."""
    leaf: _Segment | None = None

    def parts(self) -> Iterator[tuple[int, int, list[torch.Tensor]]]:
        """Yield runs of columns, the last ones first: where each begins and ends, and its tensors."""
        segment, end = self.leaf, self.length
        while segment is not None:
            yield segment.first, end, segment.saved
            end = segment.first
            segment = segment.before


class PrefixStore:
    """Keys and values of conversations in blocks of 16 tokens, each block known by everything up to its end.

    A beginning that conversations share, such as instruction and example, is held once. The least recently used goes
    first, and nothing before what continues it.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._segments: OrderedDict[_Segment, None] = OrderedDict()
        self._by_mark: dict[bytes, _Segment] = {}

    def find(self, tokens: Sequence[int]) -> Prefix:
        """Return the longest known beginning of a prompt; at least one token is always left to compute."""
        return self._find(_marks(tokens[:-1]))

    def add(self, tokens: Sequence[int], copy: Callable[[int, int], list[torch.Tensor]]) -> None:
        """Keep what is not known yet; `copy` gives the tensors from one position to another."""
        marks = _marks(tokens) if self.max_bytes else []
        known = self._find(marks)
        if known.length == len(marks) * _BLOCK:
            return
        new = marks[known.length // _BLOCK :]
        segment = _Segment(known.leaf, known.length, copy(known.length, len(marks) * _BLOCK), new)
        self._by_mark.update(dict.fromkeys(new, segment))
        self.bytes += segment.size
        self._touch(segment)
        while self.bytes > self.max_bytes:
            self._drop(next(iter(self._segments)))

    def clear(self) -> None:
        """Forget everything."""
        self._segments.clear()
        self._by_mark.clear()
        self.bytes = 0

    def _find(self, marks: Sequence[bytes]) -> Prefix:
        for count in range(len(marks), 0, -1):
            segment = self._by_mark.get(marks[count - 1])
            if segment is not None:
                self._touch(segment)
                return Prefix(count * _BLOCK, segment)
        return Prefix(0)

    def _touch(self, segment: _Segment | None) -> None:
        """Make it and all that it continues the last to go, its beginning the very last."""
        while segment is not None:
            self._segments[segment] = None
            self._segments.move_to_end(segment)
            segment = segment.before

    def _drop(self, segment: _Segment) -> None:
        del self._segments[segment]
        self.bytes -= segment.size
        for mark in segment.marks:
            del self._by_mark[mark]


def shared_mark(tokens: Sequence[int], *, length: int) -> bytes | None:
    """Return a digest of the first `length` tokens; None where there are not as many before the last."""
    if len(tokens) <= length:
        return None
    return hashlib.blake2b(array("q", tokens[:length]).tobytes(), digest_size=16).digest()


def _marks(tokens: Sequence[int]) -> list[bytes]:
    """Return one digest per whole block, each of everything up to the block's end."""
    state = hashlib.blake2b(digest_size=16)
    found = []
    for end in range(_BLOCK, len(tokens) + 1, _BLOCK):
        state.update(array("q", tokens[end - _BLOCK : end]).tobytes())
        found.append(state.copy().digest())
    return found
