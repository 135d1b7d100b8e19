"""Task texts that say nearly the same: the Jaccard index of their words and pairs of words.

Self-Instruct (arXiv 2212.10560) compares by ROUGE-L; sets cost less, and unlike words alone, pairs see the order.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD: Final = re.compile(r"\w+")


class KnownTexts:
    """The texts seen so far."""

    def __init__(self, texts: Iterable[str] = (), *, similarity: float) -> None:
        self._similarity = similarity
        self._held: list[tuple[str, frozenset[object]]] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Remember a text."""
        self._held.append((text, _pieces(text)))

    def nearest(self, text: str) -> str | None:
        """Return a known text at least as similar as allowed for none, None where there is none."""
        pieces = _pieces(text)
        return next((held for held, known in self._held if _jaccard(pieces, known) >= self._similarity), None)


def similarity(one: str, other: str) -> float:
    """Return the index: 1 for the same words in the same order, 0 for no common word."""
    return _jaccard(_pieces(one), _pieces(other))


def _pieces(text: str) -> frozenset[object]:
    words = _WORD.findall(text.casefold())
    return frozenset((*words, *pairwise(words)))


def _jaccard(one: frozenset[object], other: frozenset[object]) -> float:
    if not one and not other:
        return 1.0
    common = len(one & other)
    return common / (len(one) + len(other) - common)
