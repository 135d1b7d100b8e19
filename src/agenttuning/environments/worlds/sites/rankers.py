"""From the name of a ranker to the ranker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sites.ranking import Bm25Ranker, GivenRanker
from agenttuning.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agenttuning.environments.worlds.sites.ranking import CandidateRanker

    Rankers = Callable[[Mapping[str, int] | None], CandidateRanker]


def open_ranker(name: str, *, official: bool) -> Rankers:
    """Return what gives each sample its ranker, told the ranks that came with the sample, if any.

    Raises:
        RecipeError: `official` ranks are asked of generated pages, or a model of that name is not to be had.
        DataError: `official` ranks are asked of data without them (raised at the sample that has none).
        MissingExtraError: a cross-encoder without transformers.
    """
    if name == "official" and not official:
        raise RecipeError('ranker = "official" needs official data with candidate scores; choose "bm25" or "auto"')
    if name in {"auto", "bm25", "official"}:
        return lambda ranks: _without_model(name, ranks)
    from agenttuning.environments.worlds.sites.cross_encoder import CrossEncoder

    model = CrossEncoder(name)
    return lambda _ranks: model


def _without_model(name: str, ranks: Mapping[str, int] | None) -> CandidateRanker:
    if name == "official" and ranks is None:
        raise DataError(
            "these data hold no candidate ranks; lay the scores (scores_all_data.pkl) beside Mind2Web's files, import "
            'again, or set ranker = "bm25"'
        )
    return Bm25Ranker() if ranks is None or name == "bm25" else GivenRanker(ranks)
