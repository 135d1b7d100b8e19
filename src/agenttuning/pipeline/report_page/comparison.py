"""Fills the page that sets runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.analysis.figures import lines
from agenttuning.analysis.overall import is_synthetic
from agenttuning.pipeline.comparison import sweep_table
from agenttuning.pipeline.report_page.page import page_file, template

if TYPE_CHECKING:
    from agenttuning.pipeline.comparison import Comparison


def render_comparison(found: Comparison) -> str:
    """Return the page as one file of HTML."""
    return template("comparison.html").render(
        runs=list(dict.fromkeys(str(column.run.folder) for column in found.columns)),
        scores=found.scores,
        unlike=[sentence for sentences in found.unlike.values() for sentence in sentences],
        synthetic=any(is_synthetic(cell) for column in found.columns for cell in column.cells.values()),
        lines=[line.name for line in found.sweep],
        figure=lines(found.sweep) if found.sweep else "",
        sweep=sweep_table(found),
        seeds=found.seeds,
        style=page_file("style.css"),
    )
