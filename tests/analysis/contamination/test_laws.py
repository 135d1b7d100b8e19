"""Laws of the n-gram rule that hold for every text: what a person would be surprised to see broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.contamination.slow_rule import shares

from agenttuning.analysis.contamination import Reference, Rule

if TYPE_CHECKING:
    import random

VOCABULARY = [f"word{number}" for number in range(12)]
texts = st.lists(st.sampled_from(VOCABULARY), max_size=40).map(" ".join)
seeds = st.builds(Rule, n=st.integers(1, 6), tolerance=st.integers(0, 3))
windows = st.builds(Rule, n=st.integers(4, 6), tolerance=st.integers(0, 3), reading=st.just("strict"))
rules = seeds | windows
quick = settings(max_examples=60, deadline=None)


def tolerant(samples: list[str], text: str, rule: Rule) -> list[float]:
    return shares(samples, text, rule)


@quick
@given(st.data())
def test_a_paraphrase_with_at_most_four_changed_words_is_dirty(data: st.DataObject) -> None:
    """Whatever four words are changed, as long as ten in a row remain; the paper's constants."""
    length = data.draw(st.integers(25, 60))
    sample = [f"s{number}" for number in range(length)]
    start = data.draw(st.integers(0, length - 10))
    free = [place for place in range(length) if not start <= place < start + 10]
    changed = data.draw(st.sets(st.sampled_from(free), max_size=4))
    row = [f"other{place}" if place in changed else word for place, word in enumerate(sample)]
    share = tolerant([" ".join(sample)], f"it begins here {' '.join(row)} and goes on", Rule())[0]
    assert share > Rule().dirty


@quick
@given(st.data())
def test_a_text_with_a_change_in_every_ten_words_is_clean(data: st.DataObject) -> None:
    length = data.draw(st.integers(25, 60))
    phase = data.draw(st.integers(0, 9))
    row = [f"other{place}" if place % 10 == phase else f"s{place}" for place in range(length)]
    assert tolerant([" ".join(f"s{place}" for place in range(length))], " ".join(row), Rule()) == [0.0]


@quick
@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, max_size=5), rules, st.randoms(use_true_random=False))
def test_neither_the_order_of_texts_nor_of_samples_matters(
    samples: list[str], training: list[str], rule: Rule, draw: random.Random
) -> None:
    forward, backward = Reference(samples, rule), Reference(samples[::-1], rule)
    shuffled = draw.sample(training, len(training))
    for text in training:
        forward.match(text)
    for text in shuffled:
        backward.match(text)
    assert forward.shares().tolist() == backward.shares().tolist()[::-1]


@quick
@given(st.lists(texts, min_size=1, max_size=3), st.lists(texts, min_size=1, max_size=5), rules)
def test_more_training_text_never_makes_a_sample_cleaner(samples: list[str], training: list[str], rule: Rule) -> None:
    reference = Reference(samples, rule)
    before = reference.shares()
    for text in training:
        reference.match(text)
        after = reference.shares()
        assert (after >= before).all()
        before = after


@quick
@given(st.lists(texts, min_size=1, max_size=3), texts, st.integers(0, 12), st.integers(0, 12), rules)
def test_foreign_words_around_a_text_hide_nothing(
    samples: list[str], text: str, before: int, behind: int, rule: Rule
) -> None:
    """Around a text shorter than n they even give the strict reading a window to compare."""
    wrapped = tolerant(samples, " ".join(("foreign " * before, text, "foreign " * behind)), rule)
    plain = tolerant(samples, text, rule)
    assert all(one >= other for one, other in zip(wrapped, plain, strict=True))
    if rule.reading == "seed":
        assert wrapped == plain


@quick
@given(st.lists(texts, min_size=1, max_size=3), texts, rules)
def test_a_tolerant_match_holds_the_exact_one(samples: list[str], text: str, rule: Rule) -> None:
    exact, bridged = shares(samples, text, rule, exact=True), tolerant(samples, text, rule)
    assert all(one <= other <= 1.0 for one, other in zip(exact, bridged, strict=True))
    if rule.tolerance == 0:
        assert exact == bridged


@quick
@given(st.lists(texts, min_size=1, max_size=3), texts, st.integers(1, 5), st.integers(0, 3))
def test_a_longer_seed_finds_no_more(samples: list[str], text: str, n: int, tolerance: int) -> None:
    short, long = (tolerant(samples, text, Rule(n=size, tolerance=tolerance)) for size in (n, n + 1))
    assert all(more >= less for more, less in zip(short, long, strict=True))


@quick
@given(texts, rules)
def test_a_text_holds_itself_as_soon_as_it_is_long_enough(text: str, rule: Rule) -> None:
    share = 1.0 if len(text.split()) >= rule.n else 0.0
    assert tolerant([text], text, rule) == [share]
    assert tolerant([text], "\n\t".join(text.upper().split()), rule) == [share]


@quick
@given(st.lists(texts, min_size=1, max_size=4), texts, rules)
def test_samples_do_not_see_each_other(samples: list[str], text: str, rule: Rule) -> None:
    alone = [tolerant([sample], text, rule)[0] for sample in samples]
    assert tolerant(samples, text, rule) == alone


@quick
@given(st.lists(texts, min_size=1, max_size=3), texts, st.integers(4, 6), st.integers(0, 3))
def test_the_strict_reading_finds_all_that_the_default_finds(
    samples: list[str], text: str, n: int, tolerance: int
) -> None:
    usual = Rule(n=n, tolerance=tolerance)
    strict = usual.model_copy(update={"reading": "strict"})
    pairs = zip(tolerant(samples, text, usual), tolerant(samples, text, strict), strict=True)
    assert all(less <= more for less, more in pairs)
    assert shares(samples, text, usual, exact=True) == shares(samples, text, strict, exact=True)
