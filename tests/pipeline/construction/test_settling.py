"""Attempts in parallel, results in order, and what is known is not attempted again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.core.records import Task
from agenttuning.errors import StageError
from agenttuning.pipeline.construction.rejects import Reason, Refusal, Reject
from agenttuning.pipeline.construction.settling import Harvest, Outcome, in_order, settle


class Numbers:
    """Even numbers are tasks, of those divisible by ten only the first is taken up, odd ones fall."""

    name = "numbers.test"
    task_type = Task
    concurrency = 4

    def __init__(self, size: int, *, budget: int = 10_000, odd: Reason = Reason.MALFORMED) -> None:
        self.size, self._budget, self._odd = size, budget, odd
        self.attempted: list[int] = []
        self._tens = 0

    async def attempt(self, number: int) -> Outcome | None:
        self.attempted.append(number)
        await asyncio.sleep(0.001 * (number * 7 % 5))
        if number >= self._budget:
            return None
        if number % 2:
            return Outcome.of(number, rejects=(self._row(str(number), Refusal(self._odd, "odd")),))
        return Outcome.of(number, tasks=(Task(id=str(number)),))

    def admit(self, task: Task) -> Refusal | None:
        self._tens += int(task.id) % 10 == 0
        return Refusal(Reason.NEAR_DUPLICATE) if int(task.id) % 10 == 0 and self._tens > 1 else None

    def reject(self, task: Task, refusal: Refusal) -> Reject:
        return self._row(task.id, refusal)

    def _row(self, name: str, refusal: Refusal) -> Reject:
        return Reject.of(refusal, environment="numbers", source="test", name=name)


def run(source: Numbers, folder: Path, *, wanted: int | None = None) -> Harvest:
    def advance(*, steps: int = 1, note: str = "") -> None:
        del steps, note

    return asyncio.run(settle(source, folder, wanted=wanted, advance=advance))


def test_results_are_taken_up_in_order(tmp_path: Path) -> None:
    harvest = run(Numbers(13), tmp_path)
    assert [task.id for task in harvest.tasks] == ["0", "2", "4", "6", "8", "12"]
    assert harvest.counts() == {"attempts": 13, "tasks": 6, "rejected": {"malformed": 6, "near_duplicate": 1}}


def test_enough_is_enough_and_counts_only_what_was_needed(tmp_path: Path) -> None:
    source = Numbers(1000)
    harvest = run(source, tmp_path, wanted=3)
    assert [task.id for task in harvest.tasks] == ["0", "2", "4"]
    assert harvest.counts() == {"attempts": 5, "tasks": 3, "rejected": {"malformed": 2}}
    assert max(source.attempted) < 5 + 2 * source.concurrency


def test_a_second_call_attempts_only_what_is_not_known(tmp_path: Path) -> None:
    first = run(Numbers(6), tmp_path)
    with (tmp_path / "numbers.test.jsonl").open("ab") as log:
        log.write(b'{"number": 6, "ta')
    source = Numbers(9)
    second = run(source, tmp_path)
    assert sorted(source.attempted) == [6, 7, 8]
    assert second.tasks[: len(first.tasks)] == first.tasks


def test_the_end_of_the_budget_ends_the_source_and_keeps_what_there_is(tmp_path: Path) -> None:
    harvest = run(Numbers(100, budget=5), tmp_path)
    assert [task.id for task in harvest.tasks] == ["0", "2", "4"]
    assert harvest.counts()["stopped"] == "budget"


def test_unanswered_requests_are_made_again_by_the_next_call(tmp_path: Path) -> None:
    run(Numbers(4, odd=Reason.NO_ANSWER), tmp_path)
    source = Numbers(4)
    assert run(source, tmp_path).counts()["rejected"] == {"malformed": 2}
    assert sorted(source.attempted) == [1, 3]


def test_no_answer_at_all_is_an_error(tmp_path: Path) -> None:
    class Silent(Numbers):
        async def attempt(self, number: int) -> Outcome | None:
            return await super().attempt(number * 2 + 1)

    with pytest.raises(StageError, match=r"numbers\.test: the teacher answered none of 3 requests: odd"):
        run(Silent(3, odd=Reason.NO_ANSWER), tmp_path)


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 8), st.integers(0, 30))
def test_order_and_bound_hold_for_any_durations(pauses: list[int], concurrency: int, taken: int) -> None:
    working = most = 0

    async def work(number: int) -> int:
        nonlocal working, most
        working += 1
        most = max(most, working)
        try:
            for _ in range(pauses[number]):
                await asyncio.sleep(0)
        finally:
            working -= 1
        return number

    async def consume() -> list[int]:
        found: list[int] = []
        results = in_order(work, iter(range(len(pauses))), concurrency=concurrency)
        async for number in results:
            found.append(number)
            if len(found) == taken:
                break
        await results.aclose()
        return found

    found = asyncio.run(consume())
    assert found == list(range(len(pauses)))[: taken or None]
    assert most <= concurrency
    assert working == 0


def numbers() -> Iterator[int]:
    yield from range(3)


def test_a_failure_is_raised_and_the_rest_is_cancelled() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 1:
            raise StageError("broken")
        try:
            await asyncio.sleep(10 * (number == 2))
        finally:
            ended.append(number)
        return number

    async def consume() -> None:
        async for _ in in_order(work, numbers(), concurrency=3):
            pass

    with pytest.raises(StageError, match="broken"):
        asyncio.run(consume())
    assert ended == [0, 2]
