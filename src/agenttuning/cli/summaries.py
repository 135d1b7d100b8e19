"""What a stage prints when it is finished: what was paid, what fell and why, the scores, where the report is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TerminalTable

from agenttuning.analysis.tables import Table, before_after
from agenttuning.pipeline.evaluate import SCORES, EvaluationScores
from agenttuning.pipeline.profile import read_profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.core.run import Manifest, Run


def print_summary(manifest: Manifest, run: Run) -> None:
    """Print the summary of a stage, if it has one."""
    if "calls" in manifest.counts:
        print_table(_paid(manifest))
    if manifest.stage == "construct" and (sources := _sources(manifest)).rows:
        print_table(sources)
    elif manifest.stage == "filter":
        print_table(_kept(manifest))
    elif manifest.stage == "evaluate" and SCORES in manifest.outputs:
        path = run.output("evaluate", SCORES)
        judged = EvaluationScores.model_validate_json(path.read_bytes())
        print_table(before_after(judged.scores, judged.changes))
    elif manifest.stage == "report":
        print(f"open {run.output('report', 'report.html')}")


def print_profiles(manifest: Manifest, run: Run) -> None:
    """Print where the time of a stage went, if this call was to find out."""
    for label, profile in read_profiles(run.stage_folder(manifest.stage)).items() if run.profile else ():
        print_table(profile.table())
        print(f"{label}: {profile.sentence()}")


def print_table(table: Table) -> None:
    """Print a table to stdout: drawn on a terminal, Markdown elsewhere."""
    console = Console()
    if not console.is_terminal:
        sys.stdout.write(table.markdown())
        return
    drawn = TerminalTable(box=SIMPLE_HEAD)
    for position, heading in enumerate(table.headings):
        drawn.add_column(heading, justify="right" if position else "left")
    for row in table.rows:
        drawn.add_row(*map(escape, row))
    console.print(drawn)


def _sources(manifest: Manifest) -> Table:
    """Return what corpora and teachers gave, and why the rest fell."""
    rows = [
        (name, f"{told['attempts']:,}", f"{told['tasks']:,}", ", ".join(f"{why} {n:,}" for why, n in fallen.items()))
        for name, told in manifest.counts.items()
        if isinstance(told, dict) and isinstance(fallen := told.get("rejected"), dict)
    ]
    return Table(("source", "attempts", "tasks", "rejected"), rows)


def _paid(manifest: Manifest) -> Table:
    """Return what the calls over HTTP took, a row for each model."""
    headings = ("model", "calls", "answered", "attempts", "prompt tokens", "completion tokens", "dollars")
    rows = manifest.counts["calls"]
    assert isinstance(rows, dict)
    return Table(headings, [(name, *_spent(row)) for name, row in rows.items() if isinstance(row, dict)])


def _spent(row: Mapping[str, object]) -> tuple[str, ...]:
    counts = tuple(f"{row[key]:,}" for key in ("calls", "answered", "attempts", "prompt_tokens", "completion_tokens"))
    return (*counts, "unknown" if row["unpriced"] else f"{row['dollars']:,.2f}")


def _kept(manifest: Manifest) -> Table:
    """Return the paper's first table for this run."""
    headings = ("world", "instructions", "trajectories", "kept", "mean turns", "ratio")
    rows = manifest.counts["table"]
    assert isinstance(rows, dict)
    return Table(headings, [(name, *_figures(row)) for name, row in rows.items() if isinstance(row, dict)])


def _figures(row: Mapping[str, object]) -> tuple[str, ...]:
    counts = tuple(f"{row[key]:,}" for key in ("instructions", "trajectories", "kept"))
    return (*counts, f"{row['mean_turns']:.2f}", f"{row['ratio']:.1%}")
