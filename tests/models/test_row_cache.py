"""What is kept of conversations: the longest beginning is found, its columns are right, its size is bounded."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.models.row_cache import Prefix, PrefixStore

BLOCK = 16
COLUMN_BYTES = 4

conversations = st.lists(
    st.lists(st.integers(0, 1), max_size=6).map(lambda blocks: [block for block in blocks for _ in range(BLOCK)]),
    max_size=12,
)


def columns(tokens: list[int]) -> torch.Tensor:
    """Return what a model without layers would compute: a number for everything up to each token."""
    return torch.tensor(tokens, dtype=torch.float32).cumsum(0)[None, :, None]


def keep(store: PrefixStore, tokens: list[int]) -> None:
    store.add(tokens, lambda start, end: [columns(tokens)[:, start:end].clone()])


def read(prefix: Prefix) -> list[float]:
    found = torch.full((1, prefix.length, 1), torch.nan)
    for first, end, (tensor,) in prefix.parts():
        found[:, first:end] = tensor[:, : end - first]
    return found[0, :, 0].tolist()


def common(left: list[int], right: list[int]) -> int:
    shared = next((index for index, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
    return (min(len(left), len(right)) if shared is None else shared) // BLOCK * BLOCK


@given(conversations)
def test_the_longest_known_beginning_is_found(asked: list[list[int]]) -> None:
    store, kept = PrefixStore(1 << 20), list[list[int]]()
    for tokens in asked:
        prefix = store.find([*tokens, 9])
        assert prefix.length == max((common(tokens, other) for other in kept), default=0)
        assert read(prefix) == columns(tokens)[0, : prefix.length, 0].tolist()
        keep(store, tokens)
        kept.append(tokens)
    blocks = {tuple(tokens[:end]) for tokens in kept for end in range(BLOCK, len(tokens) + 1, BLOCK)}
    assert store.bytes == len(blocks) * BLOCK * COLUMN_BYTES


@given(conversations, st.integers(0, 12))
def test_a_small_store_is_bounded_and_never_wrong(asked: list[list[int]], blocks: int) -> None:
    store = PrefixStore(blocks * BLOCK * COLUMN_BYTES)
    for tokens in asked:
        prefix = store.find([*tokens, 9])
        assert read(prefix) == columns(tokens)[0, : prefix.length, 0].tolist()
        keep(store, tokens)
        assert store.bytes <= store.max_bytes
        assert store.find([*tokens, 9]).length <= min(len(tokens), blocks * BLOCK)
    store.clear()
    assert (store.bytes, store.find([0] * 99).length) == (0, 0)


def test_the_least_recently_used_goes_first_and_a_beginning_last() -> None:
    store = PrefixStore(6 * BLOCK * COLUMN_BYTES)
    start, left, right, other = ([number] * BLOCK for number in range(1, 5))
    keep(store, start + left + left)
    keep(store, start + right + right)
    assert store.find([*start, *left, 9]).length == 2 * BLOCK
    keep(store, other * 2)
    assert store.find([*start, *right, 9]).length == BLOCK
    assert store.find([*start, *left, *left, 9]).length == 3 * BLOCK


def test_a_token_is_always_left_to_compute() -> None:
    store = PrefixStore(1 << 20)
    keep(store, [1] * 32)
    assert [store.find([1] * length).length for length in (15, 16, 17, 32, 33)] == [0, 0, 16, 16, 32]
