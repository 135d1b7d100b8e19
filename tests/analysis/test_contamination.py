"""The n-gram rule against a slow, obvious reading of it, and worked examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.analysis.contamination import Reference, Rule, extend, words


def slow_shares(samples: list[str], text: str, rule: Rule) -> list[float]:
    """Every alignment, every seed, grown token by token."""
    row = words(text)
    shares = []
    for sample in (words(sample) for sample in samples):
        inside = [False] * len(sample)
        for offset in range(-len(sample), len(row)):
            equal = [
                0 <= place + offset < len(row) and sample[place] == row[place + offset] for place in range(len(sample))
            ]
            for start in range(len(sample) - rule.n + 1):
                if not all(equal[start : start + rule.n]) or (start and equal[start - 1]):
                    continue
                stop = start
                while stop < len(sample) and equal[stop]:
                    stop += 1
                budget, end = rule.tolerance, stop
                for place in range(stop, len(sample)):
                    budget -= not equal[place]
                    if budget < 0:
                        break
                    end = place + 1 if equal[place] else end
                budget = rule.tolerance - sum(not equal[place] for place in range(stop, end))
                begin = start
                for place in range(start - 1, -1, -1):
                    budget -= not equal[place]
                    if budget < 0:
                        break
                    begin = place if equal[place] else begin
                inside[begin:end] = [True] * (end - begin)
        shares.append(sum(inside) / max(len(sample), 1))
    return shares


token_text = st.lists(st.sampled_from("abc"), max_size=24).map(" ".join)


@settings(max_examples=300)
@given(st.lists(token_text, min_size=1, max_size=4), token_text, st.integers(1, 5), st.integers(0, 3))
def test_equals_the_slow_reading(samples: list[str], text: str, n: int, tolerance: int) -> None:
    rule = Rule(n=n, tolerance=tolerance)
    exact = slow_shares(samples, text, Rule(n=n, tolerance=0))
    assert Reference(samples, rule).match(text).exact.tolist() == pytest.approx(exact)
    assert Reference(samples, rule).match(text).tolerant.tolist() == pytest.approx(slow_shares(samples, text, rule))


def test_an_exact_copy_is_wholly_contaminated_and_nine_words_are_not() -> None:
    sample = "put a clean mug on the desk and then turn on the lamp"
    assert Reference([sample], Rule()).match(f"before {sample} after").exact.tolist() == [1.0]
    assert Reference([sample], Rule()).match("put a clean mug on the desk and then").tolerant.tolist() == [0.0]


@pytest.mark.parametrize(("changed", "share"), [(4, 1.0), (5, 0.5)])
def test_four_changed_words_are_bridged_and_five_are_not(changed: int, share: float) -> None:
    sample = [f"w{number}" for number in range(30)]
    row = [*sample[:15], *["other"] * changed, *sample[15 + changed :]]
    row = row[: 15 + changed + 9] if changed == 5 else row
    assert Reference([" ".join(sample)], Rule()).match(" ".join(row)).tolerant[0] == share


def test_case_and_width_do_not_hide_a_copy() -> None:
    sample = "one two three four five six seven eight nine ten"
    assert Reference([sample], Rule()).match(sample.upper().replace("ONE", "\uff2f\uff2e\uff25")).tolerant[0] == 1.0


def test_the_union_grows_over_texts() -> None:
    reference = Reference(["a b c d e f"], Rule(n=3, tolerance=0))
    assert reference.match("a b c x").exact[0] == 0.5
    assert reference.match("d e f").exact[0] == 0.5
    assert reference.shares().tolist() == [1.0]


def test_extension_ends_on_equal_tokens() -> None:
    equal = np.array([[True, False, True, True, True, False, False, True]])
    assert extend(equal, Rule(n=3, tolerance=1)).tolist() == [[True] * 5 + [False] * 3]
    assert extend(equal, Rule(n=3, tolerance=2)).tolist() == [[False] * 2 + [True] * 6]


def test_samples_too_short_for_a_seed_are_never_matched() -> None:
    assert Reference(["what is two and two", ""], Rule()).match("what is two and two").tolerant.tolist() == [0.0, 0.0]
