"""BM25 with Lucene's formula over a few hundred texts, in plain Python: the generated encyclopaedia needs no extra."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from math import log
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

K1: Final = 0.9
B: Final = 0.4
MOST_TERMS: Final = 64
"""Different terms of a query that count, first come."""
_WORD: Final = re.compile(r"\w+")


class TitleRanker(Protocol):
    """Orders documents by how well they fit a query."""

    def search(self, query: str, limit: int) -> Sequence[tuple[int, float]]:
        """Return the best documents that share a term with the query, best first: (number, score)."""


def lower_words(text: str) -> list[str]:
    """Cut a text into lower-case words."""
    return _WORD.findall(text.lower())


class SmallIndex:
    """Documents numbered from 0; equal scores are ordered by number."""

    def __init__(self, texts: Iterable[str], *, analyzer: Callable[[str], list[str]] = lower_words) -> None:
        self._analyzer = analyzer
        self._counts = [Counter(analyzer(text)) for text in texts]
        self._lengths = [counts.total() for counts in self._counts]
        self._mean_length = sum(self._lengths) / max(len(self._lengths), 1) or 1.0
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for number, counts in enumerate(self._counts):
            for term in counts:
                self._holders[term].append(number)

    def search(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Return the best documents that share a term with the query, best first: (number, score)."""
        scores: defaultdict[int, float] = defaultdict(float)
        for term, times in list(Counter(self._analyzer(query)).items())[:MOST_TERMS]:
            holders = self._holders.get(term, ())
            rarity = log(1 + (len(self._counts) - len(holders) + 0.5) / (len(holders) + 0.5))
            for number in holders:
                count = self._counts[number][term]
                norm = K1 * (1 - B + B * self._lengths[number] / self._mean_length)
                scores[number] += times * rarity * count / (count + norm)
        return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]
