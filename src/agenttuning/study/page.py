"""What a study says, as Markdown, as JSON, and as one file of HTML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from agenttuning.analysis.figures import Estimate, Line, Share, bars, intervals, lines
from agenttuning.analysis.overall import read_published
from agenttuning.analysis.tables import Table, percent
from agenttuning.pipeline.report_overall import published_errors
from agenttuning.study.findings import AGENT_ONLY, BASE, GENERAL_ONLY, MIXED, Findings, error_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.analysis.errors import ErrorCategory
    from agenttuning.analysis.overall import PublishedScores
    from agenttuning.pipeline.report_facts import Role
    from agenttuning.study.findings import Rate
    from agenttuning.study.plan import Study

PARTS: dict[Role, str] = {"trained on": "held-in", "held out": "held-out", "general": "general"}
FINDINGS = {
    1: "Agent tuning lifts the held-in worlds, and something on worlds never trained on.",
    2: "Elementary errors collapse.",
    3: "Agent data alone costs general ability, and the mixture keeps it.",
}
_FIRST = (BASE, MIXED, AGENT_ONLY, GENERAL_ONLY)


class FindingResult(NamedTuple):
    """One of the three, with its claims."""

    number: int
    says: str
    verdict: str
    claims: Sequence[tuple[str, str, str]]
    """What it says, whether it holds, the numbers."""


def verdicts(found: Findings) -> list[FindingResult]:
    """Return the findings, each holding in full, in part, or not at all; none when the study asks about no one."""
    results: list[FindingResult] = []
    for number, says in FINDINGS.items() if found.claims else ():
        claims = [claim for claim in found.claims if claim.finding == number]
        held = sum(claim.holds for claim in claims)
        if not claims:
            verdict = "not measured"
        elif held == len(claims):
            verdict = "holds"
        else:
            verdict = f"{held} of {len(claims)} claims hold" if held else "does not hold"
        told = [(claim.says, "holds" if claim.holds else "does not hold", claim.figures) for claim in claims]
        results.append(FindingResult(number, says, verdict, told))
    return results


def variants(found: Findings) -> list[str]:
    """Return the variants, those of the findings first."""
    return [*(name for name in _FIRST if name in found.plays), *(name for name in found.plays if name not in _FIRST)]


def score_table(found: Findings) -> Table:
    """Return one row per world and part, one column per variant."""
    names = variants(found)
    rows = []
    for part, called in PARTS.items():
        worlds = found.worlds(part)
        rows += [(world, called, *(_rate(found.rate(name, [world])) for name in names)) for world in worlds]
        if len(worlds) > 1:
            rows.append((f"mean of {len(worlds)}", called, *(_rate(found.rate(name, worlds)) for name in names)))
    return Table(("world", "part", *names), rows)


def study_markdown(study: Study, found: Findings) -> str:
    """Return the verdicts, the scores and the errors."""
    results = verdicts(found)
    parts = [f"# {study.name}{': the three findings' if results else ''}\n", _made(study, found) + "\n"]
    for result in results:
        parts.append(f"## {result.number}. {result.says}\n\n**{result.verdict.capitalize()}.**\n")
        parts += [Table(("claim", "verdict", "figures"), result.claims).markdown()] if result.claims else []
    parts += ["## Scores\n", score_table(found).markdown(), *_errors(found)]
    return "\n".join(parts)


def study_json(study: Study, found: Findings) -> str:
    """Return every claim, and every rate by variant and world."""
    rates = {
        name: {world: rate.model_dump(mode="json") for world in found.roles if (rate := found.rate(name, [world]))}
        for name in found.plays
    }
    told = {
        "study": study.name,
        "claims": [claim.model_dump(mode="json") for claim in found.claims],
        "rates": rates,
        "errors": error_table(found),
        "seeds": found.seeds,
        "parts": {world: PARTS[part] for world, part in found.roles.items()},
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def render_study(study: Study, found: Findings) -> str:
    """Return the page."""
    from agenttuning.pipeline.report_page.page import page_file, template

    published = read_published()
    names, sweep = variants(found), _sweep(found)
    return template("study.html").render(
        title=study.name,
        made=_made(study, found),
        verdicts=verdicts(found),
        names=names,
        figures=[_part_figure(found, part, names) for part in PARTS if found.worlds(part)],
        errors=_error_figures(found, published),
        error_names=[name for name in (BASE, MIXED) if name in found.plays],
        sweep=lines(sweep) if sweep else "",
        sweep_names=[line.name for line in sweep],
        published=_published_table(published),
        published_words=[f"{one.model}: {one.certainty}" for one in published.ablations],
        scores=score_table(found),
        about=[(name, variant.about) for name, variant in study.plan.variants.items() if variant.about],
        style=page_file("style.css"),
    )


class PartFigure(NamedTuple):
    """The worlds of one part."""

    part: str
    worlds: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]
    """Name, figure, and each variant's share in words."""


