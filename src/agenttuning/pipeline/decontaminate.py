"""Stage 4, decontaminate: the paper's n-gram rule between training trajectories and the test tasks of the run.

A training trajectory is dropped when it holds, alone, more than the dirty share of an evaluation sample, the text
shared by all samples of its world left out. Rates are reported twice, with that shared text and without.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agenttuning.analysis.contamination import Reference, Rule
from agenttuning.core.records import Trajectory
from agenttuning.core.run import StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.errors import StageError
from agenttuning.pipeline.construct import build_environment, read_entries
from agenttuning.pipeline.filter import Dropped
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.construct import Entry


class DecontaminateConfig(StageConfig):
    """The constants of the rule; the paper's by default."""

    rule: Rule = Rule()


class Sample:
    """One evaluation sample: what its episode opens with."""

    def __init__(self, entry: Entry, opening: Sequence[str]) -> None:
        self.environment = entry.environment
        self.own = opening[-1]
        """The task's own part, the last user turn of the opening."""
        self.whole = "\n".join(opening)


def run(config: DecontaminateConfig, run: Run) -> Manifest:
    """Write `kept.jsonl`, `dropped.jsonl` and the rates per world."""
    tasks, source = run.output("construct", "tasks.jsonl"), run.output("filter", "kept.jsonl")
    stage = run.open("decontaminate", config, inputs={"tasks": tasks, "kept": source})
    if stage.finished:
        return stage.finished
    samples = asyncio.run(_openings(read_entries(tasks, "test")))
    own = Reference([sample.own for sample in samples], config.rule)
    whole = Reference([sample.whole for sample in samples], config.rule)
    dropped = _split(source, stage.folder, own, whole, config.rule)
    counts: dict[str, JsonValue] = {
        "dropped": dropped,
        "rates": {"own_text": _rates(samples, own), "with_shared_text": _rates(samples, whole)},
    }
    return stage.finish(outputs=("kept.jsonl", "dropped.jsonl"), counts=counts)


async def _openings(entries: Iterable[Entry]) -> list[Sample]:
    samples = []
    for entry in entries:
        async with build_environment(entry) as environment:
            opening = [message.content for message in await environment.start() if message.role == "user"]
        if not opening:
            raise StageError(
                f"{entry.environment} opens task {entry.task['id']!r} without a user turn; mend its start()"
            )
        samples.append(Sample(entry, opening))
    return samples


def _split(source: Path, folder: Path, own: Reference, whole: Reference, rule: Rule) -> int:
    kept: list[Trajectory] = []
    dropped: list[Dropped] = []
    trajectories = list(read_records(source, Trajectory))
    with progress("decontaminate", len(trajectories)) as advance:
        for trajectory in trajectories:
            text = "\n".join(message.content for message in trajectory.messages)
            whole.match(text)
            if own.match(text).max(initial=0.0) > rule.dirty:
                dropped.append(Dropped(reason="holds a test sample", trajectory=trajectory))
            else:
                kept.append(trajectory)
            advance(note=f"{len(dropped)} dropped")
    write_records(folder / "kept.jsonl", kept)
    write_records(folder / "dropped.jsonl", dropped)
    return len(dropped)


def _rates(samples: Sequence[Sample], reference: Reference) -> dict[str, JsonValue]:
    rule = reference.rule
    rates: dict[str, list[float]] = {}
    short: dict[str, int] = {}
    for sample, tokens, share in zip(samples, reference.lengths.tolist(), reference.shares().tolist(), strict=True):
        rates.setdefault(sample.environment, [])
        short.setdefault(sample.environment, 0)
        if tokens < rule.n:
            short[sample.environment] += 1
        else:
            rates[sample.environment].append(share)
    return {
        name: {
            "samples": len(shares) + short[name],
            "too_short": short[name],
            "clean": sum(share < rule.clean for share in shares),
            "between": sum(rule.clean <= share <= rule.dirty for share in shares),
            "dirty": sum(share > rule.dirty for share in shares),
            "mean_rate": round(sum(shares) / len(shares), 4) if shares else 0.0,
        }
        for name, shares in sorted(rates.items())
    }
