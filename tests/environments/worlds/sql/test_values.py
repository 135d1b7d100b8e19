"""Properties of MySQL's readings of text, and of the functions built on them."""

import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.sql.backend import MAX_CHARACTERS, MAX_ROWS, SqlError, capped
from agenttuning.environments.worlds.sql.functions import SCALARS, accepts
from agenttuning.environments.worlds.sql.text_functions import MAX_TEXT, like, regexp
from agenttuning.environments.worlds.sql.values import Value, as_integer, as_number, as_text, collate, compare, fold

cells = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=20), st.binary(max_size=9)
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12 km", 12.0),
        (" -3.5e2x", -350.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("x", 0.0),
        ("", 0.0),
        ("1e999", 1.7976931348623157e308),
    ],
)
def test_text_is_read_by_its_leading_number(text: str, number: float) -> None:
    assert as_number(text) == number


@pytest.mark.parametrize(
    ("value", "text"), [(6.0, "6"), (6.5, "6.5"), (None, None), (b"\xff", "\ufffd"), (10**18, "1" + "0" * 18)]
)
def test_values_print_as_mysql_prints_them(value: Value, text: str | None) -> None:
    assert as_text(value) == text


@given(cells)
def test_a_cast_to_signed_stays_in_64_bits(value: Value) -> None:
    whole = as_integer(value)
    assert (whole is None) == (value is None)
    assert whole is None or -(2**63) <= whole < 2**63


@given(cells, cells)
def test_comparison_is_antisymmetric_and_null_is_contagious(left: Value, right: Value) -> None:
    there, back = compare(left, right), compare(right, left)
    if left is None or right is None:
        assert there is back is None
    else:
        assert there is not None
        assert back == -there


@given(st.text(max_size=20))
def test_case_never_matters(text: str) -> None:
    assert collate(text, text) == 0
    assert fold(fold(text)) == fold(text) or not text.isascii()


@given(st.text("ab", max_size=8), st.text("ab%_", max_size=6))
def test_like_agrees_with_a_glob(text: str, pattern: str) -> None:
    glob = pattern.replace("%", "*").replace("_", "?")
    assert like(text, pattern) == int(fnmatch.fnmatchcase(text, glob))


def test_an_invalid_pattern_matches_nothing() -> None:
    assert regexp("a", "(") is None
    assert regexp("a" * MAX_TEXT, "(a+)+$") == 1


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(SCALARS.keys() - {"SLEEP", "RAND"})), st.lists(cells, max_size=4))
def test_no_function_raises_or_grows_without_bound(name: str, arguments: list[Value]) -> None:
    if accepts(name, len(arguments)):
        result = SCALARS[name](*arguments)
        assert result is None or isinstance(result, int | float) or len(result) <= MAX_TEXT


def test_fetching_stops_at_rows_and_at_characters() -> None:
    assert len(capped((number,) for number in range(10 * MAX_ROWS))) == MAX_ROWS
    wide = capped(("x" * 100_000,) for _ in range(500))
    assert len(wide) <= MAX_CHARACTERS // 100_000 + 1


def test_an_error_prints_as_the_driver_prints_it() -> None:
    assert str(SqlError(1146, "42S02", "Table 'a.b' doesn't exist")) == "1146 (42S02): Table 'a.b' doesn't exist"
