"""Pieces of a rendered dialogue and their ids: many at a time, and each only once.

Worlds repeat themselves: instructions and observations come back in thousands of dialogues, and every turn of an
episode brings all earlier ones again.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenizers import Tokenizer

_KEPT = 1 << 22
"""Most tokens that are remembered, in four bytes each; four characters of text count as one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text between two borders that no token crosses."""

    text: str
    behind: str = ""
    """Text that it is encoded behind, so that it gets the ids it has there."""
    opens: tuple[int, ...] = ()
    """Ids before it, which are read, never trained."""
    closes: tuple[int, ...] = ()
    """Ids after an answer, which belong to it."""
    answer: bool = False
    train: bool | None = None
    """False keeps an answer out of the loss."""


class PieceEncoder:
    """Encodes texts without adding special tokens, and remembers the ids."""

    def __init__(self, encoder: Tokenizer) -> None:
        self._encoder = encoder
        self._known: dict[str, array[int]] = {}
        self._held = 0

    def text(self, text: str) -> array[int]:
        """Return the ids of a text."""
        known = self._known
        ids = known.get(text)
        if ids is None:
            ids = self._keep(text, self._encoder.encode(text, add_special_tokens=False).ids)
        return ids

    def piece(self, piece: Piece) -> array[int]:
        """Return the ids of a piece behind its text; where a token would cross the border, its ids alone."""
        if not piece.behind or not piece.text:
            return self.text(piece.text)
        before, whole = self.text(piece.behind), self.text(piece.behind + piece.text)
        return whole[len(before) :] if whole[: len(before)] == before else self.text(piece.text)

    def prime(self, pieces: Iterable[Piece]) -> None:
        """Encode what the pieces need in one call, on all cores that the tokenizer may use."""
        wanted = dict.fromkeys(text for piece in pieces for text in (piece.behind + piece.text, piece.behind))
        texts = [text for text in wanted if text not in self._known]
        for text, encoding in zip(texts, self._encoder.encode_batch_fast(texts, add_special_tokens=False), strict=True):
            self._keep(text, encoding.ids)

    def _keep(self, text: str, ids: list[int]) -> array[int]:
        kept = array("i", ids)
        if self._held > _KEPT:
            self._known, self._held = {}, 0
        self._known[text] = kept
        self._held += len(kept) + len(text) // 4
        return kept
