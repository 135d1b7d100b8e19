"""Numbers in texts, exact decimals, cuts and places: MySQL's readings beside slow ones of our own."""

from __future__ import annotations

import asyncio
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cmp_to_key
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.functions import SCALARS
from agenttuning.environments.worlds.sql.sqlite import SqliteDatabase
from agenttuning.environments.worlds.sql.table import Table, table_hash
from agenttuning.environments.worlds.sql.values import as_integer, as_number, as_text, collate, compare, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIXED = st.tuples(
    st.sampled_from(["", " ", "\t  "]),
    st.from_regex(r"\A[+-]?([0-9]{1,6}(\.[0-9]{0,4})?|\.[0-9]{1,4})([eE][+-]?[0-9]{1,2})?\Z"),
    st.sampled_from(["", " km", "x", "e", ".", "-", "%"]),
)
WORDS = st.text("aAäÄbB éE'", max_size=6)
DECIMALS = st.decimals(-9999, 9999, places=2).map(lambda number: f"{number:f}")


def rows_of(*statements: str, table: Table | None = None) -> list[object]:
    """Return the first row of each statement's result."""

    async def play() -> list[object]:
        database = SqliteDatabase(table or Table(name="t", columns=("a",), rows=()))
        await database.open()
        shown = [await database.execute(statement) for statement in statements]
        await database.close()
        return [result if isinstance(result, SqlError) else result[0] for result in shown]

    return asyncio.run(play())


def slow_number(text: str) -> float:
    """Read the longest beginning that Python takes for a plain number."""
    text = text.lstrip()
    for end in range(len(text), 0, -1):
        if re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", text[:end].lower()):
            try:
                return float(text[:end])
            except ValueError:
                continue
    return 0.0


@given(PREFIXED)
def test_a_text_counts_by_the_number_it_begins_with(parts: tuple[str, str, str]) -> None:
    text = "".join(parts)
    assert as_number(text) == slow_number(text)


@given(
    st.integers(-(10**22), 10**22), st.sampled_from(["", " ", "  +", "00", " -0"]), st.sampled_from(["", ".9", "e5"])
)
def test_a_cast_to_signed_takes_the_digits_and_no_more(number: int, before: str, after: str) -> None:
    assume(not (before.strip() and number < 0))
    sign = -1 if before.strip().startswith("-") else 1
    expected = max(-(2**63), min(2**63 - 1, sign * number))
    assert as_integer(f"{before}{number}{after}") == expected


@given(st.integers(-(10**14), 10**14))
def test_a_whole_number_survives_text(number: int) -> None:
    assert as_number(as_text(number)) == as_integer(as_text(float(number))) == number


@given(st.lists(WORDS, max_size=12))
def test_order_is_one_order_whatever_the_case_and_the_accents(words: list[str]) -> None:
    ordered = sorted(words, key=cmp_to_key(collate))
    assert ordered == sorted(words, key=fold)
    assert [fold(word) for word in ordered] == sorted(
        word.lower().replace("ä", "a").replace("é", "e") for word in words
    )


@given(st.floats(-1e6, 1e6), WORDS)
def test_a_number_meets_a_text_as_a_number_and_a_text_as_a_text(number: float, word: str) -> None:
    value = as_number(word)
    assert value is not None
    assert compare(number, word) == (number > value) - (number < value)
    assert compare(word, word.swapcase()) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DECIMALS, st.sampled_from("+-*"), DECIMALS), min_size=1, max_size=4))
def test_exact_arithmetic_is_pythons(sums: list[tuple[str, str, str]]) -> None:
    expressions = [f"{left} {sign} ({right})" for left, sign, right in sums]
    (shown,) = rows_of(f"SELECT {', '.join(expressions)}")
    for (left, sign, right), found in zip(sums, shown, strict=True):
        one, other = Decimal(left), Decimal(right)
        exact = {"+": one + other, "-": one - other, "*": one * other}[sign]
        assert isinstance(found, Decimal)
        assert (found, found.as_tuple().exponent) == (exact, exact.as_tuple().exponent) or not exact


