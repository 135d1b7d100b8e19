"""`agenttuning train RECIPE --dry-run`: what the run would do, need and see, before anything is loaded."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from agenttuning.analysis.tables import Table
from agenttuning.cli.summaries import print_table
from agenttuning.pipeline.train_plan import TrainPlan, plan_training
from agenttuning.training.memory import gigabytes
from agenttuning.training.sizes import adapter_parameters

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from agenttuning.core.run import Run
    from agenttuning.recipe import Recipe


def print_plan(recipe: Recipe, run: Run, arguments: Namespace) -> None:
    """Print the plan of the train stage."""
    plan = plan_training(recipe.construction, recipe.mix, recipe.train, run=run)
    if arguments.json:
        print(plan.model_dump_json())
        return
    print_table(Table((f"plan of {recipe.name}", ""), list(_volume(plan, recipe))))
    print()
    print_table(Table(("memory, one device", ""), list(_memory(plan))))
    print()
    headings = ("source", "side", "share", "dialogues", "known from", "epochs", "epochs packed")
    print_table(Table(headings, [*_sources(plan)]))
    sys.stdout.write(
        "\nEpochs count one dialogue a sequence, as the paper does; packed: as many as fill its tokens.\n"
        f"\nlaunch: {_launch(plan, arguments)}\n"
        "One process on one device: training on several GPUs (torchrun) is not built yet.\n"
    )
    for sentence in plan.missing:
        print(f"missing: {sentence}")


def _launch(plan: TrainPlan, arguments: Namespace) -> str:
    """Return the command that trains: the stage alone where the run has mixed, else all stages up to it."""
    words = shlex.join([str(arguments.recipe), *arguments.overrides])
    mixed = bool(plan.sources) and plan.sources[0].known_from == "the mix stage"
    return f"agenttuning train {words}" if mixed else f"agenttuning run {words} --until train"


def _volume(plan: TrainPlan, recipe: Recipe) -> Iterator[tuple[str, str]]:
    train, volume = recipe.train, plan.volume
    yield "model", train.model
    yield "parameters", _parameters(plan, recipe)
    yield "optimiser", f"{train.optimizer}, {train.learning_rate:g}, {train.schedule}, warm-up {train.warmup:.0%}"
    yield "steps", f"{volume.steps:,}"
    yield (
        "tokens a step",
        f"{volume.batch_tokens:,} ({volume.batch_tokens / volume.max_length:g} x {volume.max_length:,})",
    )
    yield "tokens", f"{volume.tokens:,}"
    yield "sequences", f"{volume.sequences:,}"
    known = volume.dialogues is not None
    yield "dialogues", f"{volume.dialogues:,}" if known else "known after a mix with mix.count_with"


def _parameters(plan: TrainPlan, recipe: Recipe) -> str:
    if plan.model is None:
        return "unknown: no config.json at hand"
    adapter = recipe.train.adapter
    if adapter is None:
        return f"{plan.model.parameters:,}, all trained"
    pairs = adapter_parameters(plan.model, adapter.rank)
    return f"{plan.model.parameters:,} frozen, {pairs:,} in pairs of rank {adapter.rank} trained"


def _memory(plan: TrainPlan) -> Iterator[tuple[str, str]]:
    needed = plan.memory
    if needed is None:
        yield "estimate", "unknown: no config.json at hand"
        return
    yield "weights", gigabytes(needed.weights)
    yield "bfloat16 copies", gigabytes(needed.compute_copies)
    yield "gradients", gigabytes(needed.gradients)
    yield "optimiser", gigabytes(needed.optimizer)
    yield f"activations, {needed.pass_tokens:,} tokens a pass", gigabytes(needed.activations)
    yield "logits", gigabytes(needed.logits)
    yield "total", gigabytes(needed.total)
    if plan.free is not None:
        verdict = "fits" if needed.total <= plan.free else "DOES NOT FIT"
        yield f"free on {plan.device}", f"{gigabytes(plan.free)}: {verdict}"


def _sources(plan: TrainPlan) -> Iterator[tuple[str, ...]]:
    for source in plan.sources:
        yield (
            source.name,
            source.side,
            "?" if source.share is None else f"{source.share:.1%}",
            "?" if source.size is None else f"{source.size:,}",
            source.known_from,
            "?" if source.epochs is None else f"{source.epochs:.2f}",
            "?" if source.epochs_packed is None else f"{source.epochs_packed:.2f}",
        )
