"""The plan of the train stage, made without touching a weight: what is known is told, what is missing is named.

Sizes come from the finished mix stage of the run, else from the files that the recipe names, else from the paper.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import torch

from agenttuning.core.records import Record
from agenttuning.datasets.agentinstruct import read_agentinstruct
from agenttuning.datasets.sharegpt import read_sharegpt
from agenttuning.errors import DataError
from agenttuning.models.load import resolve_model
from agenttuning.pipeline.mix import AGENT, GENERAL, MixPlan
from agenttuning.pipeline.train import FRESH
from agenttuning.pipeline.tuning import choose_device, choose_ranks, loop_settings, share_of
from agenttuning.training.memory import MemoryEstimate, estimate_memory, fewest_ranks, free_memory
from agenttuning.training.plan import PUBLISHED_SIZES, PlannedSource, Volume, inner_shares, planned_source
from agenttuning.training.sizes import ModelSize, folder_size, fresh_size, published_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from agenttuning.core.run import Run
    from agenttuning.datasets.conversation import Conversation
    from agenttuning.pipeline.construct import ConstructConfig
    from agenttuning.pipeline.mix import MixConfig
    from agenttuning.pipeline.train import TrainConfig
    from agenttuning.training.plan import Origin, Side

    Reader = Callable[[Path], Iterable[Conversation]]


_GPUS = {"80 GB": 76_000_000_000, "141 GB": 134_000_000_000}
"""GPUs by what is written on them, and what of it a process can have."""


class TrainPlan(Record):
    """Everything that can be said before the first step."""

    volume: Volume
    sources: tuple[PlannedSource, ...]
    model: ModelSize | None
    ranks: int
    """That `agenttuning train` would start here; torchrun starts as many as it is told."""
    memory: MemoryEstimate | None
    """On each of them."""
    least_ranks: dict[str, int | None]
    """The fewest ranks, a power of two, on whose GPUs of a size it would fit in slices; None where nothing helps."""
    device: str
    """Where the run would take place on this machine."""
    free: int | None
    """Bytes free there for each rank."""
    missing: tuple[str, ...]
    """What must be there before the run can begin, a sentence each."""


def plan_training(construct: ConstructConfig, mix: MixConfig, train: TrainConfig, *, run: Run) -> TrainPlan:
    """Plan a run; nothing is written.

    Raises:
        DataError: a data file that is there and cannot be read.
        RecipeError: a device that is not there.
    """
    missing: list[str] = []
    mixed = _mixed(mix, run)
    volume = Volume(
        steps=train.steps,
        batch_tokens=train.batch_tokens,
        max_length=train.max_length,
        dialogue_tokens=_dialogue_tokens(mixed) if mixed else None,
    )
    sources = _mixed_sources(mixed, mix) if mixed else _expected_sources(construct, mix, missing)
    size = _size(train, missing)
    if size and train.max_length > size.positions:
        missing.append(f"a train.max_length of at most the {size.positions:,} positions of {train.model!r}")
    device = choose_device(train.device)
    settings = loop_settings(train, seed=run.seed)
    ranks = choose_ranks(train)
    slices = ranks if train.sharding != "none" else 1
    free = free_memory(device)
    return TrainPlan(
        volume=volume,
        sources=tuple(planned_source(source, share=share, volume=volume) for source, share in sources),
        model=size,
        ranks=ranks,
        memory=estimate_memory(size, share_of(settings, max(1, ranks // train.tensor)), shards=slices)
        if size
        else None,
        least_ranks={name: fewest_ranks(size, settings, free=room) for name, room in _GPUS.items()} if size else {},
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "this machine's CPU",
        free=free // ranks if free is not None and device.type == "cpu" else free,
        missing=tuple(missing),
    )


def _mixed(mix: MixConfig, run: Run) -> MixPlan | None:
    """Return what the mix stage has found, if it has run with this configuration."""
    manifest = run.manifest("mix")
    if manifest is None or manifest.start.config != mix.model_dump(mode="json"):
        return None
    return MixPlan.model_validate_json(run.output("mix", "plan.json").read_bytes())


def _dialogue_tokens(mixed: MixPlan) -> float | None:
    tokens = sum(amount.tokens for amount in mixed.amounts.values())
    return tokens / sum(amount.examples for amount in mixed.amounts.values()) if tokens else None


def _mixed_sources(mixed: MixPlan, mix: MixConfig) -> list[tuple[PlannedSource, Fraction | None]]:
    general = {*mix.general, *(path.name for path in mix.general_files)}
    return [
        (
            PlannedSource(
                name=name,
                side=GENERAL if name in general else AGENT,
                size=mixed.sizes[name],
                known_from="the mix stage",
            ),
            Fraction(share),
        )
        for name, share in mixed.shares.items()
    ]


def _expected_sources(
    construct: ConstructConfig, mix: MixConfig, missing: list[str]
) -> list[tuple[PlannedSource, Fraction | None]]:
    """Return the sources that the recipe names; a world's size is known only when it has been played."""
    known = [*_worlds(construct, mix), *_files(mix, missing)]
    eta = Fraction(str(mix.agent_share))
    placed: list[tuple[PlannedSource, Fraction | None]] = []
    for side, part, weights in ((AGENT, eta, mix.agent_weights), (GENERAL, 1 - eta, mix.general_weights)):
        sizes = {source.name: source.size for source in known if source.side == side}
        inner = inner_shares(weights, sizes) if mix.unit == "examples" or part in (0, 1) else None
        placed += [
            (source, None if inner is None else part * inner[source.name]) for source in known if source.side == side
        ]
    return [(source, share) for source, share in placed if share is None or share > 0]


def _worlds(construct: ConstructConfig, mix: MixConfig) -> Iterator[PlannedSource]:
    for name, plan in construct.environments.items():
        if plan.tasks.get("train", 0) != 0:
            side: Side = GENERAL if name in mix.general else AGENT
            yield PlannedSource(name=name, side=side, size=None, known_from="not yet known")


def _files(mix: MixConfig, missing: list[str]) -> Iterator[PlannedSource]:
    both: tuple[tuple[Side, tuple[Path, ...], Reader], ...] = (
        (AGENT, mix.agent_files, read_agentinstruct),
        (GENERAL, mix.general_files, read_sharegpt),
    )
    for side, paths, read in both:
        for path in paths:
            if path.is_file():
                size = sum(1 for _ in read(path))
                yield PlannedSource(name=path.name, side=side, size=size, known_from="its file")
                continue
            missing.append(f"the file {path} (mix.{side}_files)")
            published = PUBLISHED_SIZES.get(path.name)
            origin: Origin = "the paper" if published else "not yet known"
            yield PlannedSource(name=path.name, side=side, size=published, known_from=origin)


def _size(train: TrainConfig, missing: list[str]) -> ModelSize | None:
    if train.model == FRESH:
        return fresh_size(train.shape, vocabulary=train.vocabulary)
    try:
        return folder_size(resolve_model(train.model))
    except DataError as error:
        missing.append(f"the model: {error}")
        return published_size(train.model)
