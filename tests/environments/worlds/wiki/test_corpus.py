"""Pages by title: exact, plain, else the best by BM25; and the small index against the large one."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.search.analyzer import analyze
from agenttuning.environments.worlds.search.bm25 import Bm25Index
from agenttuning.environments.worlds.wiki.backend import MOST_SIMILAR, Page, Similar
from agenttuning.environments.worlds.wiki.corpus import CorpusWiki, plain_title
from agenttuning.environments.worlds.wiki.encyclopaedia import open_volume
from agenttuning.environments.worlds.wiki.ranking import SmallIndex

PAGES = [
    Page(title="Mercury (planet)", paragraphs=("Mercury is the first planet.",)),
    Page(title="Mercury (element)", paragraphs=("Mercury is a metal, liquid at room temperature.",)),
    Page(title="Venus (planet)", paragraphs=("Venus is the second planet.",)),
    Page(title="venus", paragraphs=("A genus of clams.",)),
    Page(title="Paris\u00a0Gare", paragraphs=("A station.",)),
    Page(title="Paris Gare", paragraphs=("Another station.",)),
    Page(title="Lyon", paragraphs=("A city with a station.",)),
    Page(title="Lyon", paragraphs=("A page that comes too late.",)),
    *(Page(title=f"Town {number}", paragraphs=("A town with a mayor.",)) for number in range(8)),
]
WIKI = CorpusWiki(PAGES, name="test", index=SmallIndex)


@pytest.mark.parametrize(
    ("entity", "title"),
    [
        ("Lyon", "Lyon"),
        (" lyon ", "Lyon"),
        ("LYON", "Lyon"),
        ("Lyon_(city)", "Lyon"),
        ("Mercury (planet)", "Mercury (planet)"),
        ("mercury  (Planet)", "Mercury (planet)"),
        ("venus", "venus"),
        ("VENUS", "venus"),
        ("Paris\u00a0Gare", "Paris\u00a0Gare"),
        ("Paris Gare", "Paris Gare"),
        ("town 3", "Town 3"),
    ],
)
def test_a_title_finds_its_page(entity: str, title: str) -> None:
    found = asyncio.run(WIKI.search(entity))
    assert isinstance(found, Page)
    assert found.title == title


def test_the_first_page_of_a_title_counts() -> None:
    found = WIKI.find("Lyon")
    assert isinstance(found, Page)
    assert found.summary == "A city with a station."


def test_titles_that_differ_in_brackets_are_offered() -> None:
    assert WIKI.find("Mercury") == Similar(titles=("Mercury (planet)", "Mercury (element)"))
    assert WIKI.find("mercury (god)") == Similar(titles=("Mercury (planet)", "Mercury (element)"))


def test_anything_else_is_ranked() -> None:
    assert WIKI.find("liquid metal") == Similar(titles=("Mercury (element)",))
    found = WIKI.find("town with mayor")
    assert isinstance(found, Similar)
    assert found.titles[:2] == ("Town 0", "Town 1")
    assert len(found.titles) == MOST_SIMILAR
    assert WIKI.find("zzz") == Similar(titles=())


@pytest.mark.parametrize("title", ["(only brackets)", "Oslo (a) (b)", "A_b  C"])
def test_a_plain_title_is_never_empty(title: str) -> None:
    assert plain_title(title) == {"(only brackets)": "(only brackets)", "A_b  C": "a b c"}.get(title, "oslo (a)")


@pytest.mark.parametrize("entity", ["", " ", "\x00", "\ud800 metal", "metal" * 1_000_000, "(" * 50_000, "\u202e", "|"])
@pytest.mark.parametrize("index", [SmallIndex, Bm25Index.build])
def test_hostile_names_find_nothing_or_something_and_raise_nothing(entity: str, index: type[SmallIndex]) -> None:
    found = CorpusWiki(PAGES, name="test", index=index).find(entity)
    assert isinstance(found, Similar)
    assert len(found.titles) <= MOST_SIMILAR


def test_an_empty_corpus_answers() -> None:
    assert CorpusWiki([], name="empty", index=SmallIndex).find("Oslo") == Similar(titles=())


@settings(max_examples=60)
@given(
    st.lists(st.text("abcd stone ", max_size=40), min_size=1, max_size=12),
    st.text("abcd stone ", min_size=1, max_size=20),
)
def test_the_small_index_ranks_as_the_large_one(texts: list[str], query: str) -> None:
    small = SmallIndex(texts, analyzer=analyze).search(query, 5)
    large = Bm25Index.build(texts).search(query, len(texts))
    expected = dict(large)
    assert len(small) == min(5, len(large))
    for number, score in small:
        assert score == pytest.approx(expected[number], rel=1e-4)
    assert [score for _, score in small] == pytest.approx([score for _, score in large[:5]], rel=1e-4)


def test_both_indices_find_the_pages_of_a_volume_by_their_words() -> None:
    volume = open_volume("standard", seed=3, test=True, number=1)
    for title, article in list(volume.articles.items())[::10]:
        found = volume.wiki.find(" ".join((*article.page.paragraphs, "?")))
        assert isinstance(found, Similar)
        assert title in found.titles
