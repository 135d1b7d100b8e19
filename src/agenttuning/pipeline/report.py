"""Stage 9, report: all numbers of the run with what made them, as `report.md`, `report.json` and one `report.html`.

The page needs nothing but itself: no network, no font, no script from elsewhere. All three have the same bytes for the
same run; wall times stay in the manifests.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from agenttuning.analysis.overall import read_published
from agenttuning.core.run import StageConfig
from agenttuning.core.store import write_atomic
from agenttuning.errors import RunError
from agenttuning.pipeline.report_facts import as_json, gather, played
from agenttuning.pipeline.report_words import markdown

if TYPE_CHECKING:
    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.report_facts import Facts

OUTPUTS = ("report.md", "report.json", "report.html")


class ReportConfig(StageConfig):
    """How much of the run the page shows."""

    episodes: int | None = Field(default=None, ge=0)
    """Test tasks per world in the trajectory browser, chosen evenly over the outcomes; None shows all."""
    characters: int = Field(default=20_000, gt=0)
    """Longest message in the trajectory browser; what is cut is said."""
    published: Path | None = None
    """A table of published scores of your own, in the form of `assets/published`; None takes the paper's."""


def run(config: ReportConfig, run: Run) -> Manifest:
    """Write the three reports from whatever stages are finished.

    Raises:
        RunError: no stage of the run is finished.
        DataError: the table of published scores cannot be read.
        MissingExtraError: the page's template engine is not installed.
    """
    from agenttuning.pipeline.report_page import page

    facts, published = gather(run), read_published(config.published)
    if not facts.stages:
        raise RunError(f"{run.folder} holds no finished stage to report on; run `agenttuning run RECIPE` first")
    stage = run.open("report", config, inputs=_inputs(run, facts))
    if stage.finished:
        return stage.finished
    trajectories = {model: played(run, model) for model in facts.models}
    contents = (
        markdown(facts, published),
        as_json(facts),
        page.render(facts, published, trajectories, episodes=config.episodes, characters=config.characters),
    )
    for name, content in zip(OUTPUTS, contents, strict=True):
        write_atomic(stage.folder / name, content)
    counts = {"stages": len(facts.stages), "models": len(facts.models), "worlds": len(facts.worlds)}
    return stage.finish(outputs=OUTPUTS, counts=counts)


def _inputs(run: Run, facts: Facts) -> dict[str, Path]:
    """Return the outputs that the report is read from."""
    names = [("evaluate", f"{model}.jsonl") for model in facts.models]
    names += [("evaluate", "scores.json")] if facts.evaluation else []
    names += [("train", "metrics.jsonl")] if facts.loss else []
    return {name: run.output(stage, name) for stage, name in names}
