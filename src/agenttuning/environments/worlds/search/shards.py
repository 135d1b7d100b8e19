"""An index of any size in little memory: documents are indexed shard by shard on disk, then merged term by term.

A shard is written as a whole or not at all, so a killed import goes on after the last one. The merged index holds the
same numbers as `Bm25Index.build` would, and is loaded with `Bm25Index.load`.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

import numpy as np

from agenttuning.environments.worlds.search.analyzer import stemmer, words
from agenttuning.environments.worlds.search.bm25 import K1, SETTINGS, B
from agenttuning.environments.worlds.search.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

POSTINGS_AT_ONCE: Final = 4_000_000
"""Postings that a merge holds in memory: about 200 MB."""
_POSTINGS: Final = ("documents", "counts")
_ARRAYS: Final = ("starts", *_POSTINGS, "lengths")


def write_shard(folder: Path, texts: Iterable[str]) -> None:
    """Index some documents, numbered from 0, into a folder of their own."""
    terms = _Terms(stemmer())
    found, lengths = [], []
    for text in texts:
        ids = [number for word in words(text) if (number := terms[word]) >= 0]
        found.append(np.array(ids, dtype=np.int64))
        lengths.append(len(ids))
    order = sorted(range(len(terms.listed)), key=terms.listed.__getitem__)
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    flat = places[np.concatenate(found)] if order else np.zeros(0, np.int64)
    keys, counts = np.unique(flat * len(lengths) + np.repeat(np.arange(len(lengths)), lengths), return_counts=True)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.mkdir(parents=True)
    starts = np.searchsorted(keys, np.arange(len(order) + 1) * len(lengths))
    arrays: tuple[NDArray[np.generic], ...] = (
        starts,
        (keys % max(len(lengths), 1)).astype(np.int32),
        counts.astype(np.int32),
        np.array(lengths, np.int32),
    )
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(part / f"{name}.npy", array)
    Vocabulary.build([terms.listed[place].decode("utf-8", "surrogatepass") for place in order]).save(part)
    part.rename(folder)


class _Terms(dict[str, int]):
    """Numbers terms as they come; a word that is met again costs one look-up."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        super().__init__()
        self.listed: list[bytes] = []
        self._stem = stem
        self._numbers: dict[str, int] = {"": -1}

    def __missing__(self, word: str) -> int:
        term = self._stem(word)
        number = self._numbers.setdefault(term, len(self.listed))
        if number == len(self.listed):
            self.listed.append(term.encode("utf-8", "surrogatepass"))
        self[word] = number
        return number


class _Shard:
    """One written shard; its arrays are mapped only while they are read, so that their pages do not add up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.starts = np.load(folder / "starts.npy")
        self.lengths = np.load(folder / "lengths.npy")
        self.places: NDArray[np.int64] = np.zeros(0, np.int64)
        """Number of each of its terms in the merged index, rising."""

    def terms(self) -> Iterator[bytes]:
        """Yield its terms in order."""
        vocabulary = Vocabulary.load(self._folder)
        return (vocabulary[number] for number in range(len(vocabulary)))

    def postings(self, first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
        """Return terms, documents and counts for a range of merged terms."""
        low, high = np.searchsorted(self.places, (first, last))
        cut = slice(self.starts[low], self.starts[high])
        documents, counts = (np.load(self._folder / f"{name}.npy", mmap_mode="r")[cut] for name in _POSTINGS)
        terms = np.repeat(self.places[low:high].astype(np.int32), np.diff(self.starts[low : high + 1]))
        return terms, np.array(documents, np.int32), np.array(counts, np.float32)


def merge_shards(folders: Sequence[Path], target: Path, *, k1: float = K1, b: float = B) -> Iterator[tuple[int, int]]:
    """Write the index of all documents, numbered through the shards in order; yield (postings written, of how many)."""
    target.mkdir(parents=True, exist_ok=True)
    (target / SETTINGS).unlink(missing_ok=True)
    shards = [_Shard(folder) for folder in folders]
    frequencies = _merge_vocabularies(shards, target)
    lengths = np.concatenate([shard.lengths for shard in shards]) if shards else np.zeros(0, np.int32)
    starts = np.concatenate([[0], np.cumsum(frequencies)])
    np.save(target / "indptr.npy", starts)
    weights = np.log(1 + (len(lengths) - frequencies + 0.5) / (frequencies + 0.5)).astype(np.float32)
    average = float(lengths.mean()) if len(lengths) else 1.0
    norms = (k1 * (1 - b + b * lengths / (average or 1.0))).astype(np.float32)
    total = int(starts[-1])
    with (target / "data.npy").open("wb") as data, (target / "indices.npy").open("wb") as indices:
        for file, kind in ((data, "<f4"), (indices, "<i4")):
            header = {"descr": kind, "fortran_order": False, "shape": (total,)}
            np.lib.format.write_array_header_1_0(file, header)
        for first, last in _ranges(starts):
            terms, documents, counts = _gather(shards, first, last)
            data.write((weights[terms] * (counts / (norms[documents] + counts))).astype("<f4").tobytes())
            indices.write(documents.astype("<i4").tobytes())
            yield int(starts[last]), total
    (target / SETTINGS).write_text(json.dumps({"documents": len(lengths)}), "utf-8")


def _merge_vocabularies(shards: Sequence[_Shard], target: Path) -> NDArray[np.int64]:
    """Number the terms of all shards, save them, and return in how many documents each stands."""
    known: set[bytes] = set()
    for shard in shards:
        known.update(shard.terms())
    merged = sorted(known)
    Vocabulary.build([term.decode("utf-8", "surrogatepass") for term in merged]).save(target)
    numbers = {term: number for number, term in enumerate(merged)}
    frequencies = np.zeros(len(merged), dtype=np.int64)
    for shard in shards:
        shard.places = np.array([numbers[term] for term in shard.terms()], dtype=np.int64)
        frequencies[shard.places] += np.diff(shard.starts)
    return frequencies


def _ranges(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut the terms into ranges that fit in memory; a single term always fits."""
    first, terms = 0, len(starts) - 1
    while first < terms:
        fitting = int(np.searchsorted(starts, starts[first] + POSTINGS_AT_ONCE, side="right")) - 1
        last = min(max(fitting, first + 1), terms)
        yield first, last
        first = last


def _gather(
    shards: Sequence[_Shard], first: int, last: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return the postings of a range of terms, by term and then by document."""
    parts, before = [], 0
    for shard in shards:
        terms, documents, counts = shard.postings(first, last)
        parts.append((terms, documents + np.int32(before), counts))
        before += len(shard.lengths)
    terms, documents, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(terms, kind="stable")
    return terms[order], documents[order], counts[order]
