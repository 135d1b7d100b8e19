"""Fills the page: every text that a model or a file brought is escaped by the template engine."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from agenttuning.analysis.errors import CATEGORIES
from agenttuning.analysis.figures import Estimate, Share, bars, curve, intervals, stack
from agenttuning.analysis.tables import full_scores, interval, label, p_value, percent, points
from agenttuning.errors import MissingExtraError
from agenttuning.pipeline import report_words as words
from agenttuning.pipeline.report_overall import OVERALL_WORDS, missing_words, overall_tables, published_errors
from agenttuning.pipeline.report_page.episodes import OUTCOMES, browser

try:
    from jinja2 import DictLoader, Environment, StrictUndefined, Template
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f'the report needs the package {error.name!r}; install it with `pip install "agenttuning[report]"`'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.analysis.overall import PublishedScores
    from agenttuning.analysis.scores import WorldScore
    from agenttuning.core.records import Trajectory
    from agenttuning.pipeline.report_facts import Facts


class Result(NamedTuple):
    """One model on one world, in words."""

    model: str
    success: str
    bounds: str
    n: int
    reward: str


class WorldResult(NamedTuple):
    """One world before and after."""

    world: str
    role: str
    origin: str
    results: list[Result]
    moved: str
    """Change from the first model to the last in points; empty with one model."""
    better: bool
    tested: str
    figure: str


class ErrorLine(NamedTuple):
    """One category of errors in one world."""

    category: str
    shares: list[str]
    figure: str
    published: str
    """Figure of the published shares; empty where there are none."""


class ErrorPanel(NamedTuple):
    """The errors of one world."""

    world: str
    lines: list[ErrorLine]
    unseen: Sequence[str]
    """Categories that no episode shows."""


def render(
    facts: Facts,
    published: PublishedScores,
    trajectories: Mapping[str, Sequence[Trajectory]],
    *,
    episodes: int | None,
    characters: int,
) -> str:
    """Return the page as one file of HTML."""
    shown = browser(facts, trajectories, episodes=episodes, characters=characters)
    script = page_file("script.js")
    mixed, overall = words.mixture(facts), overall_tables(facts, published)
    return template("page.html").render(
        facts=facts,
        title=words.title(facts),
        sentence=words.sentence(facts),
        origin=words.origin(facts),
        synthetic=words.synthetic(facts),
        sampling=_sampling(facts),
        seed=next(iter(facts.stages.values())).seed,
        worlds=[_world(facts, world) for world in facts.worlds],
        errors=[_errors(facts, world, published) for world in facts.worlds],
        overall=overall,
        overall_words=OVERALL_WORDS,
        overall_source=published.source,
        missing=missing_words(overall),
        scores=full_scores(facts.scores),
        data=words.data_table(facts),
        rejected=[
            (world, [f"{words.shown(count)} {reason}" for reason, count in reasons.items()])
            for world, reasons in facts.table("filter", "rejected").items()
        ],
        mixture=words.mixture_table(mixed),
        mixture_figures=_mixture_figures(mixed),
        loss_figure=curve(facts.loss) if len(facts.loss) > 1 else None,
        dropped=words.dropped(facts),
        generated_words=words.GENERATED_WORDS,
        contamination=words.contamination_tables(facts),
        contamination_rule=words.contamination_rule(facts),
        offenders=words.offender_table(facts),
        making=words.making_table(facts),
        provenance=words.provenance_table(facts),
        versions=words.versions(facts),
        configs={stage: json.dumps(made.config, indent=2) for stage, made in facts.stages.items()},
        browser=shown,
        outcomes=[outcome for outcome in OUTCOMES if any(one.outcome == outcome for one in shown.entries)],
        everything=episodes is None,
        categories=CATEGORIES,
        data_script=shown.script(),
        style=page_file("style.css"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def template(name: str) -> Template:
    """Return a template of this folder; all text that it is given is escaped."""
    engine = Environment(
        autoescape=True,
        loader=DictLoader({one: page_file(one) for one in ("tables.html", name)}),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return engine.get_template(name)


def page_file(name: str) -> str:
    """Return one of the page's own files."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _world(facts: Facts, world: str) -> WorldResult:
    cells = _cells(facts, world)
    (first, before), (last, after) = next(iter(cells.items())), list(cells.items())[-1]
    change = facts.evaluation.changes.get(last, {}).get(world) if facts.evaluation else None
    return WorldResult(
        world=world,
        role=facts.roles[world],
        origin=label(before.made_by),
        results=[
            Result(model, percent(cell.success), interval(cell.ci), cell.n, f"{cell.reward:.3f}")
            for model, cell in cells.items()
        ],
        moved=points(before.success, after.success) if first != last else "",
        better=after.success >= before.success,
        tested=f"+{change.gained}, -{change.lost} tasks, p {_p(p_value(change))}" if change else "",
        figure=intervals([Estimate(model, cell.success, cell.ci) for model, cell in cells.items()]),
    )


def _p(text: str) -> str:
    return text if text.startswith("<") else f"= {text}"


def _cells(facts: Facts, world: str) -> dict[str, WorldScore]:
    return {model: cells[world] for model, cells in facts.scores.items() if world in cells}


def _errors(facts: Facts, world: str, published: PublishedScores) -> ErrorPanel:
    models = [model for model in facts.models if world in facts.errors.get(model, {})]
    lines, unseen = [], []
    for category in CATEGORIES:
        shares = [Share(model, facts.errors[model][world][category]) for model in models]
        others = published_errors(world, category, published)
        if any(share.value for share in (*shares, *others)):
            beside = bars(others) if others else ""
            lines.append(ErrorLine(category, [percent(share.value) for share in shares], bars(shares), beside))
        else:
            unseen.append(category)
    return ErrorPanel(world, lines, unseen)


def _mixture_figures(parts: Sequence[words.Part]) -> list[tuple[str, str]]:
    """Return what is shared out, and the figure; a measure that nothing was counted by has none."""
    measures = (
        ("by examples drawn", [part.examples or 0 for part in parts]),
        ("by tokens trained on", [part.tokens for part in parts]),
    )
    return [
        (name, stack([Share(part.source, count / sum(counts)) for part, count in zip(parts, counts, strict=True)]))
        for name, counts in measures
        if sum(counts)
    ]


def _sampling(facts: Facts) -> str:
    """Name how tokens were drawn, once for every different way."""
    used = {cell.made_by.sampling for cells in facts.scores.values() for cell in cells.values()}
    return "; ".join(sorted(words.drawn(one) for one in used if one))
