"""Dialogues that were there before: equal ones, and near ones by MinHash (Broder 1997), confirmed by their shingles.

MinHash only proposes: candidates are compared by the exact Jaccard index of their five-word shingles, so that nothing
is dropped by an estimate. With 128 permutations in bands of four a pair of similarity 0.8 is proposed with probability
1 - (1 - 0.8^4)^32 > 0.9999, a pair of 0.5 with 0.87. The first of near dialogues stays, in the order of their keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from agenttuning.core.records import digest
from agenttuning.errors import MissingExtraError
from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agenttuning.core.records import Trajectory

    Shingles = NDArray[np.uint64]

PERMUTATIONS: Final = 128
BANDS: Final = 32
SHINGLE: Final = 5


class Duplicates:
    """All but the first of trajectories with equal messages go."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        content = digest("\0".join(message.content for message in trajectory.messages))
        if content in self._seen:
            return dropped("duplicate")
        self._seen.add(content)
        return KEPT


class NearDuplicates:
    """All but the first of a world's trajectories that share most of their shingles go."""

    def __init__(self, threshold: float) -> None:
        """Take a Jaccard index of at least `threshold` for a near duplicate.

        Raises:
            MissingExtraError: rensa is not installed.
        """
        try:
            import rensa
        except ImportError as error:
            raise MissingExtraError("near duplicates need rensa; run `pip install 'agenttuning[fast]'`") from error
        self._rensa = rensa
        self._threshold = threshold
        self._tables: dict[str, rensa.RMinHashLSH] = {}
        self._kept: list[Shingles] = []

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        words = _told(trajectory).split()
        texts = [" ".join(words[place : place + SHINGLE]) for place in range(max(len(words) - SHINGLE + 1, 1))]
        signature = self._rensa.RMinHash(PERMUTATIONS, 1)
        signature.update(texts)
        own = np.unique(np.array(self._rensa.RMinHash.hash_token_sets([texts])[0], dtype=np.uint64))
        table = self._tables.get(trajectory.environment)
        if table is None:
            table = self._tables[trajectory.environment] = self._rensa.RMinHashLSH(0.5, PERMUTATIONS, BANDS)
        if any(_jaccard(own, self._kept[number]) >= self._threshold for number in table.query(signature)):
            return dropped("near duplicate")
        table.insert(len(self._kept), signature)
        self._kept.append(own)
        return KEPT


def _told(trajectory: Trajectory) -> str:
    """Return what is the episode's own: all from the question on to which the first learned turn answers."""
    first = next(place for place, message in enumerate(trajectory.messages) if message.train)
    return "\n".join(message.content for message in trajectory.messages[max(first - 1, 0) :]).lower()


def _jaccard(one: Shingles, other: Shingles) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
