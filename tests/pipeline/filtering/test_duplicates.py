"""Near duplicates are those that the exact Jaccard index says, all of them and no others."""

from __future__ import annotations

import random

import pytest
from tests.pipeline.filtering.made import said

from agenttuning.pipeline.filter import FilterConfig, judge

pytest.importorskip("rensa", reason="needs the extra [fast]")


def shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[place : place + 5]) for place in range(len(words) - 4)}


def test_what_is_dropped_is_what_comparing_all_pairs_drops() -> None:
    dice = random.Random(3)
    texts = [[f"w{dice.randrange(500)}" for _ in range(120)] for _ in range(40)]
    for text in list(texts):
        for changes in (1, 2, 3, 6, 12):
            near = list(text)
            for place in dice.sample(range(120), changes):
                near[place] = "other"
            texts.append(near)
    played = [said("ask", " ".join(text), task=f"{number:03}") for number, text in enumerate(texts)]
    found = [one.verdict.reason for one in judge(played, FilterConfig(near_duplicates=0.8))]
    kept: list[set[tuple[str, ...]]] = []
    expected = []
    for text in texts:
        own = shingles(["ask", *text])
        near = any(len(own & other) / len(own | other) >= 0.8 for other in kept)
        expected.append("near duplicate" if near else "")
        if not near:
            kept.append(own)
    assert found == expected
    assert 60 < expected.count("near duplicate") < 160


def test_a_long_shared_instruction_makes_no_duplicates() -> None:
    told = " ".join(f"rule{number}" for number in range(500))
    played = [said(f"task {number}", f"answer {number}", task=str(number), instruction=told) for number in range(5)]
    assert all(one.verdict.kept for one in judge(played, FilterConfig(near_duplicates=0.5)))


def test_worlds_are_not_compared_with_each_other() -> None:
    text = " ".join(f"w{number}" for number in range(50))
    played = [said("ask", text), said("ask", f"{text} end", world="alfworld"), said("ask", f"{text} stop", task="2")]
    reasons = [one.verdict.reason for one in judge(played, FilterConfig(near_duplicates=0.9))]
    assert reasons == ["", "", "near duplicate"]
