"""A hard budget, and what tokens cost."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policies.instant import run_instantly

from agenttuning.core.records import Usage
from agenttuning.errors import BudgetError
from agenttuning.policies.budget import Budget, BudgetConfig, Spent, bill
from agenttuning.policies.config import Price
from agenttuning.policies.prices import listed_price

costs = st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1), st.floats(0, 5)), max_size=40)


async def _buy(budget: Budget, most: int, share: float, seconds: float) -> bool:
    reserved = Spent(1, most, most / 100)
    try:
        await budget.reserve(reserved)
    except BudgetError:
        return False
    await asyncio.sleep(seconds)
    paid = int(most * share)
    budget.settle(reserved, Spent(1, paid, paid / 100))
    return True


@settings(max_examples=60)
@given(costs, st.integers(1, 1000), st.booleans())
def test_what_is_spent_never_exceeds_the_limit_and_nobody_waits_forever(
    calls: list[tuple[int, float, float]], limit: int, in_dollars: bool
) -> None:
    async def scenario() -> tuple[Budget, list[bool]]:
        budget = Budget(BudgetConfig(dollars=limit / 100) if in_dollars else BudgetConfig(tokens=limit))
        return budget, await asyncio.gather(*(_buy(budget, *call) for call in calls))

    budget, bought = run_instantly(scenario())
    assert budget.spent.tokens <= limit
    assert budget.spent.calls == sum(bought)
    assert budget.used_up == (not all(bought))
    if not all(bought):  # stopped no earlier than it had to
        assert budget.spent.tokens + max(most for most, _, _ in calls) >= limit


def test_who_does_not_fit_beside_calls_in_flight_waits_for_them() -> None:
    async def scenario() -> list[bool]:
        budget = Budget(BudgetConfig(dollars=1.0))
        return await asyncio.gather(_buy(budget, 80, 0.1, 3), _buy(budget, 80, 0.1, 3))

    assert run_instantly(scenario()) == [True, True]


def test_once_used_up_even_a_cheaper_call_is_refused() -> None:
    async def scenario() -> str:
        budget = Budget(BudgetConfig(tokens=100, calls=50), spent=Spent(7, 60, 0.5))
        assert not await _buy(budget, 41, 1.0, 0)
        with pytest.raises(BudgetError) as refused:
            await budget.reserve(Spent(1, 1, 0.0))
        return str(refused.value)

    assert run_instantly(scenario()) == (
        "the budget does not cover another call: 60 of 100 tokens, 7 of 50 calls spent"
    )


def test_a_call_without_an_answer_costs_nothing() -> None:
    budget = Budget(BudgetConfig(calls=1))
    asyncio.run(budget.reserve(Spent(1, 10, 0.1)))
    budget.settle(Spent(1, 10, 0.1), Spent())
    assert budget.spent == Spent()


def test_a_bill_is_by_the_million() -> None:
    usage = Usage(prompt_tokens=2_000_000, completion_tokens=500_000)
    assert bill(usage, Price(prompt=30, completion=60)) == Spent(1, 2_500_000, 90.0)
    assert bill(usage, None).dollars == 0.0


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-4-0613", (30.0, 60.0)),
        ("gpt-3.5-turbo-0613", (1.5, 2.0)),
        ("gpt-3.5-turbo-0125", (0.5, 1.5)),
        ("gpt-4o-2024-08-06", (2.5, 10.0)),
        ("gpt-4o-2024-05-13", (5.0, 15.0)),
        ("openai/GPT-4o-mini", (0.15, 0.6)),
        ("gpt-4-1106-preview", None),
        ("gpt-4o-audio-preview", None),
        ("agentlm-7b", None),
        ("/models/gpt-4.ckpt", None),
    ],
)
def test_a_snapshot_costs_what_its_model_costs_and_a_stranger_has_no_price(
    model: str, price: tuple[float, float] | None
) -> None:
    found = listed_price(model)
    assert (None if found is None else (found.prompt, found.completion)) == price


def test_every_listed_price_is_dated() -> None:
    import tomllib
    from importlib import resources

    rows = tomllib.loads(resources.files("agenttuning.policies").joinpath("prices.toml").read_text())["models"]
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(isinstance(row["listed"], date) and row["listed"] < date(2026, 12, 1) for row in rows)
