"""Stage 4, decontaminate: the paper's n-gram rule between training trajectories and the test tasks of the run.

Rates are reported by the paper's rule, twice: with the instruction that all samples of a world share, and without. By
that rule templated worlds look contaminated, since a new room in the old words differs in few tokens. So by default a
trajectory is dropped when it holds, alone and word for word, more than the dirty share of a sample's own text.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agenttuning.analysis.contamination import Reference, Rule, words
from agenttuning.core.records import Trajectory
from agenttuning.core.run import StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.errors import StageError
from agenttuning.pipeline.construct import build_environment, read_entries
from agenttuning.pipeline.filter import Dropped
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.construct import Entry


_FRAME_SHOWS = 5
"""With fewer samples of a world, a line that all of them have may well be their own."""


class DecontaminateConfig(StageConfig):
    """What is measured, and what is dropped."""

    rule: Rule = Rule()
    """The constants; the paper's by default."""
    drop: Literal["exact", "tolerant", "nothing"] = "exact"
    """Which share of one sample must exceed `rule.dirty`: of exact matches, or of matches over mismatches too."""


@dataclass
class Sample:
    """One evaluation sample: what its episode opens with."""

    environment: str
    shared: str
    """The user turns before the last: the instruction that the samples of a world share; may be empty."""
    own: str
    """The task's own part: the last user turn of the opening, less the lines that every sample of the world has."""


def run(config: DecontaminateConfig, run: Run) -> Manifest:
    """Write `kept.jsonl`, `dropped.jsonl` and the rates per world."""
    tasks, source = run.output("construct", "tasks.jsonl"), run.output("filter", "kept.jsonl")
    stage = run.open("decontaminate", config, inputs={"tasks": tasks, "kept": source})
    if stage.finished:
        return stage.finished
    samples = asyncio.run(_openings(read_entries(tasks, "test")))
    reference = Reference([sample.own for sample in samples], config.rule)
    shared = dict.fromkeys((sample.shared for sample in samples), False)
    dropped = _split(source, stage.folder, reference, shared, config)
    counts: dict[str, JsonValue] = {
        "dropped": dropped,
        "rates": {
            "own_text": _rates(samples, reference, {}),
            "with_shared_text": _rates(samples, reference, shared),
        },
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
        samples.append(Sample(entry.environment, "\n".join(opening[:-1]), opening[-1]))
    for world in {sample.environment for sample in samples}:
        _leave_frame_out([sample for sample in samples if sample.environment == world])
    return samples


def _leave_frame_out(samples: Sequence[Sample]) -> None:
    """Take from the samples of a world the lines that all of them have: a protocol's frame is no task's own text."""
    if len(samples) < _FRAME_SHOWS:
        return
    frame = set.intersection(*(set(sample.own.splitlines()) for sample in samples))
    for sample in samples:
        sample.own = "\n".join(line for line in sample.own.splitlines() if line not in frame)


def _split(
    source: Path, folder: Path, reference: Reference, shared: dict[str, bool], config: DecontaminateConfig
) -> dict[str, JsonValue]:
    """Match all training texts, note which shared texts they hold, and write what is kept and what is not."""
    kept: list[Trajectory] = []
    dropped: list[Dropped] = []
    trajectories = list(read_records(source, Trajectory))
    with progress("decontaminate", len(trajectories)) as advance:
        for trajectory in trajectories:
            text = "\n".join(message.content for message in trajectory.messages)
            for opening, found in shared.items():
                shared[opening] = found or opening in text
            match = reference.match(text)
            share = {"exact": match.exact, "tolerant": match.tolerant}.get(config.drop)
            if share is not None and share.max(initial=0.0) > config.rule.dirty:
                dropped.append(Dropped(reason="holds a test sample", trajectory=trajectory))
            else:
                kept.append(trajectory)
            advance(note=f"{len(dropped)} dropped")
    write_records(folder / "kept.jsonl", kept)
    write_records(folder / "dropped.jsonl", dropped)
    return dict(sorted(Counter(row.trajectory.environment for row in dropped).items()))


def _rates(samples: Sequence[Sample], reference: Reference, shared: Mapping[str, bool]) -> dict[str, JsonValue]:
    """Rate the samples of each world; with `shared`, the shared text counts, as contaminated where it was found."""
    rule = reference.rule
    rates: dict[str, list[float]] = {}
    short: Counter[str] = Counter()
    for sample, tokens, share in zip(samples, reference.lengths.tolist(), reference.shares().tolist(), strict=True):
        rates.setdefault(sample.environment, [])
        before = len(words(sample.shared)) if shared else 0
        if tokens + before < rule.n:
            short[sample.environment] += 1
        else:
            held = before if shared.get(sample.shared) else 0
            rates[sample.environment].append((share * tokens + held) / (tokens + before))
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
