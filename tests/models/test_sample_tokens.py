"""Drawing a token: greedy, cut to the best, heated; each row by its own settings and its own seed."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import RepetitionPenaltyLogitsProcessor, TypicalLogitsWarper

from agenttuning.core.records import Sampling
from agenttuning.models.sample_tokens import choose_tokens, weaken_repeated

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 2.5, -30.0])
rows = st.lists(st.floats(-8.0, 8.0, width=32), min_size=2, max_size=12)
hot = st.builds(
    Sampling, temperature=st.floats(0.1, 3.0), top_p=st.floats(0.05, 1.0), top_k=st.integers(0, 12), seed=st.none()
)


def draw(logits: torch.Tensor, sampling: Sampling, *, seed: int) -> int:
    generator = torch.Generator().manual_seed(seed)
    ((token,), _) = choose_tokens(logits[None], sampling=[sampling], generators=[generator])
    return token


def drawn(logits: torch.Tensor, sampling: Sampling, *, times: int) -> Counter[int]:
    generator = torch.Generator().manual_seed(0)
    tokens, _ = choose_tokens(logits.expand(times, -1), sampling=[sampling] * times, generators=[generator] * times)
    return Counter(tokens)


@given(rows)
def test_greedy_is_the_first_of_the_likeliest(values: list[float]) -> None:
    assert draw(torch.tensor(values), Sampling(), seed=1) == values.index(max(values))


@settings(deadline=None)
@given(rows, hot, st.integers(0, 2**31))
def test_no_token_outside_of_top_k_and_top_p(values: list[float], sampling: Sampling, seed: int) -> None:
    logits = torch.tensor(values)
    token = draw(logits, sampling, seed=seed)
    probabilities = (logits.double() / sampling.temperature).softmax(dim=-1)
    better = probabilities[probabilities > probabilities[token]]
    best = probabilities.sort(descending=True).values[: sampling.top_k or None].sum()
    assert len(better) < (sampling.top_k or len(values))
    assert better.sum() < sampling.top_p * best + 1e-9


@settings(deadline=None)
@given(st.lists(hot | st.just(Sampling()), min_size=1, max_size=5), st.integers(0, 2**31))
def test_a_row_draws_the_same_alone_and_in_company(samplings: list[Sampling], seed: int) -> None:
    logits = torch.stack([LOGITS.roll(index) for index in range(len(samplings))])
    generators = [torch.Generator().manual_seed(seed + index) for index in range(len(samplings))]
    together, scores = choose_tokens(logits, sampling=samplings, generators=generators)
    alone = [
        draw(row, sampling, seed=seed + index)
        for index, (row, sampling) in enumerate(zip(logits, samplings, strict=True))
    ]
    assert together == alone
    assert all(score <= 0 for score in scores)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_are_the_softmax_of_the_heated_logits(temperature: float) -> None:
    times = 20_000
    counted = drawn(LOGITS, Sampling(temperature=temperature), times=times)
    expected = (LOGITS.double() / temperature).softmax(dim=-1)
    for token, probability in enumerate(expected.tolist()):
        assert counted[token] / times == pytest.approx(probability, abs=0.015)


def test_top_k_and_top_p_share_out_what_they_cut() -> None:
    times = 20_000
    two = LOGITS[[0, 4]].double().softmax(dim=-1).tolist()
    for sampling in (Sampling(temperature=1.0, top_k=2), Sampling(temperature=1.0, top_p=0.8)):
        counted = drawn(LOGITS, sampling, times=times)
        assert counted.keys() == {0, 4}
        assert counted[0] / times == pytest.approx(two[0], abs=0.015)
    assert drawn(LOGITS, Sampling(temperature=1.0, top_p=0.01), times=50).keys() == {4}


def test_top_p_counts_what_top_k_has_left() -> None:
    """Of .4, .3, .2, .1 the best two are .57 and .43 of what is left, so half of that is the first alone."""
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    assert drawn(logits, Sampling(temperature=1.0, top_k=2, top_p=0.5), times=200).keys() == {0}
    assert drawn(logits, Sampling(temperature=1.0, top_p=0.5), times=200).keys() == {0, 1}


def test_the_score_is_the_models_own_whatever_the_temperature() -> None:
    """Log probabilities are compared between servers, so they know no temperature and no cut."""
    for sampling in (Sampling(), Sampling(temperature=5.0, top_k=2)):
        generator = torch.Generator().manual_seed(3)
        (token,), (score,) = choose_tokens(LOGITS[None], sampling=[sampling], generators=[generator])
        assert score == pytest.approx(float(LOGITS.log_softmax(dim=-1)[token]))


def test_half_precision_is_judged_in_single() -> None:
    logits = torch.tensor([[1.0, 1.0, 0.5]], dtype=torch.bfloat16)
    (token,), (score,) = choose_tokens(logits, sampling=[Sampling()], generators=[torch.Generator()])
    assert token == 0
    assert score == pytest.approx(float(logits[0].float().log_softmax(dim=-1)[0]), abs=1e-6)


@pytest.mark.parametrize("temperature", [1e-5, 1e-300, 5e-324])
def test_the_smallest_temperature_is_greedy(temperature: float) -> None:
    assert draw(LOGITS * 1000, Sampling(temperature=temperature), seed=1) == 4


@settings(deadline=None)
@given(rows, st.floats(0.05, 0.99), st.integers(0, 2**31))
def test_typical_sampling_draws_what_transformers_keeps(values: list[float], mass: float, seed: int) -> None:
    logits = torch.tensor(values, dtype=torch.float64)
    kept = TypicalLogitsWarper(mass=mass)(torch.tensor([[0]]), logits[None])[0]
    generator = torch.Generator().manual_seed(seed)
    hot_row = Sampling(temperature=1.0)
    (token,), (score,) = choose_tokens(logits[None], sampling=[hot_row], generators=[generator], typical=[mass])
    farthest = max(distance(logits, index) for index in range(len(values)) if kept[index].isfinite())
    assert distance(logits, token) <= farthest + 1e-9
    assert score == pytest.approx(logits.log_softmax(dim=-1)[token].item())


def distance(logits: torch.Tensor, token: int) -> float:
    surprise = -logits.log_softmax(dim=-1)
    return abs((surprise[token] - (surprise * surprise.neg().exp()).sum()).item())


@given(rows, st.floats(0.2, 4.0), st.lists(st.integers(0, 1), min_size=1))
def test_repeated_tokens_are_weakened_as_transformers_does(
    values: list[float], penalty: float, held: list[int]
) -> None:
    logits = torch.tensor([values, values])
    expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([held]), logits[:1])
    weak, untouched = weaken_repeated(logits, tokens=[held, held], penalty=[penalty, 1.0])
    torch.testing.assert_close(weak, expected[0])
    assert untouched.tolist() == logits[1].tolist()


def sorted_draw(logits: torch.Tensor, sampling: Sampling, *, seed: int) -> int:
    """Draw with everything sorted and summed, as the words of the limits say."""
    probabilities = (logits.double() / sampling.temperature).softmax(dim=-1)
    values, order = probabilities.sort(descending=True, stable=True)
    values[sampling.top_k or len(values) :] = 0.0
    values = values / values.sum()
    values[values.cumsum(0) - values >= sampling.top_p] = 0.0
    uniform = torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    place = torch.searchsorted(values.cumsum(0), uniform * values.sum(), right=True)
    return int(order[min(place, int(values.nonzero().max()))])


@settings(deadline=None, max_examples=300)
@given(
    st.integers(0, 2**20), st.sampled_from([5, 300, 4000]), st.sampled_from([0.3, 1.0, 4.0]),
    st.sampled_from([1.0, 0.9999, 0.9, 0.3]), st.sampled_from([0, 1, 40, 3000, 10_000]),
)  # fmt: skip
def test_sorting_only_the_likely_ones_changes_no_draw(seed: int, count: int, scale: float, p: float, k: int) -> None:
    torch.manual_seed(seed)
    logits = (scale * torch.randn(count)).round(decimals=1)
    sampling = Sampling(temperature=0.7, top_p=p, top_k=k)
    assert draw(logits, sampling, seed=seed) == sorted_draw(logits, sampling, seed=seed)


def test_a_draw_among_the_unlikely_ones_is_made_there() -> None:
    """One token holds .9995, a thousand others the rest."""
    logits = torch.tensor([math.log(0.9995), *[math.log(5e-7)] * 1000])
    seeds = [seed for seed in range(20_000) if first_number(seed) > 0.9996][:3]
    assert len(seeds) == 3
    for seed in seeds:
        token = draw(logits, Sampling(temperature=1.0), seed=seed)
        assert token == 1 + int((first_number(seed) - 0.9995) / 5e-7)


@pytest.mark.parametrize("damage", [math.nan, math.inf])
@pytest.mark.parametrize("typical", [1.0, 0.5])
def test_scores_that_are_no_numbers_are_seen_at_the_log_probability(damage: float, typical: float) -> None:
    logits = torch.tensor([[0.0, damage, 1.0]])
    _, (score,) = choose_tokens(
        logits, sampling=[Sampling(temperature=1.0)], generators=[torch.Generator()], typical=[typical]
    )
    assert math.isnan(score)


def first_number(seed: int) -> float:
    return torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).item()


def test_the_strongest_penalty_leaves_numbers() -> None:
    """It pushes scores to the ends of their type; the model's own scores are told all the same."""
    for penalty in (1e-300, 1e300):
        weak = weaken_repeated(LOGITS[None], tokens=[[0, 3]], penalty=[penalty])
        assert weak.isfinite().all()
        assert draw(weak[0], Sampling(temperature=1e-5), seed=2) == (0 if penalty < 1 else 4)
