"""The evaluation side as arrays: all tokens in one row, and where every piece of n tokens begins in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from agenttuning.analysis.contamination.spans import Ids

    Keys = NDArray[np.uint64]

BASE = np.uint64(0x9E3779B97F4A7C15)
SPREAD = np.uint64(0xBF58476D1CE4E5B9)
UNKNOWN = -1
"""A token of a training text that no sample has."""


class Index(NamedTuple):
    """The samples; a kernel takes it as it is."""

    tokens: Ids
    """(tokens,): ids of all samples, one after the other."""
    begins: Ids
    """(samples + 1,): where each sample begins."""
    owner: Ids
    """(tokens,): the sample that each token belongs to."""
    keys: Keys
    """(pieces,): hashes of the distinct pieces, ascending."""
    first: Ids
    """(pieces + 1,): where the places of each piece begin in `places`."""
    places: Ids
    """Where in `tokens` pieces begin, by key, then ascending."""


def build_index(samples: Sequence[Sequence[int]], *, piece: int) -> Index:
    """Index the pieces of samples."""
    lengths = np.array([len(sample) for sample in samples], dtype=np.int64)
    begins = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)))
    tokens = np.fromiter((token for sample in samples for token in sample), dtype=np.int64, count=int(begins[-1]))
    owner = np.repeat(np.arange(len(samples)), lengths)
    inside = pieces_inside(owner, piece)
    hashes = piece_hashes(tokens, piece)[inside]
    order = np.argsort(hashes, kind="stable")
    keys, first = np.unique(hashes[order], return_index=True)
    return Index(tokens, begins, owner, keys, np.append(first, len(order)), inside[order])


def pieces_inside(owner: Ids, piece: int) -> Ids:
    """Return the places at which a piece begins that lies in one sample, or in one text."""
    return np.nonzero(owner[: max(len(owner) - piece + 1, 0)] == owner[piece - 1 :])[0]


def piece_hashes(ids: Ids, piece: int) -> Keys:
    """Return a 64-bit polynomial hash of every piece; who finds equal hashes compares the tokens."""
    return combined((ids + 2).astype(np.uint64) * SPREAD, piece)


def combined(tokens: Keys, piece: int) -> Keys:
    """Return the polynomial hash of every piece of hashed tokens: (tokens,) to (tokens - piece + 1,)."""
    total = np.zeros(max(len(tokens) - piece + 1, 0), dtype=np.uint64)
    for position in range(piece if len(total) else 0):
        total = total * BASE + tokens[position : len(total) + position]
    return total
