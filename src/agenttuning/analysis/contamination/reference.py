"""The evaluation side of the rule, and what training texts hold of it."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from agenttuning.analysis.contamination.arrays import ArrayMatcher
from agenttuning.analysis.contamination.boilerplate import boilerplate
from agenttuning.analysis.contamination.index import UNKNOWN, build_index
from agenttuning.analysis.contamination.spans import Spans, cover
from agenttuning.analysis.contamination.tokens import words
from agenttuning.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from agenttuning.analysis.contamination.rule import Rule
    from agenttuning.analysis.contamination.spans import Ids, Shares
    from agenttuning.analysis.contamination.tokens import Encode

Engine = Literal["auto", "numba", "numpy"]
_Held = TypeVar("_Held")
_BATCH = 1 << 20
"""Characters that are searched at a time."""
_WORKERS = 4
"""Threads; more would wait for the one that reads."""


@dataclass(frozen=True, slots=True)
class Match:
    """What one training text holds of the samples that it matches."""

    samples: Ids
    """(matched,): numbers of the samples, ascending."""
    exact: Shares
    """(matched,): share of the sample's tokens inside exact runs of at least n tokens."""
    tolerant: Shares
    """(matched,): share inside matches of the rule, mismatches bridged."""
    spans: Spans
    """The matches themselves, in the order of the text."""


class Reference:
    """The evaluation samples, indexed, and the union of all that was found of them."""

    def __init__(
        self, samples: Sequence[str], rule: Rule, *, encode: Encode | None = None, engine: Engine = "auto"
    ) -> None:
        """Index samples.

        Args:
            samples: their texts.
            rule: the constants.
            encode: a tokenizer, to compare its ids; words are compared without one.
            engine: `auto` takes numba where it is installed.

        Raises:
            MissingExtraError: numba is asked for and not installed.
        """
        self.rule = rule
        self._encode = encode
        known: dict[str | int, int] = {}
        ids = [[known.setdefault(token, len(known)) for token in tokens] for tokens in self.split(samples)]
        self._vocabulary, self._names = known, list(known)
        self._index = build_index(ids, piece=rule.piece)
        self._counted: Ids = np.arange(len(self._index.tokens) + 1)
        self._depth: Ids = np.zeros(len(self._index.tokens) + 1, dtype=np.int64)
        self.lengths: Ids = np.diff(self._index.begins)
        """(samples,): tokens of each sample that count."""
        self._match: Callable[[Ids, Ids], Ids] = ArrayMatcher(self._index, rule).match
        self._suspects: Callable[[Sequence[str]], Ids] = lambda texts: np.arange(len(texts))
        if engine != "numpy":
            with nullcontext() if engine == "numba" else suppress(MissingExtraError):
                self._compile()

    def _compile(self) -> None:
        from agenttuning.analysis.contamination.compiled_matcher import CompiledMatcher, WordSearch

        matcher = CompiledMatcher(self._index, self.rule)
        self._match = matcher.match
        if self._encode is None:
            vocabulary = [str(word) for word in self._names]
            self._suspects = WordSearch(matcher, self._index, self.rule, vocabulary=vocabulary).suspects

    def leave_out_boilerplate(self, sets: Sequence[str], *, share: float) -> None:
        """Count no token inside an n-gram that more than a share of the samples of its set have.

        Args:
            sets: (samples,): the test set of each sample.
            share: in [0, 1]; at 1 everything counts.
        """
        marked = boilerplate(self._index, sets, n=self.rule.n, share=share)
        self._counted = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(~marked)))
        self.lengths = np.diff(self._counted[self._index.begins])

    def split(self, texts: Sequence[str]) -> Sequence[Sequence[str] | Sequence[int]]:
        """Return the tokens of each text: folded words, or ids."""
        return self._encode(texts) if self._encode else [words(text) for text in texts]

    def tokens_of(self, sample: int) -> list[str | int]:
        """Return the tokens of a sample."""
        begin, end = self._index.begins[sample : sample + 2]
        return [self._names[token] for token in self._index.tokens[begin:end]]

    def match(self, text: str) -> Match:
        """Match one training text with every sample, and add what it holds to the union."""
        (match,) = self._search([text])
        self._add(match.spans)
        return match

    def scan(self, texts: Iterable[tuple[_Held, str]]) -> Iterator[tuple[_Held, Match]]:
        """Match training texts, each with whatever the caller holds of it, in order, and add them to the union.

        Texts are read once, about a million characters at a time, and searched by several threads.
        """
        workers = min(os.cpu_count() or 1, _WORKERS)
        waiting: deque[tuple[Sequence[_Held], Future[list[Match]]]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for held, some in _batches(texts):
                waiting.append((held, pool.submit(self._search, some)))
                if len(waiting) > workers:
                    yield from self._added(*waiting.popleft())
            while waiting:
                yield from self._added(*waiting.popleft())

    def shares(self) -> Shares:
        """Return the contaminated share of every sample, (samples,), over all texts matched so far."""
        contaminated = (np.cumsum(self._depth[:-1]) > 0) & (np.diff(self._counted) > 0)
        inside: Ids = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(contaminated, dtype=np.int64)))
        begins = self._index.begins
        shares: Shares = (inside[begins[1:]] - inside[begins[:-1]]) / np.maximum(self.lengths, 1)
        return shares

    def _added(self, held: Sequence[_Held], found: Future[list[Match]]) -> Iterator[tuple[_Held, Match]]:
        for one, match in zip(held, found.result(), strict=True):
            self._add(match.spans)
            yield one, match

    def _add(self, spans: Spans) -> None:
        if len(spans.sample):
            begin = self._index.begins[spans.sample]
            np.add.at(self._depth, begin + spans.start, 1)
            np.add.at(self._depth, begin + spans.stop, -1)

    def _search(self, texts: Sequence[str]) -> list[Match]:
        suspects = self._suspects(texts)
        ids, bounds = self._known_ids([texts[number] for number in suspects])
        rows = self._match(ids, bounds)
        rows[:, 0] = suspects[rows[:, 0]]
        spans = Spans.of(rows)
        covered = cover(spans, begins=self._index.begins, counted=self._counted)
        lengths = self.lengths[covered.sample]
        rated = lengths >= self.rule.n  # what is left beside boilerplate may be too short
        exact, tolerant = (np.where(rated, held, 0) / np.maximum(lengths, 1) for held in covered[2:])
        every = np.arange(len(texts) + 1)
        pairs, matches = np.searchsorted(covered.text, every), np.searchsorted(spans.text, every)
        return [
            Match(
                covered.sample[pairs[number] : pairs[number + 1]],
                exact[pairs[number] : pairs[number + 1]],
                tolerant[pairs[number] : pairs[number + 1]],
                Spans.of(rows[matches[number] : matches[number + 1]]),
            )
            for number in range(len(texts))
        ]

    def _known_ids(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Return the ids of the tokens of texts, one after the other, and where each text begins."""
        get, split = self._vocabulary.get, self.split(texts)
        bounds = np.cumsum([0, *map(len, split)])
        tokens: Iterable[str | int] = chain.from_iterable(split)
        return np.fromiter((get(token, UNKNOWN) for token in tokens), dtype=np.int64, count=int(bounds[-1])), bounds


def _batches(texts: Iterable[tuple[_Held, str]]) -> Iterator[tuple[list[_Held], list[str]]]:
    held: list[_Held] = []
    some: list[str] = []
    size = 0
    for one, text in texts:
        held.append(one)
        some.append(text)
        size += len(text)
        if size >= _BATCH:
            yield held, some
            held, some, size = [], [], 0
    if some:
        yield held, some
