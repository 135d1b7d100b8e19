"""When an answer is right."""

from __future__ import annotations

import pytest

from agenttuning.environments.worlds.rewoo.judge import read_verdict
from agenttuning.environments.worlds.rewoo.scoring import Match, matches, read_answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Thought: so.\nAnswer: 39", "39"),
        ("answer: **Paris**\nmore words", "Paris"),
        ("Answer: no.\nAnswer: yes", "yes"),
        ("  Paris \n", "Paris"),
        ("Answer:", ""),
        ("Answer:\nParis", "Paris"),
        ("", ""),
    ],
)
def test_the_answer_is_read_behind_its_mark(reply: str, answer: str) -> None:
    assert read_answer(reply) == answer


def test_an_endless_answer_is_cut() -> None:
    assert len(read_answer("A" * 100_000)) == 2_000


@pytest.mark.parametrize(
    ("match", "answer", "golds", "right"),
    [
        ("exact", "The Eiffel-Tower!", ("eiffeltower",), True),
        ("exact", "NYC", ("New York", "nyc"), True),
        ("exact", "Yes, it is", ("Yes",), False),
        ("exact", "implausible", ("plausible",), False),
        ("exact", "the", ("a",), False),
        ("number", "$1,080 in all", ("1080",), True),
        ("number", "1080.0", ("1,080",), True),
        ("number", "1080 or 1081", ("1080",), False),
        ("number", "no number", ("1080",), False),
        ("number", "-3", ("3",), False),
        ("quantity", "7 kilometers", ("7187 m", "7 km"), True),
        ("quantity", "7187 meters.", ("7187 m",), True),
        ("quantity", "540,000 kg·m/s", ("540000 kg*m/s",), True),
        ("quantity", "540000 kg m/s", ("540000 kg*m/s",), True),
        ("quantity", "0.26 m/s^2", ("0.26 m/s/s",), True),
        ("quantity", "0.3 meters per second squared", ("0.3 m/s/s",), True),
        ("quantity", "118.2 minutes", ("118.2 mins",), True),
        ("quantity", "7", ("7 km",), False),
        ("quantity", "7 m", ("7 km",), False),
        ("quantity", "about 7 km", ("7 km",), False),
        ("quantity", "9e999 m", ("7 km",), False),
    ],
)
def test_each_set_has_its_rule(match: Match, answer: str, golds: tuple[str, ...], right: bool) -> None:
    assert matches(answer, golds, match=match) == right


@pytest.mark.parametrize(
    ("reply", "correct", "readable"),
    [
        ("CORRECT", True, True),
        ("Incorrect.", False, True),
        ("The answer is correct.", True, True),
        ("CORRECT, not INCORRECT", False, False),
        ("I cannot say", False, False),
    ],
)
def test_the_judges_word_is_read(reply: str, correct: bool, readable: bool) -> None:
    assert read_verdict(reply) == (correct, readable)
