"""The terms of an index: sorted, so that a file of millions is searched in place instead of being read."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_TEXT: Final = "terms.npy"
_OFFSETS: Final = "term_offsets.npy"


class Vocabulary:
    """Terms in the order of their UTF-8 bytes; the number of a term is its place."""

    def __init__(self, text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self._text, self._offsets = np.asarray(text), np.asarray(offsets)

    @classmethod
    def build(cls, terms: Sequence[str]) -> Vocabulary:
        """Pack terms that are sorted by their UTF-8 bytes."""
        encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(term) for term in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Map the files of `save` into memory."""
        text, offsets = (np.load(folder / name, mmap_mode="r") for name in (_TEXT, _OFFSETS))
        return cls(text, offsets)

    def save(self, folder: Path) -> None:
        """Write two files."""
        np.save(folder / _TEXT, self._text)
        np.save(folder / _OFFSETS, self._offsets)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> bytes:
        return self._text[self._offsets[number] : self._offsets[number + 1]].tobytes()

    def find(self, term: str) -> int | None:
        """Return the number of a term; None where no document has it."""
        wanted = term.encode("utf-8", "surrogatepass")
        place = bisect_left(self, wanted)
        return place if place < len(self) and self[place] == wanted else None
