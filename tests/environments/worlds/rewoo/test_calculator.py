"""The calculator: exact arithmetic, what is read, what is refused, and what the annotations of gsm8k say."""

from __future__ import annotations

import gzip
import json
import re
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.rewoo.calculator import CalculatorError, calculate, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1,200 * (3 + 4)", "8400"),
        ("0.1 + 0.2", "0.3"),
        ("7 / 3", "2.33333333333"),
        ("1/3 * 3", "1"),
        ("-2 ** 2", "-4"),
        ("2 ^ 3 ^ 2", "512"),
        ("2 ** -3", "0.125"),
        ("10 - 4 - 3", "3"),
        ("7 // 2 + 10 % 3", "4"),
        ("50% * 80", "40"),
        ("50% of 80", "40"),
        ("20 + 5%", "20.05"),
        ("3 x 4 \u00d7 5 \u00f7 2", "30"),
        ("3x4", "12"),
        ("$1,000.50 \u2212 \u20ac0.50", "1000"),
        ("1.5e3 + .5 + 2.", "1502.5"),
        ("{2 + 3} * [4]", "20"),
        ("sqrt(16) + abs(-3) + round(2.5) + floor(2.9) + ceil(2.1)", "15"),
        ("max(3, 4) - min(1, 2, 3)", "3"),
        ("sin(pi / 6) + ln(e)", "1.5"),
        ("--3 +-+ 2", "1"),
        ("12 + 30 = ?", "42"),
        ("[It is 48 m deep.] / 2", "24"),
        ("abs([The year of birth is 1912.] - [It came out in 1,951.])", "39"),
        ("[[2] * [a 3 b]] + 1", "7"),
        ("0.1 ** 2 - 0.01", "0"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("9**9**9**9", "too large"),
        ("1e999", "too large"),
        ("10 ** 400", "too large"),
        ("exp(1000)", "no value there"),
        ("1e200 ** 0.5 * 1e300 * sqrt(1e300)", "too large"),
        ("1/0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("5 % 0", "division by zero"),
        ("(-8) ** 0.5", "does not exist"),
        ("sqrt(-1)", "no value there"),
        ("", "a value is missing"),
        ("2 +", "a value is missing"),
        ("2 3", "'3' was not expected"),
        ("two plus three", "'two plus three' was not expected"),
        ("(2", "')' is missing"),
        ("[2", "']' is missing"),
        ("sqrt 4", "'(' is missing"),
        ("sqrt(4, 5)", "takes one value, not 2"),
        ("[no number here] * 2", "names 0 numbers"),
        ("[from 3 to 5] * 2", "names 2 numbers"),
        ("__import__('os')", "was not expected"),
        ("(" * 10_000, "at most 4000 characters"),
        ("(" * 1_000, "nested deeper"),
        ("[" * 500 + "]" * 500, "names 0 numbers"),
        ("2**" * 1_000 + "2", "nested deeper"),
        ("1 if 2 else 3", "was not expected"),
    ],
)
def test_what_is_refused(expression: str, told: str) -> None:
    with pytest.raises(CalculatorError, match=re.escape(told)):
        calculate(expression)


NUMBERS = st.integers(0, 999).map(str) | st.decimals(0, 99, places=2).map(str)
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_sums_and_products_are_exact(expression: str) -> None:
    exact = re.sub(r"\d+(\.\d+)?", lambda found: f"Fraction('{found[0]}')", expression)
    assert evaluate(expression) == eval(exact, {"Fraction": Fraction})  # our own text, as the reference


@given(st.text(st.sampled_from("0123456789.,+-*/%^()[]exX pisqrtmaxofE$="), max_size=60))
def test_no_text_does_more_than_refuse(expression: str) -> None:
    with suppress(CalculatorError):
        assert calculate(expression)


def test_the_arithmetic_of_gsm8k_comes_out_as_its_authors_wrote_it(official_data: Callable[[str], Path]) -> None:
    rows = gzip.decompress((official_data("gsm8k") / "train.jsonl.gz").read_bytes()).splitlines()
    found = [pair for row in rows for pair in re.findall(r"<<([^=<>]*)=([^<>]*)>>", json.loads(row)["answer"])]
    assert len(found) == 23_716
    for formula, value in found[::5]:
        assert float(evaluate(formula)) == pytest.approx(float(evaluate(value)), rel=1e-6, abs=0.01)
