"""Stage 3, filter: keep the good trajectories (paper, section 2.3: reward 1, Mind2Web at least 2/3).

A rule answers `Verdict(kept, reason)`; dropped trajectories are kept aside with the reason, and the reject table counts
them by world. By default the rules are the paper's: both sides held, reward, form, no two equal dialogues; the others
are switched on by their key. Cleaned trajectories are kept aside as they were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from agenttuning.core.records import Record, Trajectory
from agenttuning.core.run import StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.pipeline.filtering.alignment import Aligned
from agenttuning.pipeline.filtering.duplicates import Duplicates, NearDuplicates
from agenttuning.pipeline.filtering.escapes import clean
from agenttuning.pipeline.filtering.form import Form, Thoughts
from agenttuning.pipeline.filtering.language import Script, Scripts
from agenttuning.pipeline.filtering.outcome import Finished, Reward, ValidActions
from agenttuning.pipeline.filtering.refusals import Refusals
from agenttuning.pipeline.filtering.repetition import EqualReplies, Loops
from agenttuning.pipeline.filtering.truncation import Uncut
from agenttuning.pipeline.filtering.verdict import KEPT, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agenttuning.core.run import Manifest, Run


class FilterConfig(StageConfig):
    """What makes a trajectory good enough to learn from."""

    threshold: float = Field(default=1.0, ge=0.0, le=1.0)
    """Least reward, for worlds without their own threshold; 1 in the paper."""
    thresholds: dict[str, float] = {"mind2web": 2 / 3}
    """Least reward by world; the paper keeps Mind2Web from 2/3 on."""
    max_invalid_share: float = Field(default=1.0, ge=0.0, le=1.0)
    """Largest share of turns without a valid action; 1 switches the rule off, as in the paper."""
    min_thought_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """Least share of learned turns that hold a thought; 0 switches the rule off, as in the paper."""
    max_equal_replies: int | None = Field(default=None, ge=1)
    """Most equal replies in a row; unset, the rule is off. The paper's evaluation gives up at 3."""
    max_repeated_phrases: float = Field(default=1.0, ge=0.0, le=1.0)
    """Largest share of a reply's four-word phrases that stood in it before, for replies from 20 words on; 1: off."""
    max_cut_share: float = Field(default=1.0, ge=0.0, le=1.0)
    """Largest share of observations that say they were cut; below 1, episodes out of context go too. 1: off."""
    aligned: tuple[str, ...] = ()
    """Worlds of multiple-choice questions, such as mind2web, whose answers must belong to their question: a letter
    among the choices, a legal action, a word of the task or of a choice."""
    scripts: tuple[Script, ...] = ()
    """Scripts that learned turns are written in, such as `["latin"]`; none switches the rule off."""
    min_script_share: float = Field(default=0.9, ge=0.0, le=1.0)
    """Least share of their letters in those scripts."""
    drop_refusals: bool = False
    """Drop what holds a reply that opens with a refusal or with talk about being a model."""
    clean_escapes: bool = False
    """Take terminal control codes out of observations; the trajectory as it was goes to `raw.jsonl`."""
    drop_duplicates: bool = True
    """Drop all but the first of trajectories with equal messages."""
    near_duplicates: float = Field(default=1.0, gt=0.0, le=1.0)
    """Drop all but the first of a world's trajectories whose five-word shingles have a Jaccard index of at least this;
    1: off. Needs the extra `fast`; pairs below about 0.6 may be overlooked."""


class Dropped(Record):
    """One line of `dropped.jsonl`."""

    reason: str
    trajectory: Trajectory


