"""The keys and values of the conversations that are being answered, and of those that will come back.

A conversation of an agent grows by one observation per turn and is sent whole each time. `RowCache` holds the rows of
the running batch at fixed columns (column = position), so that a row joins or leaves without moving the others;
`PrefixStore` keeps what a finished row computed, so that its next turn pays for the new tokens only.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

    def copy_out(self, row: int, *, length: int) -> list[torch.Tensor]:
        """Return a copy of a row's first `length` columns, two tensors per layer."""
        return [store[row, :, :length].clone() for store in self._stores()]

    def copy_in(self, row: int, saved: Sequence[torch.Tensor], *, length: int) -> None:
        """Write the first `length` columns of a saved row."""
        for layer in self._rows:
            layer.reserve(rows=row + 1, columns=length)
        for store, tensor in zip(self._stores(), saved, strict=True):
            store[row, :, :length] = tensor[:, :length]

    def _stores(self) -> Iterator[torch.Tensor]:
        for layer in self._rows:
            yield from layer.stores


@dataclass(slots=True)
class Prefix:
    """What one finished row left: its tokens and their keys and values."""

    tokens: Sequence[int]
    saved: list[torch.Tensor]
    marks: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the saved tensors."""
        return sum(tensor.nbytes for tensor in self.saved)


class PrefixStore:
    """Finished rows, least recently used first, found by their longest common prefix in blocks of 16 tokens."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._entries: OrderedDict[int, Prefix] = OrderedDict()
        self._by_mark: dict[bytes, int] = {}
        self._next = 0

    def find(self, tokens: Sequence[int]) -> tuple[Prefix | None, int]:
        """Return a saved row and how many of `tokens` it shares; at least one token is always left to compute."""
        marks = _marks(tokens[:-1])
        for count in range(len(marks), 0, -1):
            key = self._by_mark.get(marks[count - 1])
            if key is not None:
                self._entries.move_to_end(key)
                return self._entries[key], count * _BLOCK
        return None, 0

    def add(self, tokens: Sequence[int], saved: list[torch.Tensor]) -> None:
        """Keep a finished row; the row that it continues is dropped, and old rows where the bytes are used up."""
        entry = Prefix(tokens=tokens, saved=saved, marks=_marks(tokens))
        continued = {self._by_mark[mark] for mark in entry.marks if mark in self._by_mark}
        for key in continued:
            if tuple(tokens[: len(self._entries[key].tokens)]) == tuple(self._entries[key].tokens):
                self._drop(key)
        self._entries[self._next] = entry
        self._by_mark.update(dict.fromkeys(entry.marks, self._next))
        self._next += 1
        self.bytes += entry.size
        while self.bytes > self.max_bytes and self._entries:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._by_mark.clear()
        self.bytes = 0

    def _drop(self, key: int) -> None:
        entry = self._entries.pop(key)
        self.bytes -= entry.size
        for mark in entry.marks:
            if self._by_mark.get(mark) == key:
                del self._by_mark[mark]


def _marks(tokens: Sequence[int]) -> list[bytes]:
    """Return one digest per whole block, each of everything up to the block's end."""
    state = hashlib.blake2b(digest_size=16)
    found = []
    for end in range(_BLOCK, len(tokens) + 1, _BLOCK):
        state.update(array("q", tokens[end - _BLOCK : end]).tobytes())
        found.append(state.copy().digest())
    return found
