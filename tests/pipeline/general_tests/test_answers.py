from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agenttuning.pipeline.general_tests.answers import (
    ANSWER_WORDS,
    code_of,
    flexible_number,
    letter_of,
    paper_number,
    same_number,
    strict_number,
)
from agenttuning.pipeline.general_tests.items import read_gsm8k

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "flexible", "paper"),
    [
        ("The answer is 1,000.", "1000", "000"),
        ("It is -5.", "-5", "5"),
        ("So 3.5 litres.", "3.5", "5"),
        ("$20,800", "20800", "800"),
        ("That makes 042", "42", "042"),
        ("between 3-4", "4", "4"),
        ("no number", None, None),
        ("1,2 and 3", "3", "3"),
    ],
)
def test_numbers_are_read_as_numbers(text: str, flexible: str | None, paper: str | None) -> None:
    found = flexible_number(text)
    assert same_number(found, flexible) if flexible else found is None
    assert paper_number(text) == paper


def test_only_the_sentence_of_the_shots_is_strict() -> None:
    assert strict_number("Then 7. The answer is $1,250. (See step 2)") == "$1,250"
    assert strict_number("18. (See step 2)") is None


@pytest.mark.parametrize(
    ("said", "gold", "equal"),
    [("1,000", "1000", True), ("3.50", "3.5", True), ("-5", "5", False), (None, "5", False), ("..", "5", False)],
)
def test_numbers_are_compared_by_value(said: str | None, gold: str, equal: bool) -> None:
    assert same_number(said, gold) is equal


def test_gold_solutions_score_under_every_reading(official_data: Callable[[str], Path]) -> None:
    items = read_gsm8k(official_data("gsm8k"), "test")
    texts = [(f"{item.solution}\n{ANSWER_WORDS} {item.answer}.", item.answer) for item in items]
    assert all(
        same_number(flexible_number(text), gold) and same_number(strict_number(text), gold) for text, gold in texts
    )
    plain = [(text, gold) for text, gold in texts if gold.isdigit()]
    assert len(plain) > 1300
    assert all(same_number(paper_number(text), gold) for text, gold in plain)


@pytest.mark.parametrize(
    ("text", "letter"),
    [("Answer: B", "B"), (" (C).", "C"), ("I think A", "A"), ("Apples", None), ("I'd say D!", "D"), ("", None)],
)
def test_a_letter_stands_by_itself(text: str, letter: str | None) -> None:
    assert letter_of(text) == letter


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nx = 1\n```", "x = 1\n"),
        ("First\n```\na\n```\nbetter\n```py\nb\n```", "b\n"),
        ("```python\ncut off", "cut off"),
        ("x = 2", "x = 2"),
    ],
)
def test_the_last_block_counts(text: str, code: str) -> None:
    assert code_of(text) == code
