"""Play what is missing, and record it: the loop behind collect and evaluate."""

from __future__ import annotations

import time
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.store import Appender, drop_torn_line, read_records
from agenttuning.pipeline.executors import open_executor
from agenttuning.pipeline.plays import Results
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.pipeline.construct import Entry
    from agenttuning.pipeline.executors.seating import Opens, Seats
    from agenttuning.pipeline.plays import PlayPlan
    from agenttuning.pipeline.profile import Profiler
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
    profiler: Profiler,
    ledger: Ledger | None = None,
) -> None:
    """Play what the plan wants and `path` does not hold, and append every finished trajectory to it.

    Ends early when the ledger's budget is used up: no further episode begins, those in progress stop at their next
    call and are recorded beside `path`.
    """
    results = _read(path)
    path.with_name(UNFINISHED).unlink(missing_ok=True)
    with ExitStack() as files, progress(label, len(entries) * plan.samples, done=len(results)) as advance:
        recorder = _Recorder(path, files, results, ledger)
        if not (wave := list(plan.next_wave(entries, results))):
            return
        async with open_executor(
            seats, opens, seed=seed, ledger=ledger, empty=profiler.empty, watch=profiler.note
        ) as executor:
            files.enter_context(profiler.running())
            while wave and not _used_up(ledger):
                async with aclosing(executor.play(wave, stop=lambda: _used_up(ledger))) as playing:
                    async for trajectory in playing:
                        began = time.monotonic()
                        if recorder.record(trajectory):
                            advance(note=recorder.note())
                        profiler.stored(time.monotonic() - began)
                wave = list(plan.next_wave(entries, results))


class _Recorder:
    """Appends what is finished to one file, what the budget cut short to another."""

    def __init__(self, path: Path, files: ExitStack, results: Results, ledger: Ledger | None) -> None:
        self._files = files
        self._finished = files.enter_context(Appender[Trajectory](path))
        self._cut: Appender[Trajectory] | None = None
        self._results = results
        self._ledger = ledger
        self._played = self._won = 0

    def record(self, trajectory: Trajectory) -> bool:
        """Write it down, and tell whether it is finished."""
        if trajectory.stop is Stop.BUDGET and _used_up(self._ledger):
            if self._cut is None:
                self._cut = Appender[Trajectory](self._finished.path.with_name(UNFINISHED))
                self._files.enter_context(self._cut)
            self._cut.append(trajectory)
            return False
        self._finished.append(trajectory)
        self._results.add(trajectory)
        self._played += 1
        self._won += trajectory.score.success
        return True

    def note(self) -> str:
        """Return success and cost so far."""
        dollars = self._ledger.budget.spent.dollars if self._ledger else 0.0
        return f"success {self._won / self._played:.0%}" + (f", ${dollars:,.2f}" if dollars else "")


def _read(path: Path) -> Results:
    results = Results()
    if path.exists():
        drop_torn_line(path)
        for trajectory in read_records(path, Trajectory):
            results.add(trajectory)
    return results


def _used_up(ledger: Ledger | None) -> bool:
    return ledger is not None and ledger.budget.used_up
