"""Runs side by side: one column per model of each run, one row per world (`agenttuning report RUN RUN ...`).

Numbers of unlike making do not share a row: the comparison is refused, and the differing keys are named. With
`allow_unlike` they stand, marked. Where the runs differ in the agent share of their mixture, the scores over that share
are the paper's ablation.
"""

from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from agenttuning.analysis.figures import Line
from agenttuning.analysis.scores import WorldScore, compare
from agenttuning.analysis.tables import Table, label, p_value, percent, with_interval
from agenttuning.analysis.unlike import differing_keys
from agenttuning.core.run import STAGE_NAMES, Run
from agenttuning.errors import DataError, RunError
from agenttuning.pipeline.report_facts import Facts, gather, played

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agenttuning.core.records import Trajectory


class Column(NamedTuple):
    """One model of one run."""

    name: str
    run: Run
    facts: Facts
    model: str

    @property
    def cells(self) -> Mapping[str, WorldScore]:
        """World to score."""
        return self.facts.scores[self.model]

    @property
    def agent_share(self) -> float | None:
        """The paper's eta of the run's mixture; None for a model that the run did not train."""
        mix = self.facts.stages.get("mix")
        share = mix.config.get("agent_share") if mix and self.model != self.facts.models[0] else None
        return float(share) if isinstance(share, int | float) else None


class Comparison(NamedTuple):
    """Everything that a comparison says."""

    columns: list[Column]
    scores: Table
    unlike: dict[str, list[str]]
    """World to what differs in its row, one sentence per column; empty unless it was allowed."""
    sweep: list[Line]
    """Mean success over the agent share, by part of the evaluation; empty where no two runs differ in it."""
    seeds: Table | None
    """Means over runs that differ in their seed alone; None where there are none."""


def compare_runs(folders: Sequence[Path], *, allow_unlike: bool = False) -> Comparison:
    """Read finished runs and set them side by side; paired tests are against the first column.

    Raises:
        RunError: a folder is no run with a finished evaluation.
        DataError: numbers of one world were made in different ways (the text names in what).
    """
    columns = _columns(folders)
    worlds = list(dict.fromkeys(world for column in columns for world in column.facts.worlds))
    unlike = {world: found for world in worlds if (found := _unlike(world, columns))}
    if unlike and not allow_unlike:
        told = "; ".join(sentence for sentences in unlike.values() for sentence in sentences)
        raise DataError(f"these numbers were made in different ways: {told}. --allow-unlike shows and marks them")
    return Comparison(columns, _scores(columns, worlds, unlike), unlike, _sweep(columns), _seeds(columns))


def _columns(folders: Sequence[Path]) -> list[Column]:
    columns: list[Column] = []
    names = _names(folders)
    for folder, name in zip(folders, names, strict=True):
        run = Run(folder)
        facts = gather(run) if (folder / f"{STAGE_NAMES.index('evaluate') + 1}-evaluate").is_dir() else None
        if facts is None or facts.evaluation is None:
            raise RunError(f"{folder} is no run with a finished evaluation; run `agenttuning evaluate RECIPE` first")
        columns += [Column(f"{name}: {model}", run, facts, model) for model in facts.models]
    return columns


def _names(folders: Sequence[Path]) -> list[str]:
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _unlike(world: str, columns: Sequence[Column]) -> list[str]:
    held = [column for column in columns if world in column.cells]
    first = held[0].cells[world].made_by
    found = []
    for column in held[1:]:
        keys = differing_keys(first, column.cells[world].made_by)
        if keys:
            mine, theirs = (made.model_dump() for made in (first, column.cells[world].made_by))
            told = ", ".join(f"{key} ({mine[key]!r} and {theirs[key]!r})" for key in keys)
            found.append(f"{world} of {held[0].name} and {column.name} differ in {told}")
    return found


