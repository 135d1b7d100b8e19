"""Searches per second over the pages of a question file, against three other ways to rank them by BM25.

    python benchmarks/wiki_search.py [FILE]

FILE is any of HotpotQA's question files or a dump of pages (JSON lines with title and text); without one, 8,000
generated pages are searched. Queries are the file's questions, or sentences of the pages. The others: a scan of every
document per query with NumPy, as rank_bm25 does it; bm25s alone with its own tokenizer and top-k; and the index in
plain Python of the generated encyclopaedia. One process, one thread; processor time, the best of three.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import bm25s
import numpy as np
from Stemmer import Stemmer

from agenttuning.environments.worlds.search.analyzer import analyze
from agenttuning.environments.worlds.search.bm25 import Bm25Index
from agenttuning.environments.worlds.wiki.backend import MOST_SIMILAR
from agenttuning.environments.worlds.wiki.corpus import CorpusWiki
from agenttuning.environments.worlds.wiki.encyclopaedia import open_volume
from agenttuning.environments.worlds.wiki.official import read_pages, read_questions
from agenttuning.environments.worlds.wiki.ranking import K1, B, SmallIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agenttuning.environments.worlds.wiki.backend import Page

ResultT = TypeVar("ResultT")
GENERATED_PAGES: Final = 8_000
QUERIES: Final = 300
SCANNED: Final = 30
"""Queries of the scan, which takes long."""
ROUNDS: Final = 3


class Scan:
    """Scores every document for every query, as rank_bm25's BM25Okapi does; Lucene's formula."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(analyze(text)) for text in texts]
        self._lengths = np.array([counts.total() for counts in self._counts])
        self._holders = Counter(term for counts in self._counts for term in counts)
        self._norms = K1 * (1 - B + B * self._lengths / self._lengths.mean())

    def search(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Return the best documents: (number, score)."""
        scores = np.zeros(len(self._counts))
        for term in analyze(query):
            found = np.array([counts.get(term, 0) for counts in self._counts])
            rarity = np.log(1 + (len(found) - self._holders[term] + 0.5) / (self._holders[term] + 0.5))
            scores += rarity * found / (found + self._norms)
        best = np.argsort(-scores, kind="stable")[:limit]
        return [(int(number), float(scores[number])) for number in best if scores[number] > 0]


class Bm25s:
    """The library by itself."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._stemmer = Stemmer("porter")
        tokens = bm25s.tokenize(list(texts), stopwords="en", stemmer=self._stemmer, show_progress=False)
        self._index = bm25s.BM25(k1=K1, b=B, method="lucene")
        self._index.index(tokens, show_progress=False)

    def search(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Return the best documents: (number, score)."""
        tokens = bm25s.tokenize([query], stopwords="en", stemmer=self._stemmer, show_progress=False)
        numbers, scores = self._index.retrieve(tokens, k=limit, show_progress=False)
        return list(zip(numbers[0].tolist(), scores[0].tolist(), strict=True))


def main() -> None:
    """Print one line per way, and the ratios."""
    pages, queries, name = material(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    texts = [" ".join((page.title, *page.paragraphs)) for page in pages]
    print(
        f"Python {platform.python_version()}, {platform.machine()}; {name}: {len(pages):,} pages, "
        f"{sum(map(len, texts)) / 1e6:.2f} MB, {len(queries)} queries"
    )
    indexing, wiki = best(lambda: CorpusWiki(pages, name=name, index=Bm25Index.build))
    ours = QUERIES / best(lambda: [wiki.find(query) for query in queries])[0]
    titles = [page.title for page in pages][:QUERIES]
    by_title = len(titles) / best(lambda: asyncio.run(search_all(wiki, titles)))[0]
    print(
        f"{'corpus backend':24} indexed in {indexing:6.2f} s, {ours:10,.0f} searches/s by text, "
        f"{by_title:,.0f} by title"
    )
    for label, kind, count in (
        ("scan (rank_bm25's way)", Scan, SCANNED),
        ("bm25s alone", Bm25s, QUERIES),
        ("plain Python index", SmallIndex, QUERIES),
    ):
        compare(label, kind, texts, queries[:count], ours=ours, indexing=indexing)


def compare(
    label: str,
    kind: Callable[[Sequence[str]], Scan | Bm25s | SmallIndex],
    texts: Sequence[str],
    queries: Sequence[str],
    *,
    ours: float,
    indexing: float,
) -> None:
    """Measure another way and print how many times as fast the backend is."""
    seconds, other = best(lambda: kind(texts))
    rate = len(queries) / best(lambda: [other.search(query, MOST_SIMILAR) for query in queries])[0]
    print(
        f"{label:24} indexed in {seconds:6.2f} s, {rate:10,.0f} searches/s by text; the backend searches "
        f"{ours / rate:.1f} x as fast and indexes {seconds / indexing:.1f} x as fast"
    )


def material(file: Path | None) -> tuple[Sequence[Page], list[str], str]:
    """Return pages, queries and what they are called."""
    if file is None:
        pages: list[Page] = []
        while len(pages) < GENERATED_PAGES:
            volume = open_volume("hard", seed=len(pages), test=False, number=0)
            pages += [
                article.page.model_copy(update={"title": f"{title} ({len(pages)})"})
                for title, article in volume.articles.items()
            ]
        sentences = [page.paragraphs[-1] for page in pages]
        return pages, sentences[:: len(sentences) // QUERIES][:QUERIES], "generated pages"
    found, name = read_pages(file)
    asked = [question.question for question in read_questions(file)]
    return found, asked[:QUERIES], name


async def search_all(wiki: CorpusWiki, titles: Sequence[str]) -> None:
    """Search as an episode does."""
    for title in titles:
        await wiki.search(title)


def best(work: Callable[[], ResultT]) -> tuple[float, ResultT]:
    """Return the shortest processor time in seconds, and the result."""
    shortest = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        result = work()
        shortest = min(shortest, time.process_time() - begun)
    return shortest, result


if __name__ == "__main__":
    main()
