"""numba, numpy and the slow reading find the same, and words are cut in the kernel as the pattern cuts them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.analysis.contamination.slow_rule import shares, slow_shares

from agenttuning.analysis.contamination import Reference, Rule, words

pytest.importorskip("numba", reason="needs the extra [fast]")

from agenttuning.analysis.contamination.compiled_matcher import CompiledMatcher, WordSearch
from agenttuning.analysis.contamination.compiled_words import look_up, open_table
from agenttuning.analysis.contamination.index import build_index
from agenttuning.errors import MissingExtraError

token = st.sampled_from(["a", "B", "c", "d\u00e9", "\uff45", "\ufb01n", "\u4e2d\u6587", ",", "x"])
text = st.lists(token, max_size=30).map(" ".join)
seeds = st.builds(Rule, n=st.integers(1, 5), tolerance=st.integers(0, 3))
windows = st.builds(Rule, n=st.integers(4, 6), tolerance=st.integers(0, 3), reading=st.just("strict"))


@settings(max_examples=100)
@given(st.lists(text, min_size=1, max_size=4), st.lists(text, min_size=1, max_size=4), seeds | windows)
def test_both_engines_find_the_same_matches_in_the_same_order(
    samples: list[str], training: list[str], rule: Rule
) -> None:
    fast, plain = (Reference(samples, rule, engine=engine) for engine in ("numba", "numpy"))
    for (_, one), (_, other) in zip(fast.scan(enumerate(training)), plain.scan(enumerate(training)), strict=True):
        assert [column.tolist() for column in one.spans] == [column.tolist() for column in other.spans]
        assert (one.samples.tolist(), one.exact.tolist()) == (other.samples.tolist(), other.exact.tolist())
        assert one.tolerant.tolist() == other.tolerant.tolist()
    assert fast.shares().tolist() == plain.shares().tolist()


@settings(max_examples=100)
@given(st.lists(text, min_size=1, max_size=4), text, seeds | windows)
def test_the_compiled_loops_equal_the_slow_reading(samples: list[str], training: str, rule: Rule) -> None:
    assert shares(samples, training, rule, engine="numba") == pytest.approx(slow_shares(samples, training, rule))


@settings(max_examples=300)
@given(st.lists(st.text(), max_size=4))
@example(["a\ud800b", "\x1c\x85\xa0_\u0301x", "\U0001d7d8\U00020000z", "a" * 300, ""])
def test_the_kernel_cuts_words_where_the_pattern_cuts_them(texts: list[str]) -> None:
    rule = Rule(n=1)
    index = build_index([], piece=1)
    search = WordSearch(CompiledMatcher(index, rule), index, rule, vocabulary=[])
    hashes, bounds = search.hashed(texts)
    cut = [words(text) for text in texts]
    assert bounds.tolist() == [sum(map(len, cut[:number])) for number in range(len(cut) + 1)]
    same = dict(zip((word for row in cut for word in row), hashes.tolist(), strict=True))
    assert [same[word] for row in cut for word in row] == hashes.tolist()
    assert len(set(same.values())) == len(same)


def test_an_open_table_finds_its_keys_and_no_others() -> None:
    import numpy as np

    keys = np.unique(np.random.default_rng(0).integers(0, 2**63, 5000).astype(np.uint64))
    table = open_table(keys)
    assert look_up(keys, table).tolist() == list(range(len(keys)))
    assert set(look_up(keys + np.uint64(1), table).tolist()) == {-1}


def test_without_numba_numpy_takes_over_and_asking_for_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "numba", None)
    for name in ("compiled_words", "compiled_match", "compiled_matcher"):
        monkeypatch.delitem(sys.modules, f"agenttuning.analysis.contamination.{name}", raising=False)
    assert Reference(["a b c"], Rule(n=3)).match("a b c").exact.tolist() == [1.0]
    with pytest.raises(MissingExtraError, match=r"agenttuning\[fast\]"):
        Reference(["a b c"], Rule(n=3), engine="numba")
