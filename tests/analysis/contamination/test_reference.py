"""The n-gram rule against a slow, obvious reading of it, and worked examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.analysis.contamination.slow_rule import shares, slow_shares

from agenttuning.analysis.contamination import Reference, Rule

token_text = st.lists(st.sampled_from("abc"), max_size=24).map(" ".join)


@settings(max_examples=300)
@given(st.lists(token_text, min_size=1, max_size=4), token_text, st.integers(1, 5), st.integers(0, 3))
def test_seeds_equal_the_slow_reading(samples: list[str], text: str, n: int, tolerance: int) -> None:
    rule = Rule(n=n, tolerance=tolerance)
    exact = slow_shares(samples, text, Rule(n=n, tolerance=0))
    assert shares(samples, text, rule, exact=True) == pytest.approx(exact)
    assert shares(samples, text, rule) == pytest.approx(slow_shares(samples, text, rule))


@settings(max_examples=300)
@given(st.lists(token_text, min_size=1, max_size=4), token_text, st.integers(1, 6), st.integers(0, 4))
def test_windows_equal_the_slow_reading(samples: list[str], text: str, n: int, tolerance: int) -> None:
    rule = Rule(n=max(n, tolerance + 1), tolerance=tolerance, reading="strict")
    assert shares(samples, text, rule) == pytest.approx(slow_shares(samples, text, rule))


def test_an_exact_copy_is_wholly_contaminated_and_nine_words_are_not() -> None:
    sample = "put a clean mug on the desk and then turn on the lamp"
    assert shares([sample], f"before {sample} after", Rule(), exact=True) == [1.0]
    assert shares([sample], "put a clean mug on the desk and then", Rule()) == [0.0]


@pytest.mark.parametrize(("changed", "share"), [(4, 1.0), (5, 0.5)])
def test_four_changed_words_are_bridged_and_five_are_not(changed: int, share: float) -> None:
    sample = [f"w{number}" for number in range(30)]
    row = [*sample[:15], *["other"] * changed, *sample[15 + changed :]]
    row = row[: 15 + changed + 9] if changed == 5 else row
    assert shares([" ".join(sample)], " ".join(row), Rule()) == [share]


def test_the_union_grows_over_texts_in_whatever_pieces_they_come() -> None:
    texts = ["a b c x", "nothing of it", "d e f"]
    reference = Reference(["a b c d e f"], Rule(n=3, tolerance=0))
    found = [(number, match.exact.tolist()) for number, match in reference.scan(enumerate(texts))]
    assert found == [(0, [0.5]), (1, []), (2, [0.5])]
    assert reference.shares().tolist() == [1.0]


def test_a_match_does_not_run_from_one_text_into_the_next() -> None:
    reference = Reference(["a b c d e f"], Rule(n=3, tolerance=1))
    assert all(not len(match.samples) for _, match in reference.scan(enumerate(["a b", "c d", "e f"])))


def test_extension_ends_on_equal_tokens() -> None:
    sample, text = "a b c d e f g h", "a x c d e y z h"
    assert shares([sample], text, Rule(n=3, tolerance=1)) == [5 / 8]
    assert shares([sample], text, Rule(n=3, tolerance=2)) == [6 / 8]


def test_spans_say_where_the_match_lies() -> None:
    spans = Reference(["a b c d e f g h"], Rule(n=3, tolerance=1)).match("so it was: a x c d e y z h").spans
    assert (spans.start.tolist(), spans.stop.tolist(), spans.shift.tolist()) == ([0], [5], [4])
    assert (spans.seed_start.tolist(), spans.seed_stop.tolist()) == ([2], [5])


def test_samples_too_short_for_a_seed_are_never_matched() -> None:
    assert shares(["what is two and two", ""], "what is two and two", Rule()) == [0.0, 0.0]


def test_ids_of_a_tokenizer_are_compared_as_they_are() -> None:
    def encode(texts: object) -> list[list[int]]:
        return [[ord(letter) for letter in text] for text in texts]  # type: ignore[attr-defined]

    reference = Reference(["abcdefghijkl"], Rule(), encode=encode)
    assert reference.match("xxabcdefghijklxx").exact.tolist() == [1.0]
    assert reference.match("ABCDEFGHIJKL").exact.tolist() == []


def test_boilerplate_is_no_samples_own_text() -> None:
    frame, rule = "answer in one short sentence", Rule(n=4, tolerance=0)
    samples = [f"{frame} {word} {word} {word} {word} end" for word in ("x", "y", "z", "w")] + [f"{frame} now"]

    def exact(reference: Reference, text: str) -> dict[int, float]:
        found = reference.match(text)
        return {
            sample: share for sample, share in zip(found.samples.tolist(), found.exact.tolist(), strict=True) if share
        }

    reference = Reference(samples, rule)
    assert exact(reference, f"{frame} or not") == {0: 0.5, 1: 0.5, 2: 0.5, 3: 0.5, 4: 5 / 6}
    reference.leave_out_boilerplate(["a"] * 5, share=0.5)
    assert reference.lengths.tolist() == [5, 5, 5, 5, 1]
    assert exact(reference, f"{frame} or not") == {}
    assert exact(reference, f"{frame} y y y y end") == {1: 1.0}
    assert exact(reference, f"{frame} now") == {}
    assert reference.shares().tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]
    reference.leave_out_boilerplate(["a", "a", "a", "a", "b"], share=0.5)
    assert reference.lengths.tolist() == [10, 10, 10, 10, 6]


def test_a_strict_rule_needs_a_piece_without_a_mismatch() -> None:
    with pytest.raises(ValidationError, match="n above tolerance"):
        Rule(n=4, tolerance=4, reading="strict")