@dataclass
class Counts:
    """One row of the paper's data table."""

    instructions: set[str] = field(default_factory=set)
    trajectories: int = 0
    kept: int = 0
    turns: int = 0

    def row(self) -> dict[str, JsonValue]:
        """Return the row: instructions, trajectories, kept, mean turns of the kept, ratio kept per instruction."""
        return {
            "instructions": len(self.instructions),
            "trajectories": self.trajectories,
            "kept": self.kept,
            "mean_turns": round(self.turns / self.kept, 2) if self.kept else 0.0,
            "ratio": round(self.kept / len(self.instructions), 4) if self.instructions else 0.0,
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """A trajectory and what became of it."""

    trajectory: Trajectory
    """Cleaned, where it was kept and that was asked for."""
    verdict: Verdict
    raw: Trajectory
    """As it was collected."""


def rules(config: FilterConfig) -> list[Rule]:
    """Return the rules that judge a trajectory by itself, in their order, as far as they are switched on."""
    chosen: list[tuple[bool, Rule]] = [
        (True, Finished()),
        (True, Reward(config.threshold, config.thresholds)),
        (True, Form()),
        (config.max_invalid_share < 1, ValidActions(config.max_invalid_share)),
        (config.min_thought_share > 0, Thoughts(config.min_thought_share)),
        (config.max_equal_replies is not None, EqualReplies(config.max_equal_replies or 1)),
        (config.max_repeated_phrases < 1, Loops(config.max_repeated_phrases)),
        (config.max_cut_share < 1, Uncut(config.max_cut_share)),
        (bool(config.aligned), Aligned(config.aligned)),
        (bool(config.scripts), Scripts(config.scripts, config.min_script_share)),
        (config.drop_refusals, Refusals()),
    ]
    return [rule for switched_on, rule in chosen if switched_on]


def comparing_rules(config: FilterConfig) -> list[Rule]:
    """Return the rules that compare a trajectory with those before it."""
    exact: list[Rule] = [Duplicates()] if config.drop_duplicates else []
    return [*exact, NearDuplicates(config.near_duplicates)] if config.near_duplicates < 1 else exact


def keep(trajectory: Trajectory, judges: Iterable[Rule]) -> Verdict:
    """Return the first verdict against a trajectory, or that it is kept."""
    return next((verdict for rule in judges if not (verdict := rule(trajectory)).kept), KEPT)


def run(config: FilterConfig, run: Run) -> Manifest:
    """Write `kept.jsonl` and `dropped.jsonl`, and `raw.jsonl` when asked to clean, all in the order of their keys."""
    source = run.output("collect", "trajectories.jsonl")
    stage = run.open("filter", config, inputs={"trajectories": source})
    if stage.finished:
        return stage.finished
    judged = list(judge(read_records(source, Trajectory), config))
    write_records(stage.folder / "kept.jsonl", (one.trajectory for one in judged if one.verdict.kept))
    dropped = (Dropped(reason=one.verdict.reason, trajectory=one.raw) for one in judged if not one.verdict.kept)
    write_records(stage.folder / "dropped.jsonl", dropped)
    counts = _table(judged)
    if not config.clean_escapes:
        return stage.finish(outputs=("kept.jsonl", "dropped.jsonl"), counts=counts)
    cleaned = [one for one in judged if one.trajectory is not one.raw]
    write_records(stage.folder / "raw.jsonl", (one.raw for one in cleaned))
    counts["cleaned"] = dict(sorted(Counter(one.raw.environment for one in cleaned).items()))
    return stage.finish(outputs=("kept.jsonl", "dropped.jsonl", "raw.jsonl"), counts=counts)


def judge(trajectories: Iterable[Trajectory], config: FilterConfig) -> Iterator[Judged]:
    """Judge trajectories in the order of their keys, so that the order of collection does not matter."""
    alone, comparing = rules(config), comparing_rules(config)
    for raw in sorted(trajectories, key=lambda held: held.key):
        verdict = keep(raw, alone)
        trajectory = clean(raw) if verdict.kept and config.clean_escapes else raw
        if verdict.kept:
            verdict = keep(trajectory, comparing)
        yield Judged(trajectory if verdict.kept else raw, verdict, raw)


def _table(judged: Sequence[Judged]) -> dict[str, JsonValue]:
    worlds: defaultdict[str, Counts] = defaultdict(Counts)
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in judged:
        row = worlds[one.raw.environment]
        row.instructions.add(one.raw.task)
        row.trajectories += 1
        if one.verdict.kept:
            row.kept += 1
            row.turns += one.raw.turns
        else:
            reasons[one.raw.environment][one.verdict.reason] += 1
    table: dict[str, JsonValue] = {name: row.row() for name, row in sorted(worlds.items())}
    rejects: dict[str, JsonValue] = {name: dict(sorted(count.items())) for name, count in sorted(reasons.items())}
    return {"table": table, "rejected": rejects}
