"""BM25 as Lucene scores it (k1 0.9, b 0.4, the constants of Pyserini), on bm25s: built once, searched by all workers.

A saved index is five NumPy files and is mapped into memory, so that a process holds only the pages that its queries
touch. Equal scores are ordered by document number, as in Lucene. Lucene rounds document lengths above 40 terms to one
byte; bm25s keeps them exact, so neighbours in a ranking of long documents may change places.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from agenttuning.environments.worlds.search.analyzer import analyze
from agenttuning.environments.worlds.search.vocabulary import Vocabulary
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

Analyzer: TypeAlias = "Callable[[str], list[str]]"
K1: Final = 0.9
B: Final = 0.4
MOST_TERMS: Final = 1024
"""Terms of a query that count, as many as Lucene takes; what follows is ignored."""
_ARRAYS: Final = ("data", "indices", "indptr")
SETTINGS: Final = "bm25.json"


class Bm25Index:
    """Documents that can be ranked by a query; numbered from 0 in the order given. Immutable, shared by threads."""

    def __init__(
        self, arrays: dict[str, NDArray[np.generic]], vocabulary: Vocabulary, *, documents: int, analyzer: Analyzer
    ) -> None:
        import bm25s

        self.documents = documents
        self._analyzer = analyzer
        self._vocabulary = vocabulary
        self._arrays = arrays
        self._scorer = bm25s.BM25(method="lucene", backend="numpy")
        self._scorer.scores = {**arrays, "num_docs": documents}
        self._scorer.nonoccurrence_array = None

    @classmethod
    def build(cls, texts: Iterable[str], *, k1: float = K1, b: float = B, analyzer: Analyzer = analyze) -> Bm25Index:
        """Index texts in memory; the same texts give the same bytes."""
        import bm25s

        analyzed = [analyzer(text) for text in texts]
        terms = sorted({term for document in analyzed for term in document}, key=_utf8)
        if not terms:
            empty: dict[str, NDArray[np.generic]] = {
                "data": np.zeros(0, np.float32),
                "indices": np.zeros(0, np.int32),
                "indptr": np.zeros(1, np.int64),
            }
            return cls(empty, Vocabulary.build(()), documents=len(analyzed), analyzer=analyzer)
        numbers = {term: number for number, term in enumerate(terms)}
        scorer = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy")
        ids = [[numbers[term] for term in document] for document in analyzed]
        scorer.index((ids, numbers), create_empty_token=False, show_progress=False)
        return cls(
            {name: scorer.scores[name] for name in _ARRAYS},
            Vocabulary.build(terms),
            documents=len(analyzed),
            analyzer=analyzer,
        )

    @classmethod
    def load(cls, folder: Path, *, analyzer: Analyzer = analyze) -> Bm25Index:
        """Map a saved index into memory; the analyzer must be the one that it was built with.

        Raises:
            DataError: the folder holds no whole index.
        """
        try:
            documents = int(json.loads((folder / SETTINGS).read_text("utf-8"))["documents"])
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
            return cls(arrays, Vocabulary.load(folder), documents=documents, analyzer=analyzer)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{folder} holds no search index: {error}; build it anew") from error

    def save(self, folder: Path) -> None:
        """Write the index into a folder, its settings last: a folder with them is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", self._arrays[name])
        self._vocabulary.save(folder)
        (folder / SETTINGS).write_text(json.dumps({"documents": self.documents}), "utf-8")

    def scores(self, query: str) -> NDArray[np.float32]:
        """Return the score of every document; a term that stands twice in the query counts twice."""
        found = Counter(self._analyzer(query)[:MOST_TERMS])
        numbers = {
            number: count for term, count in found.items() if (number := self._vocabulary.find(term)) is not None
        }
        scores = np.zeros(self.documents, dtype=np.float32)
        for times in sorted(set(numbers.values())):
            equal = [number for number, count in numbers.items() if count == times]
            scores += times * self._scorer.get_scores_from_ids(equal)
        return scores

    def search(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Return the best documents that share a term with the query, best first: (number, score)."""
        scores = self.scores(query)
        found = np.flatnonzero(scores)
        if len(found) > limit:
            least = np.partition(scores[found], -limit)[-limit]
            found = found[scores[found] >= least]
        best = found[np.lexsort((found, -scores[found]))][:limit]
        return [(int(number), float(scores[number])) for number in best]


def _utf8(term: str) -> bytes:
    return term.encode("utf-8", "surrogatepass")
