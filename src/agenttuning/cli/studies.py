"""`run` on a recipe with a `[study]` section: several runs, and what they say together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.analysis.tables import Table
from agenttuning.core.run import Run
from agenttuning.core.store import write_atomic
from agenttuning.errors import RecipeError, StageError
from agenttuning.study.plan import shared_stages

if TYPE_CHECKING:
    from argparse import Namespace

    from agenttuning.study.plan import Study


def run_study(study: Study, arguments: Namespace) -> int:
    """Play the runs of a study and write its report."""
    if arguments.first or arguments.last:
        raise RecipeError("--from and --until are of single runs; name the recipe.toml of one run of the study")
    if arguments.dry_run:
        print(plan_table(study).markdown(), end="")
        return 0
    from agenttuning.study.runner import play_study

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        play_study(study, resume=arguments.resume, told=console.print)
    except StageError:
        _report(study, console, json=arguments.json)
        raise
    _report(study, console, json=arguments.json)
    return 0


def _report(study: Study, console: Console, *, json: bool) -> None:
    """Write and print what the finished runs say, also when others failed."""
    from agenttuning.study.findings import read_findings
    from agenttuning.study.page import render_study, study_json, study_markdown

    if not any("evaluate" in cell.stages and Run(cell.recipe.folder).manifest("evaluate") for cell in study.cells):
        return
    found = read_findings(study)
    text, data = study_markdown(study, found), study_json(study, found)
    write_atomic(study.folder / "findings.md", text)
    write_atomic(study.folder / "findings.json", data)
    write_atomic(study.folder / "findings.html", render_study(study, found))
    print(data if json else text, end="")
    console.print(f"{study.folder / 'findings.html'}")


def plan_table(study: Study) -> Table:
    """Return one row per run: the stages that it does, and those that it takes from another."""
    rows = []
    shared = shared_stages(study)
    for cell in study.cells:
        own = [stage for stage in cell.stages if shared[f"{stage} {cell.key(stage)}"][0] == cell.name]
        taken = [f"{stage} of {shared[f'{stage} {cell.key(stage)}'][0]}" for stage in cell.stages if stage not in own]
        rows.append((cell.name, ", ".join(own), ", ".join(taken), study.plan.variants[cell.variant].about))
    return Table(("run", "does", "takes", "about"), rows)
