"""The action line, and what Search and Lookup show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.wiki.backend import Page, Similar
from agenttuning.environments.worlds.wiki.explorer import MAX_OBSERVATION, NO_PAGE, Explorer, read_action

OSLO = Page(
    title="Oslo",
    paragraphs=("Oslo is a city.", "It lies on a fjord.", "The CITY has trams.", "Trams are blue."),
    lead=2,
)


@pytest.mark.parametrize(
    ("line", "name", "argument", "exact"),
    [
        ("Search[Oslo]", "Search", "Oslo", True),
        ("Search[List of [odd] names]", "Search", "List of [odd] names", True),
        ("Finish[a] or b]", "Finish", "a] or b", True),
        (" Search[Oslo]", "Search", "Oslo", False),
        ("Search[Oslo].", "Search", "Oslo", False),
        ("..Search[Oslo]", "Search", "Oslo", False),
        ("Search[Oslo] and then Lookup[tram]", "Search", "Oslo] and then Lookup[tram", True),
        ("Search[Oslo] to see", "Search", "Oslo", False),
        ("search[Oslo]", "search", "Oslo", True),
        ("Search [Oslo]", "Search [Oslo]", "", False),
        ("Search[]", "Search[]", "", False),
        ("Search[Oslo", "Search[Oslo", "", False),
        ("I search Oslo.", "I search Oslo", "", False),
        ("", "", "", False),
    ],
)
def test_actions_are_read_as_in_2023(line: str, name: str, argument: str, exact: bool) -> None:
    action = read_action(line)
    assert (action.name, action.argument, action.exact) == (name, argument, exact)
    assert action.known == (name in ("Search", "Finish") and argument != "")


def test_a_search_shows_the_opening_or_similar_titles() -> None:
    explorer = Explorer()
    assert explorer.open("oslo", OSLO) == "Oslo is a city. It lies on a fjord."
    assert explorer.open("Osl", Similar(titles=("Oslo", "Osler's"))) == (
        """Could not find [Osl]. Similar: ['Oslo', "Osler's"]"""
    )
    assert explorer.open("Osl", Similar(titles=())) == "Could not find [Osl]. Similar: []"


def test_lookup_walks_the_passages_with_a_keyword_in_any_case() -> None:
    explorer = Explorer()
    explorer.open("Oslo", OSLO)
    assert explorer.lookup("city") == "(Result 1/2) Oslo is a city."
    assert explorer.lookup("City") == "(Result 2/2) The CITY has trams."
    assert explorer.lookup("city") == explorer.lookup("city") == "No More Results"
    assert explorer.lookup("fjord") == "(Result 1/1) It lies on a fjord."
    assert explorer.lookup("city") == "(Result 1/2) Oslo is a city."
    assert explorer.lookup("snow") == "No Results"


def test_a_new_page_starts_the_same_keyword_anew() -> None:
    explorer = Explorer()
    for _ in range(2):
        explorer.open("Oslo", OSLO)
        assert explorer.lookup("trams") == "(Result 1/2) The CITY has trams."


def test_there_is_no_lookup_before_a_page_or_after_a_failed_search() -> None:
    explorer = Explorer()
    assert explorer.lookup("tram") == NO_PAGE
    explorer.open("Oslo", OSLO)
    explorer.open("nowhere", Similar(titles=("Oslo",)))
    assert explorer.lookup("tram") == NO_PAGE


def test_line_breaks_controls_and_length_are_taken_out_of_what_is_shown() -> None:
    explorer = Explorer()
    page = Page(title="x", paragraphs=("one\ntwo\x00\x1b[31m\u2028three", "z" * 10_000_000))
    assert explorer.open("x", page) == "onetwo  [31m three"
    assert len(explorer.lookup("z")) == MAX_OBSERVATION


@given(st.text(max_size=400))
def test_any_text_can_be_searched_and_looked_up(text: str) -> None:
    explorer = Explorer()
    told = explorer.open(text, Similar(titles=(text,)))
    explorer.open("Oslo", OSLO)
    for shown in (told, explorer.lookup(text), str(read_action(text))):
        assert len(shown.encode()) <= 4 * MAX_OBSERVATION
        assert "\n" not in shown
