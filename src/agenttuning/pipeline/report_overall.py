"""The paper's table with our models in it: scores, the group's overall score, and the published error shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agenttuning.analysis.figures import Share
from agenttuning.analysis.tables import Table
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.analysis.errors import ErrorCategory
    from agenttuning.analysis.overall import PublishedScores
    from agenttuning.pipeline.report_facts import Facts

OVERALL_WORDS = (
    "Overall: the mean of a group's scores, each divided by the mean of that score over five published baselines. "
    "Only scores on the benchmarks' own data stand here; a group with a missing task has no overall score."
)


class GroupTable(NamedTuple):
    """One group of tasks."""

    name: str
    table: Table
    missing: dict[str, list[str]]
    """Model of ours to the tasks that it was not measured on."""


def overall_tables(facts: Facts, published: PublishedScores) -> list[GroupTable]:
    """Return one table per group in which a model of ours has at least one score on official data."""
    ours = {model: published.measured(cells) for model, cells in facts.scores.items()}
    tables = []
    for name, group in published.groups.items():
        measured = {model: {task: held[task] for task in group.tasks if task in held} for model, held in ours.items()}
        if not any(measured.values()):
            continue
        rows = [_row(model, published.scores(name, model), name, published) for model in published.models]
        rows += [_row(f"{model} (this run)", held, name, published) for model, held in measured.items() if held]
        missing = {model: [task for task in group.tasks if task not in held] for model, held in measured.items()}
        headings = ("model", *group.tasks, "overall")
        tables.append(
            GroupTable(name.replace("_", "-"), Table(headings, rows), {m: t for m, t in missing.items() if t})
        )
    return tables


def _row(model: str, scores: Mapping[str, float], group: str, published: PublishedScores) -> tuple[str, ...]:
    try:
        overall = f"{published.overall(group, scores):.2f}"
    except DataError:
        overall = ""
    cells = (
        f"{scores[task]:.2f}".rstrip("0").rstrip(".") if task in scores else "" for task in published.weights(group)
    )
    return (model, *cells, overall)


def overall_markdown(facts: Facts, published: PublishedScores) -> list[str]:
    """Return the tables as Markdown; nothing where no model has a score on official data."""
    tables = overall_tables(facts, published)
    parts = [f"## Overall score\n\n{OVERALL_WORDS}\n"] if tables else []
    parts += [f"### {group.name} ({published.source})\n\n{group.table.markdown()}" for group in tables]
    return [*parts, *(f"{line}\n" for line in missing_words(tables))]


def missing_words(tables: list[GroupTable]) -> list[str]:
    """Say which tasks keep a model from an overall score."""
    return [
        f"{model} has no {group.name} overall score: {', '.join(tasks)} not measured on official data."
        for group in tables
        for model, tasks in group.missing.items()
    ]


def published_errors(world: str, category: ErrorCategory, published: PublishedScores) -> list[Share]:
    """Return the published shares of an error in a world, where the paper's figure has it."""
    return [
        Share(f"{model}, published", share)
        for panel in published.errors
        if world in panel.worlds and category in panel.shares
        for model, share in zip(panel.models, panel.shares[category], strict=True)
    ]
