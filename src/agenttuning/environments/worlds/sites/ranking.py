"""Which candidates of a page take part: rankers, and what they miss.

The official ranker is a cross-encoder; its ranks come with the data. The default needs no model: BM25 of the task and
the earlier actions against the words of each candidate.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agenttuning.environments.worlds.search.analyzer import stemmer, words
from agenttuning.environments.worlds.search.bm25 import K1, B
from agenttuning.environments.worlds.sites.page import Page
from agenttuning.environments.worlds.sites.tournament import TOP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agenttuning.environments.worlds.sites.sample import Sample


class CandidateRanker(Protocol):
    """Orders the candidates of a page, the likeliest first."""

    @property
    def name(self) -> str:
        """The ranker as it stands in every number that it makes."""

    def rank(self, page: Page, candidates: Sequence[str], *, task: str, previous: Sequence[str]) -> Mapping[str, int]:
        """Return the rank of every candidate, 0 for the likeliest; they are on the page, and given in its order."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a ranker makes of a sample."""

    top: tuple[str, ...]
    """The candidates that take part in the tournament, best first."""
    best: int | None
    """Rank of the best right element, from 0; None when the page has none."""


class Bm25Ranker:
    """Lucene's BM25 over the candidates of one page; equal scores stay in the order given."""

    name = "bm25"

    def rank(self, page: Page, candidates: Sequence[str], *, task: str, previous: Sequence[str]) -> Mapping[str, int]:
        """Return the rank of every candidate."""
        query = " ".join((task, *previous))
        return by_score(candidates, bm25_scores([page.words(node) for node in candidates], query))


class GivenRanker:
    """Ranks that came with the data."""

    name = "official"

    def __init__(self, ranks: Mapping[str, int]) -> None:
        self._ranks = ranks

    def rank(self, page: Page, candidates: Sequence[str], *, task: str, previous: Sequence[str]) -> Mapping[str, int]:
        """Return the rank of every candidate, as given."""
        del page, task, previous
        return {node: self._ranks[node] for node in candidates}


def bm25_scores(texts: Sequence[str], query: str) -> list[float]:
    """Score a few hundred short texts at once, as `Bm25Index` does, without building an index that is used once."""
    stem = stemmer()
    documents = [Counter(_terms(text, stem)) for text in texts]
    lengths = [document.total() for document in documents]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    scores = [0.0] * len(documents)
    for term, times in Counter(_terms(query, stem)).items():
        holders = [number for number, document in enumerate(documents) if term in document]
        rarity = math.log(1 + (len(documents) - len(holders) + 0.5) / (len(holders) + 0.5))
        for number in holders:
            count = documents[number][term]
            scores[number] += times * rarity * count / (count + K1 * (1 - B + B * lengths[number] / mean))
    return scores


def _terms(text: str, stem: Callable[[str], str]) -> Iterable[str]:
    return (term for word in words(text) if (term := stem(word)))


def by_score(candidates: Sequence[str], scores: Sequence[float]) -> dict[str, int]:
    """Return the rank of every candidate by its score; equal scores stay in the order given."""
    order = sorted(range(len(candidates)), key=lambda number: -scores[number])
    return {candidates[number]: rank for rank, number in enumerate(order)}


def rank_sample(sample: Sample, ranker: CandidateRanker) -> Ranking:
    """Rank the candidates of a sample; those that the page lacks do not take part.

    Raises:
        PageError: the page is no XML.
    """
    page = Page(sample.html)
    ranks = ranker.rank(page, page.ordered(sample.candidates), task=sample.task, previous=sample.previous)
    top = sorted((node for node, rank in ranks.items() if rank < TOP), key=ranks.__getitem__)
    return Ranking(tuple(top), min((ranks[node] for node in sample.positives if node in ranks), default=None))
