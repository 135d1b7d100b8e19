"""The queue in front of a server: what it never lets through, and that it lets everything through in the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policies.instant import run_instantly

from agenttuning.policies.limits import Limits


@dataclass(frozen=True)
class Asked:
    """One attempt as a server sees it."""

    after: float
    reckoned: int
    used_share: float
    way: float
    """Seconds until it arrives."""
    work: float
    overloaded: bool


asked = st.builds(
    Asked,
    after=st.floats(0, 20),
    reckoned=st.integers(1, 300),
    used_share=st.floats(0, 1),
    way=st.floats(0, 5),
    work=st.floats(0, 90),
    overloaded=st.booleans(),
)


async def arrivals(limits: Limits, plan: list[Asked]) -> list[tuple[float, int]]:
    """Return when each attempt reached the server, and the tokens that it used there."""
    seen: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()

    async def attempt(one: Asked) -> None:
        await asyncio.sleep(one.after)
        ticket = await limits.enter(tokens=one.reckoned)
        await asyncio.sleep(one.way)
        used = int(one.reckoned * one.used_share)
        seen.append((loop.time(), used))
        await asyncio.sleep(one.work)
        limits.leave(ticket, tokens=None if one.overloaded else used, overloaded=one.overloaded)

    await asyncio.gather(*map(attempt, plan))
    return seen


def most_in(seen: list[tuple[float, int]], seconds: float, part: int) -> int:
    """Return the most in any window; what a clock's last bit decides is outside it."""
    rows = [(at, (1, used)[part]) for at, used in seen]
    return max((sum(n for at, n in rows if start - seconds + 1e-6 < at <= start) for start, _ in rows), default=0)


@settings(max_examples=40)
@given(st.lists(asked, max_size=60), st.integers(1, 40), st.integers(300, 2000), st.integers(1, 8))
def test_no_minute_holds_more_than_its_limits_however_long_the_way(
    plan: list[Asked], requests: int, tokens: int, in_flight: int
) -> None:
    limits = Limits(in_flight=in_flight, requests_per_minute=requests, tokens_per_minute=tokens)
    seen = run_instantly(arrivals(limits, plan))
    assert len(seen) == len(plan)  # everyone gets through
    assert most_in(seen, 60.0, 0) <= requests
    assert most_in(seen, 60.0, 1) <= tokens
    assert most_in(seen, 6.0, 0) <= max(1, requests // 10)
    assert limits.in_flight == 0


def test_a_window_that_ends_between_two_bits_of_the_clock_is_over() -> None:
    plan = [Asked(after, 1, 0.0, 0.0, 0.0, overloaded=False) for after in (2.0, 1.9067805654218954)]
    seen = run_instantly(arrivals(Limits(in_flight=1, requests_per_minute=1), plan))
    assert most_in(seen, 60.0, 0) == 1
    assert seen[1][0] - seen[0][0] == pytest.approx(60.0)


def test_a_minutes_allowance_is_used_well() -> None:
    plan = [Asked(0, 1, 1.0, 0.1, 0.1, overloaded=False)] * 600

    async def scenario() -> float:
        began = asyncio.get_running_loop().time()
        await arrivals(Limits(in_flight=64, requests_per_minute=600), plan)
        return asyncio.get_running_loop().time() - began

    assert run_instantly(scenario()) < 63


def test_overload_halves_what_is_in_flight_once_per_round_and_answers_grow_it_again() -> None:
    async def scenario() -> list[float]:
        limits = Limits(in_flight=16)
        tickets = [await limits.enter(tokens=1) for _ in range(16)]
        await asyncio.sleep(1)
        for ticket in tickets[:8]:
            limits.leave(ticket, overloaded=True)
        seen = [limits.allowed]
        for ticket in tickets[8:]:
            limits.leave(ticket, tokens=1)
        seen.append(limits.allowed)
        for _ in range(100):
            limits.leave(await limits.enter(tokens=1), tokens=1)
        return [*seen, limits.allowed]

    assert run_instantly(scenario()) == [8.0, 12.0, 16.0]


def test_one_attempt_always_remains() -> None:
    async def scenario() -> float:
        limits = Limits(in_flight=4)
        for _ in range(10):
            limits.leave(await limits.enter(tokens=1), overloaded=True)
            await asyncio.sleep(1)
        return limits.allowed

    assert run_instantly(scenario()) == 1.0


@pytest.mark.parametrize("let_in", [False, True])
def test_who_gives_up_waiting_takes_no_place(*, let_in: bool) -> None:
    async def scenario() -> int:
        limits = Limits(in_flight=1)
        first = await limits.enter(tokens=1)
        second = asyncio.create_task(limits.enter(tokens=1))
        await asyncio.sleep(0)
        if let_in:  # it was its turn, but it never saw it
            limits.leave(first, tokens=1)
            second.cancel()
        else:
            second.cancel()
            limits.leave(first, tokens=1)
        await asyncio.gather(second, return_exceptions=True)
        limits.leave(await asyncio.wait_for(limits.enter(tokens=1), 5), tokens=1)
        return limits.in_flight

    assert run_instantly(scenario()) == 0