@settings(max_examples=60, deadline=None)
@given(st.integers(-9999, 9999), st.integers(1, 999))
def test_a_quotient_of_whole_numbers_has_four_digits_rounded_away_from_zero(left: int, right: int) -> None:
    exact = (Decimal(left) / Decimal(right)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    assume(exact)
    assert rows_of(f"SELECT {left} / {right}, {left} DIV {right}, {left} % {right}") == [
        (exact, int(left / right), left - right * int(left / right))
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-999, 999), min_size=1, max_size=9))
def test_sums_over_casts_are_exact_and_over_text_are_not(numbers: list[int]) -> None:
    table = Table(name="t", columns=("a",), rows=tuple((str(number),) for number in numbers))
    ((exact, plain, mean, least),) = rows_of(
        "SELECT SUM(CAST(a AS SIGNED)), SUM(a), AVG(CAST(a AS SIGNED)), MIN(CAST(a AS SIGNED)) FROM t", table=table
    )
    assert (repr(exact), plain, least) == (f"Decimal('{sum(numbers)}')", float(sum(numbers)), min(numbers))
    assert isinstance(plain, float)
    assert abs(mean - Decimal(sum(numbers)) / len(numbers)) <= Decimal("0.00005")


@given(st.text("abc", max_size=7), st.integers(-9, 9), st.integers(-2, 9))
def test_a_substring_is_found_by_walking(text: str, start: int, length: int) -> None:
    first = start if start > 0 else len(text) + start + 1
    walked = "".join(
        letter for place, letter in enumerate(text, start=1) if start and first > 0 and first <= place < first + length
    )
    assert SCALARS["SUBSTRING"](text, start, length) == walked
    assert SCALARS["LEFT"](text, length) == "".join(list(text)[: max(0, length)])
    assert SCALARS["RIGHT"](text, length) == "".join(reversed(list(reversed(text))[: max(0, length)]))


@given(st.text("ab-", max_size=9), st.sampled_from(["-", "a", "ab", "--"]), st.integers(-4, 4))
def test_what_stands_before_the_nth_mark(text: str, mark: str, count: int) -> None:
    found = SCALARS["SUBSTRING_INDEX"](text, mark, count)
    if count > 0:
        assert text.startswith(found)
        assert found == text or (text[len(found) :].startswith(mark) and found.count(mark) == count - 1)
    elif count < 0:
        assert text.endswith(found)
    else:
        assert found == ""


@given(st.text("abA", max_size=6), st.text("abA", max_size=8), st.integers(1, 6))
def test_a_place_is_the_first_where_the_part_stands(part: str, text: str, start: int) -> None:
    lower = text.lower()
    places = [place for place in range(start, len(text) + 2) if lower[place - 1 :].startswith(part.lower())]
    assert SCALARS["LOCATE"](part, text, start) == (places[0] if places else 0)
    assert SCALARS["INSTR"](text, part) == SCALARS["LOCATE"](part, text)


@given(st.text("ab", max_size=6), st.integers(0, 9), st.text("xy", min_size=1, max_size=3))
def test_a_padded_text_has_the_length_and_keeps_its_own_letters(text: str, length: int, filler: str) -> None:
    left, right = SCALARS["LPAD"](text, length, filler), SCALARS["RPAD"](text, length, filler)
    assert len(left) == len(right) == length
    assert left.endswith(text[:length])
    assert right.startswith(text[:length])
    assert set(left + right) <= set(text + filler)


@given(st.decimals(-999_999, 999_999, places=3))
def test_a_formatted_number_has_groups_of_three_and_reads_back(number: Decimal) -> None:
    shown = SCALARS["FORMAT"](f"{number:f}", 2)
    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*\.\d\d", shown)
    assert abs(Decimal(shown.replace(",", "")) - number) <= Decimal("0.005")


@given(
    st.lists(st.lists(st.one_of(st.none(), st.text("ab,", max_size=3)), min_size=2, max_size=2), max_size=6), st.data()
)
def test_a_table_hash_knows_cells_and_no_order(rows: list[Sequence[str | None]], data: st.DataObject) -> None:
    assert table_hash(data.draw(st.permutations(rows))) == table_hash(rows)
    assert table_hash([*rows, ("zz", "z")]) != table_hash(rows)
    if rows:
        place = data.draw(st.integers(0, len(rows) - 1))
        changed = [*rows[:place], (*rows[place], "z"), *rows[place + 1 :]]
        assert table_hash(changed) != table_hash(rows)


@pytest.mark.parametrize(("left", "right"), [("ß", "ss"), ("Å", "a"), ("ñ", "N"), ("\ufb01", "fi"), ("İ", "i")])
def test_letters_that_the_collation_takes_for_one(left: str, right: str) -> None:
    assert collate(left, right) == 0
