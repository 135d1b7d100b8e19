"""Boilerplate: what many samples of one test set share is the wording of its protocol, not of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agenttuning.analysis.contamination.index import piece_hashes, pieces_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from agenttuning.analysis.contamination.index import Index

FEWEST = 5
"""With fewer samples of a set, what all of them have may well be their own."""


def boilerplate(index: Index, sets: Sequence[str], *, n: int, share: float) -> NDArray[np.bool_]:
    """Mark the tokens inside n-grams that more than a share of the samples of their set have.

    Args:
        index: the samples.
        sets: (samples,): the test set of each sample.
        n: tokens of an n-gram.
        share: in [0, 1]; at 1 nothing is marked.

    Returns:
        (tokens,): true where a token is boilerplate.
    """
    names, number = np.unique(np.array(sets, dtype=np.str_), return_inverse=True)
    size = np.bincount(number, minlength=len(names))
    places = pieces_inside(index.owner, n)
    gram = np.unique(piece_hashes(index.tokens, n)[places], return_inverse=True)[1]
    owner = index.owner[places]
    told = gram * len(names) + number[owner]
    once = np.unique(told * len(sets) + owner) // len(sets)
    grams, having = np.unique(once, return_counts=True)
    samples = size[grams % len(names)]
    common = grams[(having > share * samples) & (samples >= FEWEST)]
    marks = np.zeros(len(index.tokens) + 1, dtype=np.int64)
    begins = places[np.isin(told, common)]
    np.add.at(marks, begins, 1)
    np.add.at(marks, begins + n, -1)
    marked: NDArray[np.bool_] = np.cumsum(marks[:-1]) > 0
    return marked
