"""BM25: the formula by hand, ties, empty and hostile queries, and an index on disk."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.search.analyzer import analyze, words
from agenttuning.environments.worlds.search.bm25 import Bm25Index
from agenttuning.errors import DataError

TEXTS = ["red cotton shirt", "blue cotton shirt with red collar", "green lamp", "the red red lamp"]
WORDS = st.sampled_from(["red", "blue", "lamp", "shirt", "the", "running", "ünder", "灯"])


def by_hand(query: list[str], documents: list[list[str]]) -> list[float]:
    """Lucene's formula, term by term."""
    average = sum(map(len, documents)) / len(documents)
    totals = []
    for document in documents:
        total = 0.0
        for term in query:
            holding = sum(term in other for other in documents)
            weight = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            count = document.count(term)
            total += weight * count / (count + 0.9 * (0.6 + 0.4 * len(document) / average)) if count else 0.0
        totals.append(total)
    return totals


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=12), min_size=1, max_size=8), st.lists(WORDS, max_size=5))
def test_scores_are_lucenes_formula(documents: list[list[str]], query: list[str]) -> None:
    index = Bm25Index.build(" ".join(document) for document in documents)
    expected = by_hand(analyze(" ".join(query)), [analyze(" ".join(document)) for document in documents])
    assert index.scores(" ".join(query)).tolist() == pytest.approx(expected, rel=1e-5)


def test_terms_are_those_of_the_english_analyzer() -> None:
    assert analyze("The runner's running shoes, not for Women's USE") == ["runner", "run", "shoe", "women", "us"]
    assert words("3.5 oz 1,000 x_y e.g. don't A/B size:10") == [
        *("3.5", "oz", "1,000", "x_y", "e.g", "don't", "a", "b", "size", "10"),
    ]
    assert words("赤い灯 café") == ["赤", "い", "灯", "café"]


def test_best_come_first_and_equal_scores_by_number() -> None:
    index = Bm25Index.build(["lamp", "red lamp", "lamp", "shirt", "lamp"])
    assert [number for number, _ in index.search("lamp", 3)] == [0, 2, 4]
    assert [number for number, _ in index.search("lamp", 10)] == [0, 2, 4, 1]
    assert index.search("lamp lamp", 1)[0][1] == pytest.approx(2 * index.search("lamp", 1)[0][1])


@pytest.mark.parametrize("query", ["", " ", "zebra", "the of", "\x00\ud800", "((((", "灯"])
def test_a_query_without_known_terms_finds_nothing(query: str) -> None:
    assert Bm25Index.build(TEXTS).search(query, 10) == []


@pytest.mark.parametrize("texts", [[], ["", "the"]])
def test_documents_without_terms(texts: list[str]) -> None:
    assert Bm25Index.build(texts).search("red", 5) == []


def test_an_endless_query_is_answered_by_its_first_terms() -> None:
    index = Bm25Index.build(TEXTS * 500)
    assert index.search("lamp " * 100_000, 3) == index.search("lamp " * 1024, 3)
    assert index.search("zebra " * 1024 + "lamp", 3) == []
    assert index.search(" ".join(map(str, range(100_000))) + " lamp", 3) == []


def test_a_saved_index_ranks_alike_from_its_files(tmp_path: Path) -> None:
    built = Bm25Index.build(TEXTS)
    built.save(tmp_path / "index")
    loaded = Bm25Index.load(tmp_path / "index")
    for query in ("red", "cotton shirts", "lamp red", "nothing"):
        assert np.array_equal(loaded.scores(query), built.scores(query))
        assert loaded.search(query, 3) == built.search(query, 3)


def test_a_folder_without_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no search index"):
        Bm25Index.load(tmp_path)
