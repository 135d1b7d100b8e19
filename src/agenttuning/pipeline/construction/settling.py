"""Work through the numbered attempts of a source: in parallel, taken up in order, each written down as it ends.

The list is the same whatever ended first: attempts know nothing of one another, and what depends on earlier ones (near
duplicates, the wanted size) is decided in the order of their numbers.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import JsonValue

from agenttuning.core.records import Record, Task
from agenttuning.core.store import Appender, read_records
from agenttuning.errors import StageError
from agenttuning.pipeline.construction.rejects import Reason, Refusal, Reject

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
    from pathlib import Path

    from agenttuning.pipeline.progress import Advance

ResultT = TypeVar("ResultT")


class Outcome(Record):
    """What came of one attempt: one line of the source's own log."""

    number: int
    tasks: tuple[dict[str, JsonValue], ...] = ()
    rejects: tuple[Reject, ...] = ()

    @classmethod
    def of(cls, number: int, *, tasks: Iterable[Task] = (), rejects: Iterable[Reject] = ()) -> Outcome:
        """Make the line."""
        dumped = tuple(task.model_dump(mode="json", exclude_defaults=True) for task in tasks)
        return cls(number=number, tasks=dumped, rejects=tuple(rejects))


class Source(Protocol):
    """Where numbered attempts come from."""

    name: str
    """World and source, such as `database.task_derivation`."""
    task_type: type[Task]
    size: int
    """How many attempts there are at most."""
    concurrency: int

    async def attempt(self, number: int) -> Outcome | None:
        """Make one attempt; None once the allowance is used up."""

    def admit(self, task: Task) -> Refusal | None:
        """Take up a task, in order, or say why not."""

    def reject(self, task: Task, refusal: Refusal) -> Reject:
        """Write down that a task was not taken up."""


@dataclass
class Harvest:
    """What a source gave."""

    tasks: list[Task] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    attempts: int = 0
    stopped: str = ""
    """Why it ended early, where it did."""

    def counts(self) -> dict[str, JsonValue]:
        """Return the reject table and its frame."""
        table = Counter(str(reject.reason) for reject in self.rejects)
        told: dict[str, JsonValue] = {"attempts": self.attempts, "tasks": len(self.tasks)}
        if self.stopped:
            told["stopped"] = self.stopped
        return {**told, "rejected": dict(sorted(table.items()))}


async def settle(source: Source, folder: Path, *, wanted: int | None, advance: Advance) -> Harvest:
    """Attempt until so many tasks are taken up, or all attempts are made; known outcomes are not attempted again.

    Raises:
        StageError: the teacher's server answered nothing at all.
    """
    path = folder / f"{source.name}.jsonl"
    harvest = Harvest()
    with Appender[Outcome](path) as log:
        known = {outcome.number: outcome for outcome in read_records(path, Outcome)}

        async def settled(number: int) -> Outcome | None:
            if number in known:
                return known[number]
            outcome = await source.attempt(number)
            if outcome is not None and all(reject.reason != Reason.NO_ANSWER for reject in outcome.rejects):
                log.append(outcome)  # a server that did not answer is asked again by the next call
            return outcome

        async with aclosing(in_order(settled, range(source.size), concurrency=source.concurrency)) as outcomes:
            async for outcome in outcomes:
                if outcome is None:
                    harvest.stopped = "budget"
                    break
                _take(source, outcome, harvest, wanted)
                advance(note=f"{len(harvest.tasks)} tasks")
                if wanted is not None and len(harvest.tasks) >= wanted:
                    break
    _require_answers(source, harvest)
    return harvest


def _take(source: Source, outcome: Outcome, harvest: Harvest, wanted: int | None) -> None:
    harvest.attempts += 1
    harvest.rejects += outcome.rejects
    for raw in outcome.tasks:
        task = source.task_type.model_validate(raw)
        refusal = source.admit(task)
        if refusal is not None:
            harvest.rejects.append(source.reject(task, refusal))
        elif wanted is None or len(harvest.tasks) < wanted:
            harvest.tasks.append(task)


def _require_answers(source: Source, harvest: Harvest) -> None:
    if harvest.attempts and all(reject.reason == Reason.NO_ANSWER for reject in harvest.rejects) and not harvest.tasks:
        raise StageError(
            f"{source.name}: the teacher answered none of {harvest.attempts} requests: {harvest.rejects[0].detail}; "
            "check construct.teacher and continue with --resume"
        )


async def in_order(
    work: Callable[[int], Awaitable[ResultT]], numbers: Iterable[int], *, concurrency: int
) -> AsyncGenerator[ResultT, None]:
    """Yield the results in the order of the numbers, at most so many in work; leaving early cancels the rest."""
    waiting = iter(numbers)
    working: deque[asyncio.Task[ResultT]] = deque()
    try:
        while True:
            while len(working) < concurrency and (number := next(waiting, None)) is not None:
                working.append(asyncio.ensure_future(work(number)))
            if not working:
                return
            yield await working[0]
            working.popleft()
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
