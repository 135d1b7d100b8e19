"""Stage 3, filter: keep the good trajectories (paper, section 2.3: reward 1, Mind2Web at least 2/3).

A rule answers `Verdict(kept, reason)`; dropped trajectories are kept aside with the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, JsonValue

from agenttuning.core.records import Record, Trajectory, digest
from agenttuning.core.run import StageConfig
from agenttuning.core.store import read_records, write_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agenttuning.core.run import Manifest, Run


class FilterConfig(StageConfig):
    """What makes a trajectory good enough to learn from."""

    threshold: float = Field(default=1.0, ge=0.0, le=1.0)
    """Least reward, for worlds without their own threshold; 1 in the paper."""
    thresholds: dict[str, float] = {"mind2web": 2 / 3}
    """Least reward by world; the paper keeps Mind2Web from 2/3 on."""
    max_invalid_share: float = Field(default=1.0, ge=0.0, le=1.0)
    """Largest share of turns without a valid action; 1 switches the rule off, as in the paper."""
    drop_duplicates: bool = True
    """Drop all but the first of trajectories with equal messages."""


class Verdict(NamedTuple):
    """A rule's answer."""

    kept: bool
    reason: str = ""
    """Why it was dropped; groups the rows of the reject table."""


class Dropped(Record):
    """One line of `dropped.jsonl`."""

    reason: str
    trajectory: Trajectory


@dataclass
class Counts:
    """One row of the paper's data table."""

    instructions: int = 0
    trajectories: int = 0
    kept: int = 0
    turns: int = 0

    def row(self) -> dict[str, JsonValue]:
        """Return the row: instructions, trajectories, kept, mean turns of the kept, ratio kept per instruction."""
        return {
            "instructions": self.instructions,
            "trajectories": self.trajectories,
            "kept": self.kept,
            "mean_turns": round(self.turns / self.kept, 2) if self.kept else 0.0,
            "ratio": round(self.kept / self.instructions, 4) if self.instructions else 0.0,
        }


def keep(trajectory: Trajectory, config: FilterConfig) -> Verdict:
    """Judge one trajectory by itself."""
    if trajectory.failure is not None:
        return Verdict(kept=False, reason=f"{trajectory.failure.side} failed")
    threshold = config.thresholds.get(trajectory.environment, config.threshold)
    if trajectory.score.reward < threshold:
        return Verdict(kept=False, reason="reward below threshold")
    if fault := _format_fault(trajectory):
        return Verdict(kept=False, reason=fault)
    invalid = sum(not step.valid for step in trajectory.steps)
    if invalid > config.max_invalid_share * len(trajectory.steps):
        return Verdict(kept=False, reason="too many invalid actions")
    return Verdict(kept=True)


def _format_fault(trajectory: Trajectory) -> str:
    dialogue = [message for message in trajectory.messages if message.role != "system"]
    expected = ("user", "assistant") * (len(dialogue) // 2 + 1)
    if any(message.role != role for message, role in zip(dialogue, expected, strict=False)):
        return "roles do not alternate"
    if any(not message.content.strip() for message in dialogue if message.role == "assistant"):
        return "empty assistant turn"
    if not any(message.train for message in dialogue):
        return "no turn to learn from"
    return ""


def run(config: FilterConfig, run: Run) -> Manifest:
    """Write `kept.jsonl` and `dropped.jsonl`, both in the order of their keys."""
    source = run.output("collect", "trajectories.jsonl")
    stage = run.open("filter", config, inputs={"trajectories": source})
    if stage.finished:
        return stage.finished
    judged = list(_judge(read_records(source, Trajectory), config))
    write_records(stage.folder / "kept.jsonl", (trajectory for trajectory, verdict in judged if verdict.kept))
    dropped = (
        Dropped(reason=verdict.reason, trajectory=trajectory) for trajectory, verdict in judged if not verdict.kept
    )
    write_records(stage.folder / "dropped.jsonl", dropped)
    return stage.finish(outputs=("kept.jsonl", "dropped.jsonl"), counts=_table(judged))


def _judge(trajectories: Iterable[Trajectory], config: FilterConfig) -> Iterator[tuple[Trajectory, Verdict]]:
    seen: set[str] = set()
    for trajectory in sorted(trajectories, key=lambda held: held.key):
        verdict = keep(trajectory, config)
        if verdict.kept and config.drop_duplicates:
            content = digest("\0".join(message.content for message in trajectory.messages))
            if content in seen:
                verdict = Verdict(kept=False, reason="duplicate")
            seen.add(content)
        yield trajectory, verdict


def _table(judged: list[tuple[Trajectory, Verdict]]) -> dict[str, JsonValue]:
    worlds: defaultdict[str, Counts] = defaultdict(Counts)
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    instructions: defaultdict[str, set[str]] = defaultdict(set)
    for trajectory, verdict in judged:
        row = worlds[trajectory.environment]
        instructions[trajectory.environment].add(trajectory.task)
        row.trajectories += 1
        if verdict.kept:
            row.kept += 1
            row.turns += trajectory.turns
        else:
            reasons[trajectory.environment][verdict.reason] += 1
    for name, row in worlds.items():
        row.instructions = len(instructions[name])
    table: dict[str, JsonValue] = {name: row.row() for name, row in sorted(worlds.items())}
    rejects: dict[str, JsonValue] = {name: dict(sorted(count.items())) for name, count in sorted(reasons.items())}
    return {"table": table, "rejected": rejects}
