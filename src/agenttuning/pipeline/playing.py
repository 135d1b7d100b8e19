"""Play what is missing, and record it: the loop behind collect and evaluate."""

from __future__ import annotations

import time
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.store import Appender, drop_torn_line, read_records
from agenttuning.pipeline.executors import open_executor
from agenttuning.pipeline.plays import Results
from agenttuning.pipeline.profile import Profiler
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.pipeline.construct import Entry
    from agenttuning.pipeline.executors.seating import Opens, Seats
    from agenttuning.pipeline.plays import PlayPlan
    from agenttuning.policies.ledger import Ledger

UNFINISHED = "unfinished.jsonl"
"""Episodes that the budget cut short; they are played again on resume, what they paid for is free then."""


async def play_missing(
    entries: Sequence[Entry],
    opens: Opens,
    path: Path,
    *,
    plan: PlayPlan,
    seats: Seats,
    label: str,
    seed: int,
    ledger: Ledger | None = None,
    profiler: Profiler | None = None,
) -> None:
    """Play what the plan wants and `path` does not hold, and append every finished trajectory to it.

    Ends early when the ledger's budget is used up: no further episode begins, those in progress stop at their next
    call and are recorded beside `path`.
    """
    results = _read(path)
    path.with_name(UNFINISHED).unlink(missing_ok=True)
    profiler = profiler or Profiler(seats)
    with ExitStack() as files, progress(label, len(entries) * plan.samples, done=len(results)) as advance:
        appender = files.enter_context(Appender[Trajectory](path))
        aside: Appender[Trajectory] | None = None
        if (wave := list(plan.next_wave(entries, results))) == []:
            return
        async with open_executor(
            seats, opens, seed=seed, ledger=ledger, empty=profiler.empty, watch=profiler.note
        ) as executor:
            won = played = 0
            files.enter_context(profiler.running())
            while wave and not _used_up(ledger):
                playing = executor.play(wave, stop=lambda: _used_up(ledger))
                async with aclosing(playing):
                    async for trajectory in playing:
                        began = time.monotonic()
                        if trajectory.stop is Stop.BUDGET and _used_up(ledger):
                            aside = aside or files.enter_context(Appender[Trajectory](path.with_name(UNFINISHED)))
                            aside.append(trajectory)
                            continue
                        appender.append(trajectory)
                        results.add(trajectory)
                        played += 1
                        won += trajectory.score.success
                        advance(note=f"success {won / played:.0%}{_cost(ledger)}")
                        profiler.stored(time.monotonic() - began)
                wave = list(plan.next_wave(entries, results))


def _read(path: Path) -> Results:
    results = Results()
    if path.exists():
        drop_torn_line(path)
        for trajectory in read_records(path, Trajectory):
            results.add(trajectory)
    return results


def _used_up(ledger: Ledger | None) -> bool:
    return ledger is not None and ledger.budget.used_up


def _cost(ledger: Ledger | None) -> str:
    dollars = ledger.budget.spent.dollars if ledger else 0.0
    return f", ${dollars:,.2f}" if dollars else ""