def _part_figure(found: Findings, part: Role, names: Sequence[str]) -> PartFigure:
    worlds = found.worlds(part)
    groups = [(world, [world]) for world in worlds]
    groups += [(f"mean of {len(worlds)}", worlds)] if len(worlds) > 1 else []
    drawn = []
    for called, chosen in groups:
        rates = [(name, rate) for name in names[:4] if (rate := found.rate(name, chosen))]
        figure = intervals([Estimate(name, rate.share, rate.ci) for name, rate in rates])
        drawn.append((called, figure, [(name, percent(rate.share)) for name, rate in rates]))
    return PartFigure(PARTS[part], drawn)


class ErrorFigure(NamedTuple):
    """One kind of error before and after, and the published bars of the same kind."""

    category: ErrorCategory
    figure: str
    shares: Sequence[str]
    published: str


def _error_figures(found: Findings, published: PublishedScores) -> list[ErrorFigure]:
    shares = error_table(found)
    names = [name for name in (BASE, MIXED) if name in shares]
    if not names:
        return []
    figures = []
    for category in shares[names[0]]:
        drawn = [Share(name, shares[name][category]) for name in names]
        beside = [
            share
            for world in ("alfworld", "knowledge_graph")
            for share in published_errors(world, category, published)
            if share.name.startswith(("llama-2", "agentlm"))
        ][:2]
        figures.append(
            ErrorFigure(
                category, bars(drawn), [percent(share.value) for share in drawn], bars(beside) if beside else ""
            )
        )
    return figures


def _errors(found: Findings) -> list[str]:
    shares = error_table(found)
    categories = list(next(iter(shares.values()), {}))
    names = [name for name in variants(found) if name in shares]
    rows = [(category, *(percent(shares[name][category]) for name in names)) for category in categories]
    table = Table(("share of held-in episodes", *names), rows)
    return ["## Errors\n", table.markdown()] if rows else []


def _sweep(found: Findings) -> list[Line]:
    """Return mean success over the agent share, by part, of the variants that differ in nothing else; or nothing."""
    scanned = {name: share for name, share in found.shares.items() if name in _FIRST or name.startswith("eta-")}
    points = {
        called: sorted(
            (share, rate.share) for name, share in scanned.items() if (rate := found.rate(name, found.worlds(part)))
        )
        for part, called in PARTS.items()
    }
    return [Line(called, line) for called, line in points.items() if len(line) > 1]


def _published_table(published: PublishedScores) -> Table:
    rows = [
        (f"{one.model}, {variant}", *(f"{score:.2f}" for score in scores))
        for one in published.ablations
        for variant, scores in one.overall.items()
    ]
    rows += [
        (model, *(f"{group.overall[published.models.index(model)]:.2f}" for group in published.groups.values()))
        for model in ("llama-2-7b", "agentlm-7b", "llama-2-70b")
        if model in published.models
    ]
    return Table(("published overall score", "held-in", "held-out", "general"), rows)


def _made(study: Study, found: Findings) -> str:
    episodes = sum(map(len, found.plays.values()))
    seeds = sorted({seed for held in found.seeds.values() for seed in held})
    runs = sum(map(len, found.seeds.values()))
    sources = sorted(
        {
            f"{one.provenance.source}, {one.provenance.difficulty}"
            if one.provenance.difficulty
            else one.provenance.source
            for plays in found.plays.values()
            for one in plays
        }
    )
    left = len([cell for cell in study.cells if "evaluate" in cell.stages]) - runs
    waiting = f" {left} runs are not finished." if left else ""
    return (
        f"{runs} runs, seeds {', '.join(map(str, seeds))}, {episodes:,} evaluated episodes; "
        f"tasks: {'; '.join(sources)}. Plays of all seeds are pooled; intervals are 95 %, over tasks.{waiting}"
    )


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return ""
    return f"{percent(rate.share)} ({100 * rate.ci[0]:.1f} to {100 * rate.ci[1]:.1f})"
