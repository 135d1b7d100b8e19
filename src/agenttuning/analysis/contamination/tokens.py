"""What the rule counts: words of folded text, or the ids of a tokenizer; and the bytes that kernels read."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Encode = Callable[[Sequence[str]], Sequence[Sequence[int]]]
    """Texts to token ids, without special tokens."""

SPACE, PART_OF_WORD, SINGLE = 0, 1, 2
"""Classes of characters."""
SEPARATOR = 0xFF
"""The byte between two texts; UTF-8 has no such byte."""
_WORD = re.compile(r"\w+|[^\w\s]")
_INVISIBLE = tuple("\u00ad\u034f\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff")
_TYPOGRAPHIC = (
    *(("'", mark) for mark in "\u2018\u2019\u201b"),
    *(('"', mark) for mark in "\u201c\u201d\u201f"),
    *(("-", mark) for mark in "\u2010\u2012\u2013\u2014\u2015\u2212"),
)


def fold(text: str) -> str:
    """Fold what hides a copy: case, width, ligatures, composition (NFKC), typographic quotes and dashes.

    Characters that take no room, such as soft hyphens, are left out.
    """
    if text.isascii():
        return text.lower()
    for mark in _INVISIBLE:
        text = text.replace(mark, "")
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for plain, mark in _TYPOGRAPHIC:
        text = text.replace(mark, plain)
    return text


def words(text: str) -> list[str]:
    """Split into the rule's tokens: words and single punctuation marks of the folded text."""
    return _WORD.findall(fold(text))


def packed(texts: Iterable[str]) -> NDArray[np.uint8]:
    """Return the UTF-8 bytes of folded or ASCII texts, a separator behind each; kernels lower ASCII letters."""
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    return np.frombuffer(bytes((SEPARATOR,)).join((*parts, b"")), dtype=np.uint8)


@cache
def character_classes() -> NDArray[np.uint8]:
    """Return the class of every code point, (0x110000,), as the pattern of `words` sees it."""
    every = "".join(map(chr, range(0x110000)))
    classes = np.full(len(every), SINGLE, dtype=np.uint8)
    for kind, pattern in ((PART_OF_WORD, r"\w+"), (SPACE, r"\s+")):
        for found in re.finditer(pattern, every):
            classes[found.start() : found.end()] = kind
    return classes
