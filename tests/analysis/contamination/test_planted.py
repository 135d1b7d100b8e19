"""Planted contamination is found wherever it lies and however it is written; shuffled words are not taken for it."""

from __future__ import annotations

import random
import unicodedata
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest

from agenttuning.analysis.contamination import Reference, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.analysis.contamination.reference import Engine

STRICT = Rule(reading="strict")
LENGTH = 16
FILLER = [f"filler{number}" for number in range(400)]


@pytest.fixture(params=["numpy", "numba"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "numba":
        pytest.importorskip("numba", reason="needs the extra [fast]")
    return request.param  # type: ignore[no-any-return]


def changed(length: int, mismatches: int) -> Iterator[tuple[int, ...]]:
    """Yield every choice of that many places."""
    return combinations(range(length), mismatches)


def planted(places: tuple[int, ...], at: int) -> str:
    """Return filler with a sample in it, some of its tokens replaced."""
    row = [f"other{place}" if place in places else f"token{place}" for place in range(LENGTH)]
    return " ".join((*FILLER[:at], *row, *FILLER[at:40]))


def longest(places: tuple[int, ...]) -> int:
    """Return the longest run without a changed place."""
    edges = (-1, *places, LENGTH)
    return max(right - left - 1 for left, right in pairwise(edges))


@pytest.mark.parametrize("mismatches", [0, 1, 2, 3, 4])
def test_copies_with_mismatches_at_every_position_are_found(engine: Engine, mismatches: int) -> None:
    """Strictly always; by default exactly those in which ten tokens in a row are left."""
    sample = " ".join(f"token{place}" for place in range(LENGTH))
    cases = [(places, planted(places, sum(places) % 40)) for places in changed(LENGTH, mismatches)]
    for rule in (STRICT, Rule(n=13, reading="strict")):
        strict = Reference([sample], rule, engine=engine)
        assert all(match.tolerant.tolist() == [1.0] for _, match in strict.scan(cases))
    for places, match in Reference([sample], Rule(), engine=engine).scan(cases):
        assert bool(len(match.samples)) == (longest(places) >= 10)


def test_five_mismatches_in_every_window_are_found_by_neither(engine: Engine) -> None:
    sample = " ".join(f"token{place}" for place in range(40))
    row = " ".join(f"{'other' if place % 2 else 'token'}{place}" for place in range(40))
    for rule in (Rule(), STRICT):
        assert not len(Reference([sample], rule, engine=engine).match(row).samples)


VARIANTS = {
    "upper case": str.upper,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "thin spaces and tabs": lambda text: text.replace(" ", "\u2009\t"),
    "lines": lambda text: text.replace(" ", "\r\n"),
    "spaces before marks": lambda text: text.replace(",", " ,").replace("'", " ' "),
    "no space after marks": lambda text: text.replace(", ", ","),
    "ligatures": lambda text: text.replace("ffi", "\ufb03").replace("fi", "\ufb01").replace("fl", "\ufb02"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "mathematical letters": lambda text: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text),
    "soft hyphens": lambda text: text.replace("tr", "t\u00adr"),
    "zero-width joiners": lambda text: text.replace("w", "w\u200d"),
    "typographic quotes": lambda text: text.replace("'", "\u2019").replace('"', "\u201c"),
    "long dashes": lambda text: text.replace("-", "\u2014"),
    "sharp s": lambda text: text.replace("ss", "\u00df"),
}
VARIED = (
    """The office's first-class waffle-maker flew past Zo\u00eb's "coffee train", sir; it didn't cross Weststrasse."""
)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rule", [Rule(), STRICT], ids=["seed", "strict"])
def test_no_way_of_writing_hides_a_copy(engine: Engine, rule: Rule, variant: str) -> None:
    written = VARIANTS[variant](VARIED)
    assert written != VARIED
    text = f"It is told: {written} So much for that."
    assert Reference([VARIED], rule, engine=engine).match(text).exact.tolist() == [1.0]


@pytest.mark.parametrize("rule", [Rule(), STRICT], ids=["seed", "strict"])
def test_shuffled_samples_are_no_hit(engine: Engine, rule: Rule) -> None:
    """Many samples of common words, and a training side of the same words in another order."""
    dice = random.Random(5)
    common = [f"common{number}" for number in range(300)]
    samples = [" ".join(dice.choices(common, k=30)) for _ in range(200)]
    shuffled = [" ".join(dice.sample(sample.split(), 30)) for sample in samples for _ in range(3)]
    reference = Reference(samples, rule, engine=engine)
    assert all(not len(match.samples) for _, match in reference.scan((text, text) for text in shuffled))
    found = [match.samples.tolist() for _, match in reference.scan(enumerate(samples))]
    assert found == [[number] for number in range(200)]
