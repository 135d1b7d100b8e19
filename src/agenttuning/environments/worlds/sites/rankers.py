"""From the name of a ranker to the ranker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sites.ranking import Bm25Ranker, GivenRanker
from agenttuning.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agenttuning.environments.worlds.sites.ranking import CandidateRanker

    Rankers = Callable[[Mapping[str, int] | None], CandidateRanker]

_BM25: Final = Bm25Ranker()


def open_ranker(name: str, *, ranked: bool) -> Rankers:
    """Return what gives each sample its ranker, told the ranks that came with the sample, if any.

    Args:
        name: `auto`, `bm25`, `official`, or the name or folder of a cross-encoder.
        ranked: whether the samples bring ranks; `auto` takes them then.

    Raises:
        RecipeError: `official` ranks of samples without them, or a model of that name is not to be had.
        MissingExtraError: a cross-encoder without transformers.
    """
    if name == "official" and not ranked:
        raise RecipeError(
            'ranker = "official" needs candidate ranks: lay the scores (scores_all_data.pkl) beside Mind2Web\'s files '
            'and import them again, or set ranker = "bm25"'
        )
    if name == "official" or (name == "auto" and ranked):
        return _given
    if name in {"auto", "bm25"}:
        return lambda _ranks: _BM25
    from agenttuning.environments.worlds.sites.cross_encoder import CrossEncoder

    model = CrossEncoder(name)
    return lambda _ranks: model


def _given(ranks: Mapping[str, int] | None) -> CandidateRanker:
    if ranks is None:
        raise DataError("some of these actions have candidate ranks and some have not; import the official files again")
    return GivenRanker(ranks)
