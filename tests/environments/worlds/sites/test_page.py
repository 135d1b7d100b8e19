"""Pages as text: equal to the original's on a real page, and safe on hostile ones."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.sites.page import ATTRIBUTES, NODE, Page, PageError
from agenttuning.environments.worlds.sites.question import ask


def _page(inner: str) -> Page:
    return Page(f'<html {NODE}="0"><body {NODE}="b">{inner}</body></html>')


def test_context_choices_and_letters_of_a_real_page_are_the_originals(official_data: Callable[[str], Path]) -> None:
    lines = (official_data("mind2web") / "seeact_queries.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    page = Page(rows[0]["cleaned_html"])
    assert [len(row["choices"]) for row in rows] == [16, 17, 17]
    for row in rows:
        wanted = [node for node, _ in row["choices"]]
        view = page.view(reversed(wanted))
        assert view.context == row["context_html"]
        assert [list(choice) for choice in view.choices] == row["choices"]
        question = ask(page, wanted, task=row["confirmed_task"], previous=row["previous_actions"])
        assert question.text.startswith(f"'''\n{row['context_html']}\n'''\n\n")
        listed = "A. None" + row["question"].rpartition("A. None")[2]
        assert question.text.endswith(f"\n\n{listed.strip()}\n")


def test_ancestors_near_siblings_and_descendants_are_kept_and_bare_wrappers_are_not() -> None:
    items = "".join(f'<li {NODE}="i{n}"><text {NODE}="t{n}">{n}</text></li>' for n in range(9))
    page = _page(f'<div {NODE}="w"><ul {NODE}="u" role="list">{items}</ul></div>')
    near = "<li>1</li><li>2</li><li>3</li><li id=0>4</li><li>5</li><li>6</li><li>7</li>"
    assert page.view(["i4"]).context == f"<html><ul list>{near}</ul></html>"


def test_six_levels_and_fifty_nodes_below_a_candidate_are_kept() -> None:
    deep = "".join(f'<p {NODE}="p{n}" title="level{n}">' for n in range(1, 9)) + "</p>" * 8
    assert _page(f'<a {NODE}="c">{deep}</a>').view(["c"]).context.count("level") == 6
    wide = "".join(f'<i {NODE}="n{n}" title="n{n}"/>' for n in range(70))
    assert _page(f'<a {NODE}="c">{wide}</a>').view(["c"]).context.count("<i ") == 50


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ('class="icon" role="Tab" name="Go Now"', " tab go now icon "),
        ('title="Same" name="same" alt="SAME"', " same "),
        ('role="presentation" type="hidden" title="null" name="http://a.b"', " "),
        ('title="one two three four five six"', " one two three four five "),
        ('title="abcdefghijklmno abcdefghijklmn"', " abcdefghijklmn "),
        ('href="/x" id="y" data-z="z" title="kept"', " kept "),
        ('title="a &quot;b&quot; &lt;c&gt; &amp; &amp;lt;"', ' a "b" <c> & < '),
    ],
)
def test_attributes_shrink_to_the_words_that_tell_something(attributes: str, told: str) -> None:
    page = _page(f'<input {NODE}="c" {attributes}/>')
    assert page.view(["c"]).choices == (("c", f"<input id=0{told}/>"),)


def test_all_attributes_together_have_twenty_words() -> None:
    many = " ".join(f'{name}="{name}1 {name}2 {name}3"' for name in ATTRIBUTES if len(name) < 12)
    assert len(_page(f'<p {NODE}="c" {many}/>').words("c").split()) == 20


def test_choices_stand_in_the_order_of_the_page_and_have_ten_words() -> None:
    words = " ".join(f"w{n}" for n in range(30))
    page = _page(f'<a {NODE}="9"><text {NODE}="t">{words}</text></a><a {NODE}="3"/>')
    first = "<a id=0>w0 w1 w2 w3 w4 w5 w6 w7 w8"
    assert page.view(["3", "9"]).choices == (("9", first), ("3", "<a id=1 />"))


def test_two_views_of_a_page_do_not_disturb_each_other() -> None:
    page = _page(f'<a {NODE}="1" title="one"/><a {NODE}="2" title="two"/>')
    alone = page.view(["2"])
    page.view(["1"])
    page.view(["1", "2"])
    assert page.view(["2"]) == alone


@pytest.mark.parametrize(
    "html", ["", "no page", "<html><p></html>", "<a></a><b></b>", "<p\x00/>", "<" * 5000, "\ud800"]
)
def test_what_is_no_xml_is_said_to_be_none(html: str) -> None:
    with pytest.raises(PageError, match="no XML"):
        Page(html)


def test_entities_do_not_grow_and_files_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    outside = f'<!DOCTYPE p [<!ENTITY x SYSTEM "{secret.as_uri()}">]><p {NODE}="c"><text>&x;</text></p>'
    assert "s3cret" not in Page(outside).view(["c"]).context
    bomb = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    with pytest.raises(PageError, match="amplification"):
        Page(f'<!DOCTYPE p [<!ENTITY e0 "lol">{bomb}]><p {NODE}="c"><text>&e9;</text></p>')


def test_a_node_that_is_not_there_is_named() -> None:
    with pytest.raises(PageError, match="'7'"):
        _page("").view(["7"])
    assert _page(f'<a {NODE}="2"/><a {NODE}="1"/>').ordered(["1", "7", "2"]) == ("2", "1")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_script_is_shown_as_it_stands(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    page = _page(f'<a {NODE}="c"><text {NODE}="t">{escaped}</text></a>')
    words = " ".join(text.split()[:20])
    assert page.words("c") == words
    if not set(words) & set('"&<>'):
        assert words in page.view(["c"]).context
