"""HotpotQA's measures of a short answer: exact match and token F1 over SQuAD's normal form (Yang et al., 2018)."""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import Final

_ARTICLE: Final = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_CLOSED: Final = frozenset({"yes", "no", "noanswer"})
"""Answers that are right or wrong, never nearly right."""


def normalize_answer(answer: str) -> str:
    """Return an answer in lower case, without ASCII punctuation and articles, with single spaces."""
    bare = answer.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", bare).split())


def exact_match(answer: str, gold: str) -> bool:
    """Tell whether two answers have one normal form."""
    return normalize_answer(answer) == normalize_answer(gold)


def token_f1(answer: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over the words of the normal forms, in [0, 1].

    Where either is `yes`, `no` or `noanswer`, anything but the other is 0; so is an answer without a word.
    """
    given, wanted = normalize_answer(answer), normalize_answer(gold)
    if given != wanted and not _CLOSED.isdisjoint((given, wanted)):
        return 0.0
    words, gold_words = given.split(), wanted.split()
    shared = (Counter(words) & Counter(gold_words)).total()
    if not shared:
        return 0.0
    precision, recall = shared / len(words), shared / len(gold_words)
    return 2 * precision * recall / (precision + recall)
