"""A reply's text while its tokens arrive: nothing shown is ever taken back, and no stop string is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.tokenizers import bytelevel_tokenizer, compact_tokenizer, metaspace_tokenizer

from agenttuning.models.reply_text import ReplyText, decode, find_stop, settled_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedTokenizerBase

text = st.text(st.sampled_from("ab\nX€é😀 "), max_size=30)
stops = st.lists(st.text(st.sampled_from("ab\nX€"), min_size=1, max_size=3), max_size=3)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return compact_tokenizer()


@settings(deadline=None, max_examples=80)
@given(text, stops)
def test_the_pieces_of_a_stream_are_the_reply(tokenizer: PreTrainedTokenizerBase, whole: str, stop: list[str]) -> None:
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    growing = ReplyText(tokenizer, stop)
    shown, ids_read = "", 0
    while ids_read < len(ids):
        ids_read += 1
        growing.update(ids[:ids_read])
        shown += growing.release(last=ids_read == len(ids))
        assert "\ufffd" not in shown
        assert not any(mark in shown for mark in stop)
        if growing.stop_text:
            break
    ended = decode(tokenizer, ids[:ids_read])
    assert whole.startswith(ended)
    found = find_stop(ended, stop)
    assert shown == growing.text == (ended[: found[0]] if found else whole)
    assert growing.stop_text == (found[1] if found else "")


@given(text, stops)
def test_the_first_stop_string_wins(whole: str, stop: list[str]) -> None:
    found = find_stop(whole, stop)
    if found is None:
        assert not any(mark in whole for mark in stop)
        return
    at, mark = found
    assert whole[at:].startswith(mark)
    assert all(whole.find(other) in {-1, at} or whole.find(other) > at for other in stop)
    assert not any(whole.startswith(other, at) and len(other) < len(mark) for other in stop)


@given(text, text, stops)
def test_what_is_settled_does_not_change_whatever_follows(before: str, behind: str, stop: list[str]) -> None:
    if find_stop(before, stop):
        return
    settled = before[: settled_length(before, stop)]
    found = find_stop(before + behind, stop)
    assert (before + behind)[: found[0] if found else None].startswith(settled)


@pytest.mark.parametrize(
    ("held", "stop", "length"),
    [
        ("abc", ("\nUser:",), 3),
        ("abc\nUs", ("\nUser:",), 3),
        ("abc\nUs", ("\nUser:", "s!"), 3),
        ("abc\n", ("x",), 4),
        ("ab\ufffd", (), 2),
        ("abX\ufffd", ("X€",), 2),
        ("", ("x",), 0),
    ],
)
def test_an_end_that_may_become_a_stop_string_is_held_back(held: str, stop: tuple[str, ...], length: int) -> None:
    assert settled_length(held, stop) == length


def test_special_tokens_are_no_text(tokenizer: PreTrainedTokenizerBase) -> None:
    ids = tokenizer("ab", add_special_tokens=False)["input_ids"]
    assert decode(tokenizer, [*ids, tokenizer.eos_token_id]) == "ab"


@pytest.mark.parametrize("make", [compact_tokenizer, metaspace_tokenizer, bytelevel_tokenizer])
@settings(deadline=None, max_examples=25)
@given(st.text(st.sampled_from("ab dr1\n.€é😀 "), min_size=60, max_size=150), stops)
def test_a_long_text_is_read_by_its_end_and_is_the_same(
    make: Callable[[], PreTrainedTokenizerBase], whole: str, stop: list[str]
) -> None:
    tokenizer = make()
    ids = [*tokenizer(whole, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    growing, free = ReplyText(tokenizer, stop), ReplyText(tokenizer, ())
    for count in range(1, len(ids) + 1):
        free.update(ids[:count])
        assert free.text == decode(tokenizer, ids[:count])
        if not growing.stop_text:
            growing.update(ids[:count])
            found = find_stop(free.text, stop)
            assert growing.text == (free.text[: found[0]] if found else free.text)
            assert growing.stop_text == (found[1] if found else "")