def _scores(columns: Sequence[Column], worlds: Sequence[str], unlike: Mapping[str, list[str]]) -> Table:
    headings = ["world", "made by", *(column.name for column in columns)]
    rows = []
    base = {world: _played(columns[0], world) for world in worlds}
    for world in worlds:
        made = next(column.cells[world] for column in columns if world in column.cells).made_by
        mark = " (unlike)" if world in unlike else ""
        cells = [_cell(column, world, base[world], first=column is columns[0], mark=mark) for column in columns]
        rows.append((f"{world}{mark}", label(made), *cells))
    return Table(tuple(headings), rows)


def _cell(column: Column, world: str, base: Sequence[Trajectory], *, first: bool, mark: str) -> str:
    cell = column.cells.get(world)
    if cell is None or first or mark or not base:
        return with_interval(cell)
    change = compare(base, _played(column, world), ignore=frozenset({"seed", "sampling"}))
    return f"{with_interval(cell)}, p {p_value(change)}" if change.tasks else with_interval(cell)


def _played(column: Column, world: str) -> list[Trajectory]:
    return [one for one in played(column.run, column.model) if one.environment == world]


def _sweep(columns: Sequence[Column]) -> list[Line]:
    """Return mean success over the agent share, one line per part of the evaluation; none without two shares."""
    shares = sorted({column.agent_share for column in columns if column.agent_share is not None})
    if len(shares) < 2:
        return []
    found = []
    for part in ("trained on", "held out", "general"):
        means = {share: _part([c for c in columns if c.agent_share == share], part) for share in shares}
        points = [(share, mean) for share, mean in means.items() if mean is not None]
        found += [Line(part, points)] if points else []
    return found


def _part(columns: Sequence[Column], part: str) -> float | None:
    found = [cell.success for column in columns for world, cell in column.cells.items() if _role(column, world) == part]
    return fmean(found) if found else None


def sweep_table(found: Comparison) -> Table:
    """Return the lines of the agent share as a table."""
    shares = sorted({share for line in found.sweep for share, _ in line.points})
    rows = [
        (
            f"{share:g}",
            *(percent(dict(line.points)[share]) if share in dict(line.points) else "" for line in found.sweep),
        )
        for share in shares
    ]
    return Table(("agent share (eta)", *(line.name for line in found.sweep)), rows)


def _role(column: Column, world: str) -> str:
    return column.facts.roles[world]


def _seeds(columns: Sequence[Column]) -> Table | None:
    groups: dict[str, list[Column]] = {}
    for column in columns:
        settings = {stage: made.config for stage, made in column.facts.stages.items() if stage != "report"}
        groups.setdefault(json.dumps([column.model, settings], sort_keys=True), []).append(column)
    repeated = [group for group in groups.values() if len({_seed(column) for column in group}) > 1]
    rows = [
        (
            ", ".join(column.name for column in group),
            world,
            f"{100 * fmean(values):.1f} %",
            f"{100 * min(values):.1f} to {100 * max(values):.1f}",
        )
        for group in repeated
        for world in group[0].cells
        if (values := [column.cells[world].success for column in group if world in column.cells])
    ]
    return Table(("the same but for the seed", "world", "mean success", "range"), rows) if rows else None


def _seed(column: Column) -> int:
    return next(iter(column.facts.stages.values())).seed


def comparison_markdown(found: Comparison) -> str:
    """Return the comparison as Markdown."""
    parts = ["# Runs side by side\n", found.scores.markdown()]
    parts.append("Success with its 95 % interval; p is McNemar's exact test against the first column, same tasks.\n")
    parts += [f"Unlike: {sentence}\n" for sentences in found.unlike.values() for sentence in sentences]
    if found.sweep:
        parts += ["## Agent share\n", sweep_table(found).markdown()]
    if found.seeds:
        parts += ["## Seeds\n", found.seeds.markdown()]
    return "\n".join(parts)


def comparison_json(found: Comparison) -> str:
    """Return every cell of every column, and what is unlike."""
    columns = [
        {
            "run": str(column.run.folder),
            "model": column.model,
            "agent_share": column.agent_share,
            "scores": {world: cell.model_dump(mode="json") for world, cell in column.cells.items()},
        }
        for column in found.columns
    ]
    return json.dumps({"columns": columns, "unlike": found.unlike}, indent=2, ensure_ascii=False) + "\n"
