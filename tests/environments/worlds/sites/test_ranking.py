"""Rankers: BM25 as the shared index scores it, given ranks, and a cross-encoder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.search.bm25 import Bm25Index
from agenttuning.environments.worlds.sites.page import NODE, Page
from agenttuning.environments.worlds.sites.rankers import open_ranker
from agenttuning.environments.worlds.sites.ranking import Bm25Ranker, GivenRanker, bm25_scores, rank_sample
from agenttuning.environments.worlds.sites.sample import Sample
from agenttuning.errors import DataError, RecipeError

WORDS = st.lists(
    st.sampled_from(["search", "flights", "the", "Rome", "zip-code", "code", "10203", "wedding", "weddings"]),
    max_size=8,
)


def _sample(*, positives: tuple[str, ...] = ("3",), inner: str | None = None) -> Sample:
    labels = ("Home", "Contact", "Sign in", "Wedding photographers", "Weddings", "Photo album")
    links = "".join(f'<a {NODE}="{n}"><text {NODE}="t{n}">{label}</text></a>' for n, label in enumerate(labels))
    return Sample(
        website="w",
        task="Find a wedding photographer",
        previous=(),
        html=f'<html {NODE}="h">{links if inner is None else inner}</html>',
        positives=positives,
        negatives=tuple(str(n) for n in range(len(labels)) if str(n) not in positives),
        operation="CLICK",
        value="",
        aim="click",
    )


@given(st.lists(WORDS.map(" ".join), min_size=1, max_size=12), WORDS.map(" ".join))
def test_scores_are_those_of_the_shared_index(texts: list[str], query: str) -> None:
    assert bm25_scores(texts, query) == pytest.approx(Bm25Index.build(texts).scores(query).tolist(), abs=1e-5)


def test_no_text_scores_nothing() -> None:
    assert bm25_scores([], "query") == []
    assert bm25_scores(["", ""], "query") == [0.0, 0.0]


def test_bm25_prefers_shared_words_and_keeps_ties_in_page_order() -> None:
    ranking = rank_sample(_sample(), Bm25Ranker())
    assert ranking.top == ("3", "4", "0", "1", "2", "5")
    assert ranking.best == 0


@pytest.mark.parametrize("right", ["0", "2", "5"])
def test_which_element_is_right_does_not_move_it(right: str) -> None:
    ranking = rank_sample(_sample(positives=(right,)), Bm25Ranker())
    assert ranking.top == rank_sample(_sample(), Bm25Ranker()).top
    assert ranking.best == ranking.top.index(right)


def test_earlier_actions_are_part_of_the_query() -> None:
    page = Page(_sample().html)
    nodes = tuple("012345")
    assert Bm25Ranker().rank(page, nodes, task="x", previous=["[link]  Sign in -> CLICK"])["2"] == 0


def test_candidates_that_the_page_lacks_do_not_take_part() -> None:
    ranking = rank_sample(_sample(positives=("99",)), Bm25Ranker())
    assert (ranking.best, sorted(ranking.top)) == (None, list("012345"))
    assert rank_sample(_sample(inner=""), Bm25Ranker()).top == ()


def test_ranks_that_came_with_the_data_decide() -> None:
    ranks = {str(n): (n * 5) % 6 for n in range(6)}
    assert rank_sample(_sample(), GivenRanker(ranks)).top == tuple(sorted(ranks, key=ranks.__getitem__))


def test_given_ranks_count_as_they_stand() -> None:
    ranks = {"0": 3, "1": 12, "2": 9, "3": 30, "4": 10, "5": 0}
    ranking = rank_sample(_sample(), GivenRanker(ranks))
    assert (ranking.top, ranking.best) == (("5", "0", "2"), 30)


def test_names_of_rankers() -> None:
    ranks = {"a": 0}
    assert open_ranker("auto", ranked=True)(ranks).name == "official"
    assert open_ranker("auto", ranked=False)(None).name == "bm25"
    assert open_ranker("bm25", ranked=True)(ranks).name == "bm25"
    assert open_ranker("official", ranked=True)(ranks).name == "official"
    with pytest.raises(DataError, match="some of these actions"):
        open_ranker("auto", ranked=True)(None)
    with pytest.raises(RecipeError, match="scores_all_data"):
        open_ranker("official", ranked=False)


def test_a_model_that_is_not_there_is_a_wrong_name(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(RecipeError, match="neither auto, bm25 or official"):
        open_ranker(str(tmp_path), ranked=False)
