"""`run` and the nine stages, each a command of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.cli.settings import configure
from agenttuning.cli.summaries import print_profiles, print_summary
from agenttuning.core.orphans import end_strays_at_exit
from agenttuning.core.run import STAGE_NAMES, Run
from agenttuning.core.shards import ShardedRun, read_shard
from agenttuning.core.store import write_atomic
from agenttuning.errors import RecipeError, RunError
from agenttuning.pipeline import load_stage
from agenttuning.recipe import Recipe, read_recipe, write_recipe
from agenttuning.study.plan import read_study

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from agenttuning.core.run import Manifest


PORT = 30070
"""Of a served model; the port of the original's 70B service, which its clients know."""
URL = ("http://", "https://")


def main(arguments: Namespace) -> int:
    """Run one stage, or all of them in order."""
    if isinstance(arguments.recipe, str):
        return _serve_upstreams(arguments)
    if arguments.verb == "serve" and arguments.recipe.suffix != ".toml" and not arguments.recipe.is_file():
        return _serve_model(arguments)
    if arguments.verb == "report" and arguments.recipe.is_dir():
        return _compare(arguments)
    if arguments.verb == "run" and (study := read_study(arguments.recipe, arguments.overrides)):
        from agenttuning.cli.studies import run_study

        return run_study(study, arguments)
    recipe = read_recipe(arguments.recipe, arguments.overrides)
    if arguments.dry_run and arguments.verb == "train":
        from agenttuning.cli.plans import print_plan

        print_plan(recipe, Run(recipe.folder, seed=recipe.seed), arguments)
        return 0
    if arguments.dry_run:
        print(write_recipe(recipe), end="")
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if _is_further_rank(arguments):
        return _join_training(recipe, arguments)
    run = _run(recipe, arguments)
    end_strays_at_exit()
    with run.lock():
        _discard(run, arguments)
        manifests = _play(recipe, run, _chosen(arguments), quiet=arguments.json)
    if arguments.json:
        print(json.dumps([manifest.model_dump(mode="json") for manifest in manifests]))
    return 0


def _is_further_rank(arguments: Namespace) -> bool:
    """Has torchrun started this process, and is there another one that does the work around the training."""
    several = os.environ.get("WORLD_SIZE", "1") not in {"", "1"}
    return several and (arguments.verb != "train" or os.environ.get("RANK") != "0")


def _join_training(recipe: Recipe, arguments: Namespace) -> int:
    """Train as a rank that torchrun has started; the first rank opens the stage, and does all other work."""
    from agenttuning.pipeline.train import follow

    if arguments.verb != "train":
        raise RecipeError(
            f"torchrun is for the train stage, not for {arguments.verb!r}; call `agenttuning run {arguments.recipe} "
            "--until mix` once, and then torchrun with `train`"
        )
    follow(recipe.train, Run(recipe.folder, seed=recipe.seed))
    return 0


def _run(recipe: Recipe, arguments: Namespace) -> Run:
    resume = arguments.resume or arguments.first is not None
    if arguments.shard is None:
        return Run(recipe.folder, seed=recipe.seed, resume=resume, profile=arguments.profile)
    shard = read_shard(arguments.shard)
    return ShardedRun(recipe.folder, arguments.verb, shard, seed=recipe.seed, resume=resume, profile=arguments.profile)


def _serve_model(arguments: Namespace) -> int:
    from agenttuning.pipeline.serve import ServeConfig, serve_until_stopped

    given = {"port": PORT if arguments.port is None else arguments.port}
    serve_until_stopped(arguments.recipe, configure(ServeConfig, arguments.overrides, given=given))
    return 0


def _serve_upstreams(arguments: Namespace) -> int:
    from agenttuning.pipeline.serve import balance_until_stopped
    from agenttuning.serving.proxy_settings import GatewaySettings

    urls = [word for word in arguments.overrides if word.startswith(URL)]
    words = [word for word in arguments.overrides if word not in urls]
    given = {
        "port": PORT if arguments.port is None else arguments.port,
        "upstreams": [arguments.recipe, *urls],
    }
    balance_until_stopped(configure(GatewaySettings, words, given=given))
    return 0


def _compare(arguments: Namespace) -> int:
    from agenttuning.pipeline.comparison import compare_runs, comparison_json, comparison_markdown

    folders = [arguments.recipe, *map(Path, arguments.overrides)]
    found = compare_runs(folders, allow_unlike=arguments.allow_unlike)
    if arguments.to is not None:
        from agenttuning.pipeline.report_page.comparison import render_comparison

        write_atomic(arguments.to, render_comparison(found))
    print(comparison_json(found) if arguments.json else comparison_markdown(found), end="")
    return 0


def _chosen(arguments: Namespace) -> Sequence[str]:
    if arguments.verb != "run":
        return (arguments.verb,)
    last = arguments.last or STAGE_NAMES[-1]
    return STAGE_NAMES[: STAGE_NAMES.index(last) + 1]


def _discard(run: Run, arguments: Namespace) -> None:
    if arguments.first is None:
        return
    if arguments.last and STAGE_NAMES.index(arguments.last) < STAGE_NAMES.index(arguments.first):
        raise RecipeError(f"--until {arguments.last} comes before --from {arguments.first}")
    for stage in STAGE_NAMES[STAGE_NAMES.index(arguments.first) :]:
        run.discard(stage)


def _play(recipe: Recipe, run: Run, stages: Sequence[str], *, quiet: bool) -> list[Manifest]:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not run.resume and any(run.stage_folder(stage).exists() for stage in stages):
        raise RunError(f"{run.folder} already holds results; add --resume to continue, or choose another name=...")
    for stage in stages:
        if run.shard is None and run.shards_folder(stage).exists() and run.manifest(stage) is None:
            raise RunError(f"{stage!r} of {run.folder} was played in shards; run `agenttuning merge {run.folder}`")
    path = run.recipe
    if not path.exists():
        write_atomic(path, write_recipe(recipe))
    manifests = []
    for stage in stages:
        console.print(f"[bold]{STAGE_NAMES.index(stage) + 1} {stage}[/bold]  {run.stage_folder(stage)}")
        manifests.append(load_stage(stage).run(recipe.stage(stage), run))
        console.print(f"  done in {manifests[-1].seconds:.1f} s")
        if not quiet:
            print_summary(manifests[-1], run)
            print_profiles(manifests[-1], run)
    write_atomic(path, write_recipe(recipe))
    return manifests
