"""Play what is missing, and record it: the loop behind collect and evaluate."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from agenttuning.core.records import Record, Stop, Trajectory
from agenttuning.core.rollout import rollouts
from agenttuning.core.store import Appender, drop_torn_line, read_records
from agenttuning.pipeline.construct import build_environment
from agenttuning.pipeline.plays import Results
from agenttuning.pipeline.progress import progress
from agenttuning.policies import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Player
    from agenttuning.core.records import Task
    from agenttuning.pipeline.construct import Entry
    from agenttuning.pipeline.plays import Play, PlayPlan
    from agenttuning.policies.ledger import Ledger

PolicyT = TypeVar("PolicyT", bound=Record)

UNFINISHED = "unfinished.jsonl"
"""Episodes that the budget cut short; they are played again on resume, what they paid for is free then."""


async def play_missing(
    entries: Sequence[Entry],
    opened: Callable[[], AbstractAsyncContextManager[Player]],
    path: Path,
    *,
    plan: PlayPlan,
    concurrency: int,
    label: str,
    seed: int,
    ledger: Ledger | None = None,
) -> None:
    """Play what the plan wants and `path` does not hold, and append every finished trajectory to it.

    Ends early when the ledger's budget is used up: no further episode begins, those in progress stop at their next
    call and are recorded beside `path`.
    """
    results = _read(path)
    path.with_name(UNFINISHED).unlink(missing_ok=True)
    with ExitStack() as files, progress(label, len(entries) * plan.samples, done=len(results)) as advance:
        appender = files.enter_context(Appender[Trajectory](path))
        aside: Appender[Trajectory] | None = None
        if (wave := list(plan.next_wave(entries, results))) == []:
            return
        async with opened() as player:
            won = played = 0
            while wave and not _used_up(ledger):
                async for trajectory in rollouts(_begun(wave, ledger), player, concurrency=concurrency, seed=seed):
                    if trajectory.stop is Stop.BUDGET and _used_up(ledger):
                        aside = aside or files.enter_context(Appender[Trajectory](path.with_name(UNFINISHED)))
                        aside.append(trajectory)
                        continue
                    appender.append(trajectory)
                    results.add(trajectory)
                    played += 1
                    won += trajectory.score.success
                    advance(note=f"success {won / played:.0%}{_cost(ledger)}")
                wave = list(plan.next_wave(entries, results))


def seeded(policy: PolicyT, seed: int) -> PolicyT:
    """Give random draws the run's seed, where they have none of their own."""
    if not isinstance(policy, ModelConfig) or policy.sampling.seed is not None or policy.sampling.temperature == 0:
        return policy
    return policy.model_copy(update={"sampling": policy.sampling.model_copy(update={"seed": seed})})


def _read(path: Path) -> Results:
    results = Results()
    if path.exists():
        drop_torn_line(path)
        for trajectory in read_records(path, Trajectory):
            results.add(trajectory)
    return results


def _begun(wave: Sequence[Play], ledger: Ledger | None) -> Iterator[tuple[Environment[Task], str, int]]:
    for play in wave:
        if _used_up(ledger):
            return
        yield build_environment(play.entry), play.entry.split, play.sample


def _used_up(ledger: Ledger | None) -> bool:
    return ledger is not None and ledger.budget.used_up


def _cost(ledger: Ledger | None) -> str:
    dollars = ledger.budget.spent.dollars if ledger else 0.0
    return f", ${dollars:,.2f}" if dollars else ""
