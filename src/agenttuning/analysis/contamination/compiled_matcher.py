"""Matching with the compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agenttuning.analysis.contamination.compiled_match import Lengths, Pieces, look_around, match_tokens
from agenttuning.analysis.contamination.compiled_words import (
    bit_set,
    byte_table,
    find_suspects,
    hash_words,
    look_up,
    open_table,
)
from agenttuning.analysis.contamination.index import combined
from agenttuning.analysis.contamination.tokens import SEPARATOR, character_classes, fold, packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.analysis.contamination.index import Index, Keys
    from agenttuning.analysis.contamination.rule import Rule
    from agenttuning.analysis.contamination.spans import Ids


class CompiledMatcher:
    """Compares texts with the samples of an index."""

    def __init__(self, index: Index, rule: Rule) -> None:
        self._index = index
        self._lengths = Lengths(rule.n, rule.piece, rule.tolerance, strict=rule.reading == "strict")
        self._pieces = Pieces(open_table(index.keys), look_around(index, self._lengths))

    def match(self, ids: Ids, bounds: Ids) -> Ids:
        """Return the rows of `Spans`, (matches, 7).

        Args:
            ids: tokens of all texts, one after the other.
            bounds: (texts + 1,): where each text begins.
        """
        return match_tokens(ids, bounds, self._index, self._pieces, self._lengths)


class WordSearch:
    """Finds the texts worth a look from their bytes alone."""

    def __init__(self, matcher: CompiledMatcher, index: Index, rule: Rule, *, vocabulary: Sequence[str]) -> None:
        """Hash the words of the samples.

        Args:
            matcher: compares hashed words in the strict reading, whose pieces are too short to tell texts apart.
            index: the samples.
            rule: the constants.
            vocabulary: the folded word of every id.
        """
        self._matcher, self._rule = matcher, rule
        self._classes = character_classes()
        self._bytes = byte_table(self._classes)
        self._words, _ = self._kernel(vocabulary)
        if rule.reading == "strict":
            self._table = open_table(self._words)
        else:
            pieces = np.unique(combined(self._words[index.tokens], rule.piece)[index.places])
            self._table, self._bitmap = open_table(pieces), bit_set(pieces)

    def suspects(self, texts: Sequence[str]) -> Ids:
        """Return the numbers of the texts that may hold a match, ascending; no other text holds one."""
        hashes, bounds = self.hashed(texts)
        if self._rule.reading == "strict":
            rows = self._matcher.match(look_up(hashes, self._table), bounds)
            return np.unique(rows[:, 0])
        return np.nonzero(find_suspects(hashes, bounds, self._rule.piece, self._bitmap, self._table))[0]

    def hashed(self, texts: Sequence[str]) -> tuple[Keys, Ids]:
        """Return the hashes of the words of texts, one after the other, and where each text begins."""
        return self._kernel(text if text.isascii() else fold(text) for text in texts)

    def _kernel(self, folded: Iterable[str]) -> tuple[Keys, Ids]:
        data = packed(folded)
        hashes = np.empty(len(data), dtype=np.uint64)
        bounds = np.zeros(np.count_nonzero(data == SEPARATOR) + 1, dtype=np.int64)
        count = hash_words(data, self._bytes, self._classes, hashes, bounds)
        return hashes[:count], bounds
