"""Batches hold every row once, waste little, and fit."""

import itertools

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.small import random_rows

from agenttuning.models.chat_template import IGNORED
from agenttuning.training.packing import bucket, make_batch, pack, plan_batches

lengths_of_a_step = st.lists(st.integers(1, 200), min_size=1, max_size=40)


@settings(deadline=None)
@given(lengths=lengths_of_a_step)
def test_packed_rows_hold_every_dialogue_once_and_fit(lengths: list[int]) -> None:
    rows = pack(lengths, width=200)
    assert sorted(itertools.chain(*rows)) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= 200 for row in rows)
    filled = sorted(sum(lengths[index] for index in row) for row in rows)
    assert len(rows) < 2 or filled[0] + filled[1] > 200, "two rows that fit into one were left apart"


@settings(deadline=None)
@given(lengths=lengths_of_a_step, limit=st.integers(200, 2000))
def test_buckets_hold_every_row_once_and_stay_under_the_limit(lengths: list[int], limit: int) -> None:
    groups = bucket(lengths, limit=limit)
    assert sorted(itertools.chain(*groups)) == list(range(len(lengths)))
    assert all(max(lengths[index] for index in group) * len(group) <= limit for group in groups)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=7), cost=st.integers(0, 80))
def test_buckets_are_the_cheapest(lengths: list[int], cost: int) -> None:
    """Against every way to cut the sorted lengths."""
    ordered = sorted(lengths)
    cheapest = min(
        sum(cost + end_length * (end - start) for start, end, end_length in _cuts(ordered, marks))
        for marks in itertools.product((False, True), repeat=len(ordered) - 1)
    )
    groups = bucket(lengths, limit=10**9, cost=cost)
    assert sum(cost + max(lengths[index] for index in group) * len(group) for group in groups) == cheapest


def _cuts(ordered: list[int], marks: tuple[bool, ...]) -> list[tuple[int, int, int]]:
    borders = [0, *(index + 1 for index, mark in enumerate(marks) if mark), len(ordered)]
    return [(start, end, ordered[end - 1]) for start, end in itertools.pairwise(borders)]


@settings(deadline=None)
@given(count=st.integers(1, 12), seed=st.integers(0, 99))
def test_a_batch_holds_the_rows(count: int, seed: int) -> None:
    rows = random_rows(count, seed=seed)
    for layout in plan_batches([len(row) for row in rows], batching="packed", width=100, limit=250):
        batch = make_batch([[rows[index] for index in row] for row in layout], device=torch.device("cpu"))
        flat = batch.input_ids.flatten()
        assert torch.equal(flat[batch.predictors + 1], batch.targets)
        expected = [label for row in layout for index in row for label in rows[index].labels if label != IGNORED]
        assert batch.targets.tolist() == expected
        if batch.position_ids is not None:
            starts = [np.cumsum([0] + [len(rows[index]) for index in row])[:-1].tolist() for row in layout]
            assert all((batch.position_ids[number, start] == 0).all() for number, start in enumerate(starts))


def test_single_dialogues_need_no_positions() -> None:
    assert make_batch([[row] for row in random_rows(3)], device=torch.device("cpu")).position_ids is None
