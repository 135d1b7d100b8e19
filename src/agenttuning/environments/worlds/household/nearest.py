"""The nearest admissible command: sentence BLEU of each against what was said (NLTK's, smoothing method 4)."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ORDERS = 4
_THRESHOLD = 0.01


def nearest_command(said: str, admissible: Sequence[str]) -> str | None:
    """Return the first best of the sorted commands, None when none scores above 0.01."""
    hypothesis = _Words(said.split())
    best, best_score = None, _THRESHOLD
    for command in admissible:
        score = _bleu(_Words(command.split()), hypothesis)
        if score > best_score:
            best, best_score = command, score
    return best


def sentence_bleu(reference: str, hypothesis: str) -> float:
    """Score whitespace words with uniform weights up to 4-grams, clipped counts and a brevity penalty."""
    return _bleu(_Words(reference.split()), _Words(hypothesis.split()))


class _Words:
    """A sentence with its n-gram counts, made when asked for."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self._grams: dict[int, Counter[tuple[str, ...]]] = {}

    def grams(self, order: int) -> Counter[tuple[str, ...]]:
        found = self._grams.get(order)
        if found is None:
            found = Counter(_windows(self.words, order))
            self._grams[order] = found
        return found


def _windows(words: list[str], order: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(order)), strict=False)


def _bleu(reference: _Words, hypothesis: _Words) -> float:
    length = len(hypothesis.words)
    if reference.grams(1).keys().isdisjoint(hypothesis.grams(1)):
        return 0.0
    total = 0.0
    smoothed = 0
    for order in range(1, _ORDERS + 1):
        mine = hypothesis.grams(order)
        theirs = reference.grams(order)
        matches = sum(min(count, mine[gram]) for gram, count in theirs.items() if gram in mine)
        numerator: float = matches
        if matches == 0:
            if length <= 1:
                continue
            smoothed += 1
            numerator = math.log(length) / (5 * 2**smoothed)
        total += 0.25 * math.log(numerator / max(1, length - order + 1))
    shortfall = 1 - len(reference.words) / length
    return math.exp(min(0.0, shortfall) + total)
