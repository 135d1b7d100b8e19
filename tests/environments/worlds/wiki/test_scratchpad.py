"""The prompt of 2023."""

import re
from bisect import bisect_left
from functools import cache

import pytest

from agenttuning.environments.worlds.wiki.scratchpad import LONGEST_LINE, MOST_PIECES, Scratchpad, examples, first_line


def test_the_text_grows_by_numbered_lines() -> None:
    pad = Scratchpad("Where?", instruction="Answer.")
    opening = pad.ask("Thought")
    assert opening.endswith("(END OF EXAMPLES)\nQuestion: Where?\nThought 1:")
    pad.answer("I search.")
    assert pad.ask("Action") == f"{opening} I search.\nAction 1:"
    pad.answer("Search[x]")
    pad.observe("Nothing.")
    assert pad.ask("Thought") == f"{opening} I search.\nAction 1: Search[x]\nObservation 1: Nothing.\nThought 2:"


def test_the_examples_show_every_action_and_a_list_of_similar_titles() -> None:
    bridge, comparison = examples()
    told = f"{bridge}\n{comparison}"
    assert {"Search", "Lookup", "Finish"} == set(re.findall(r"^Action \d+: (\w+)\[", told, re.MULTILINE))
    assert "Could not find [" in bridge
    assert re.fullmatch(r"Question: .*(\n(Thought|Action|Observation) \d+: .+)+", bridge)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a sentence of six short words", 6),
        ("It's done", 3),
        ("1234567", 4),
        ("one, two.", 4),
        ("Cr\u00e8me br\u00fbl\u00e9e", 2),
        ("a\n\nb", 3),
    ],
)
def test_length_is_counted_in_pieces(text: str, pieces: int) -> None:
    pad = Scratchpad("Where?", instruction=None)
    repeats = _room() // pieces
    for times, expected in ((repeats - 2, False), (repeats + 2, True)):
        assert _too_long_after(f" {text}" * times) is expected
    assert not pad.too_long


@cache
def _room() -> int:
    """Return how many pieces may still be added to an opening prompt."""
    return bisect_left(range(MOST_PIECES), True, key=lambda count: _too_long_after(" x" * count))


def _too_long_after(told: str) -> bool:
    pad = Scratchpad("Where?", instruction=None)
    pad.answer(told)
    return pad.too_long


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (" Search[x]\nObservation 1: y", "Search[x]"),
        ("\nSearch[x]", ""),
        ("", ""),
        ("x" * 10_000, "x" * LONGEST_LINE),
    ],
)
def test_a_reply_counts_up_to_its_first_line_break(reply: str, line: str) -> None:
    assert first_line(reply) == line
