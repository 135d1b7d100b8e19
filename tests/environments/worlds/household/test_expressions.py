from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.household.expressions import Expression, parse_expression, write_expression
from agenttuning.errors import DataError

atoms = st.text("abz_?-", min_size=1, max_size=4)
expressions = st.recursive(atoms, lambda inner: st.lists(inner, max_size=4), max_leaves=20)


def test_lower_cases_and_drops_comments() -> None:
    assert parse_expression("(And (Holds a) ; (not this)\n b)") == [["and", ["holds", "a"], "b"]]


def test_a_missing_parenthesis_is_added() -> None:
    assert parse_expression("(a (b c") == [["a", ["b", "c"]]]


def test_an_extra_parenthesis_is_skipped() -> None:
    assert parse_expression("(a)) (b)") == [["a"], ["b"]]


def test_a_bomb_of_parentheses_is_refused() -> None:
    with pytest.raises(DataError, match="nests more than"):
        parse_expression("(" * 100_000)


@given(st.lists(expressions, max_size=3))
def test_what_is_written_is_read_back(tops: list[Expression]) -> None:
    assert parse_expression(" ".join(write_expression(top) for top in tops)) == tops


@given(st.text("() ;ab\n", max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(parse_expression(text), list)
