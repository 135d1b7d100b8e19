"""The action grammar: what is read from a reply, and what is not even tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.miniwob.grammar import MAX_ARGUMENT, Action, parse_action, refuse


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("Thought: x\nAction: clickxpath //a[2]", "clickxpath //a[2]"),
        ("Action: CLICKXPATH //A", "clickxpath //A"),
        ("action:type Hello there", "type Hello there"),
        ("Action: `type Hello` and then more", "type Hello"),
        ("type Hello", "type Hello"),
        ("`press Enter`", "press enter"),
        ("Action: press arrowDown", "press arrowdown"),
        ("Action: movemouse //li\nObservation: made up\nAction: clickxpath //b", "movemouse //li"),
        ("Action: clickoption //option[text()='a b']", "clickoption //option[text()='a b']"),
        ("Action: type  two  spaces ", "type  two  spaces"),
        ("Thought: Action: type no", None),
        ("Action: press space", None),
        ("Action: press enter twice", None),
        ("Action: type", None),
        ("Action: click //a", None),
        ("Action:\nclickxpath //a", None),
        ("I would clickxpath //a", None),
        ("Action: typewriter x", None),
        ("", None),
        ("``", None),
    ],
)
def test_the_line_of_the_first_mark_is_read(reply: str, read: str | None) -> None:
    found = parse_action(reply)
    assert (None if found is None else str(found)) == read


def test_typed_text_loses_its_double_quotes_and_knows_the_enter_key() -> None:
    assert Action("type", 'say "ls"\\n').text == "say ls\n"


@given(st.text())
def test_no_reply_raises_and_what_is_read_is_read_again(reply: str) -> None:
    found = parse_action(reply)
    if found is not None:
        assert parse_action(f"Action: {found}") == found
        assert "\n" not in found.argument
        assert found.argument.encode()


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("//a[b[c]]", ""),
        ("//div[.//span[text()='x']][.//a]//button", ""),
        ("//a[.//b[.//c]]", "whole page"),
        ("//*" * 60, "whole page"),
        ("//a[count(//following::*) > 1]", ""),
        ("//a[contains(translate(normalize-space(text()), 'A', 'a'), 'x')]", ""),
        ("//a[text()='[[[[']", ""),
        ("//a[b[c[d[e]]]]", "nested"),
        ("/" * (MAX_ARGUMENT + 1), "longer"),
    ],
)
def test_costly_xpaths_are_not_tried(argument: str, word: str) -> None:
    told = refuse(Action("clickxpath", argument))
    assert word in told
    assert bool(told) == bool(word)


def test_text_may_hold_brackets_but_not_be_endless() -> None:
    assert refuse(Action("type", "[[[[")) == ""
    assert refuse(Action("type", "x" * (MAX_ARGUMENT + 1)))
