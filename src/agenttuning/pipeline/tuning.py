"""The work of the train stage, apart from its configuration so that reading a recipe loads no torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError, StageError
from agenttuning.models.load import choose_template, load_tokenizer
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.pipeline.telling import telling
from agenttuning.pipeline.tokens import TrainingSet, prepare_tokens
from agenttuning.pipeline.tuned_model import begin, finish, require_packages
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, fit
from agenttuning.training.memory import free_memory, require_memory
from agenttuning.training.parallel import ALONE, Ranks
from agenttuning.training.parallel_model import spread
from agenttuning.training.settings import Computation
from agenttuning.training.sizes import folder_size, fresh_size, model_size
from agenttuning.training.step import require_separate
from agenttuning.training.token_store import TokenStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import JsonValue
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.models.chat_template import ChatTemplate
    from agenttuning.pipeline.train import TrainConfig, TrainJob
    from agenttuning.pipeline.training_set import TrainingExample
    from agenttuning.pipeline.tuned_model import BegunModel
    from agenttuning.training.parallel import Seat
    from agenttuning.training.parallel_model import Spread
    from agenttuning.training.token_store import TokenStoreManifest

_TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class _Begun:
    """What the first rank has made for all."""

    tokenizer: PreTrainedTokenizerBase
    template: ChatTemplate
    tokens: TokenStore
    model: BegunModel


def tune(job: TrainJob, *, device: torch.device, ranks: Ranks = ALONE) -> dict[str, JsonValue]:
    """Train from `base`, or from random weights, into `folder`; return the counts of the stage.

    All ranks call this alike. The first one tokenises, loads, reports and exports for all, and has the counts.
    """
    config, folder = job.config, job.folder
    begun = _begin(job, device, ranks) if ranks.leads else None
    ranks.tell(lambda: None)  # the others wait until the tokens are on disk
    tokens = begun.tokens if begun else TokenStore(folder / _TOKENS)
    placed = spread(begun.model.model if begun else None, ranks, device=device, precision=config.precision)
    _fit(placed, begun, tokens, job, ranks)
    placed.gather(ranks)
    return _end(begun, job) if begun else {}


def _begin(job: TrainJob, device: torch.device, ranks: Ranks) -> _Begun:
    config, base = job.config, job.base
    require_packages(config, device)
    training_set = TrainingSet(job.data)
    tokenizer = load_tokenizer(base) if base else _train_tokenizer(training_set.dialogues, config)
    template = choose_template(tokenizer, name=config.template)
    store = job.folder / _TOKENS
    tokens = prepare_tokens(training_set, tokenizer, template, max_length=config.max_length, folder=store)
    _require_rows(tokens.about, config)
    size = folder_size(base) if base else fresh_size(config.shape, vocabulary=len(tokenizer))
    settings = share_of(loop_settings(config, seed=job.seed), ranks.shares)
    free = free_memory(device)
    if free is not None and device.type == "cpu":
        free //= ranks.on_machine
    require_memory(size, settings, free=free, device=_called(device), fresh=base is None, shards=ranks.slices)
    own = torch.device("cpu") if ranks.sharded else device
    model = begin(config, tokenizer, base=base, device=own, seed=job.seed)
    _require_positions(model.model, config)
    if config.batching == "packed":
        require_separate(model.model)
    return _Begun(tokenizer, template, tokens, model)


def _end(begun: _Begun, job: TrainJob) -> dict[str, JsonValue]:
    weights = list(begun.model.model.parameters())
    about = begun.tokens.about
    counts: dict[str, JsonValue] = {
        "steps": job.config.steps,
        "parameters": sum(weight.numel() for weight in weights),
        "trained_parameters": sum(weight.numel() for weight in weights if weight.requires_grad),
        "template": begun.template.digest,
        "dialogues": about.dialogues,
        "dropped": {**about.dropped},
        "draws_dropped": about.draws_dropped,
        "cut": about.cut,
        **_seen(job.folder / "metrics.jsonl"),
    }
    finish(begun.model, begun.tokenizer, job.config, folder=job.folder / "model")
    return counts


def loop_settings(config: TrainConfig, *, seed: int) -> LoopSettings:
    """Return the part of the configuration that the loop takes."""
    optimizer = OptimizerConfig(
        kind=config.optimizer,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        warmup=config.warmup,
        weight_decay=config.weight_decay,
        clip=config.clip,
    )
    return LoopSettings(
        steps=config.steps,
        batch_tokens=config.batch_tokens,
        optimizer=optimizer,
        **{name: value for name, value in config if name in Computation.model_fields},
        row_tokens=config.max_length,
        pass_tokens=config.pass_tokens,
        threads=config.threads,
        checkpoint_every=config.checkpoint_every,
        seed=seed,
    )


def choose_device(name: str) -> torch.device:
    """Return the device that `train.device` asks for.

    Raises:
        RecipeError: a GPU, and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise RecipeError(
            'train.device = "cuda", but torch sees no GPU; use "auto", or install the CUDA build of torch'
        )
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def choose_ranks(config: TrainConfig) -> int:
    """Return how many ranks to start on this machine.

    Raises:
        RecipeError: more than there are GPUs.
    """
    device = choose_device(config.device)
    devices = torch.cuda.device_count() if device.type == "cuda" else 1
    if config.ranks == "auto":
        return devices if config.backend == "own" else 1
    if device.type == "cuda" and config.ranks > devices:
        raise RecipeError(
            f"train.ranks={config.ranks}, and torch sees {devices} GPUs; lower it, or start torchrun on more machines"
        )
    return config.ranks


def rank_device(config: TrainConfig, seat: Seat) -> torch.device:
    """Return a rank's own device.

    Raises:
        RecipeError: there are more ranks on this machine than GPUs.
    """
    device = choose_device(config.device)
    if device.type == "cpu":
        return device
    if seat.local >= torch.cuda.device_count():
        raise RecipeError(f"{seat.on_machine} ranks on a machine with {torch.cuda.device_count()} GPUs; start fewer")
    own = torch.device("cuda", seat.local)
    torch.cuda.set_device(own)
    return own


def share_of(settings: LoopSettings, shares: int) -> LoopSettings:
    """Return the settings with one rank's share of a step, to estimate its memory with."""
    return settings.model_copy(update={"batch_tokens": -(-settings.batch_tokens // shares)})


def _fit(placed: Spread, begun: _Begun | None, tokens: TokenStore, job: TrainJob, ranks: Ranks) -> None:
    settings = loop_settings(job.config, seed=job.seed)
    summed = placed if ranks.sharded else None
    train = partial(fit, placed.model, tokens, settings=settings, plan=tokens.plan, folder=job.folder)
    if begun is None:
        train(ranks=ranks, summed=summed)
        return
    size, device = model_size(placed.model.config), placed.model.device
    with telling(job.config, size=size, device=device, folder=job.folder, ranks=ranks.count) as on_step:
        if job.config.backend == "trl":
            from agenttuning.training.trl_backend import fit_with_trl

            plan, folder = tokens.plan, job.folder
            model, tokenizer = begun.model.model, begun.tokenizer
            fit_with_trl(model, tokenizer, tokens, settings=settings, plan=plan, folder=folder, on_step=on_step)
            return
        result = train(ranks=ranks, summed=summed, on_step=on_step)
    for name in result.resumed.damaged:
        Console(stderr=True).print(f"checkpoint {name} was damaged; training went on from an older one")


def _seen(metrics: Path) -> dict[str, JsonValue]:
    """Sum up what training saw: draws, and real and trained tokens by source."""
    steps = list(read_records(metrics, StepMetrics))
    tokens: Counter[str] = Counter()
    trained: Counter[str] = Counter()
    for step in steps:
        tokens.update(step.tokens)
        trained.update(step.trained_tokens)
    return {"draws": steps[-1].cursor, "tokens": {**tokens}, "trained_tokens": {**trained}, "loss": steps[-1].loss}


def _train_tokenizer(dialogues: Sequence[TrainingExample], config: TrainConfig) -> PreTrainedTokenizerBase:
    texts = (message.content for dialogue in dialogues for message in dialogue.messages)
    return train_tokenizer(texts, vocabulary=config.vocabulary, max_length=config.shape.max_length)


def _require_rows(about: TokenStoreManifest, config: TrainConfig) -> None:
    if about.rows:
        return
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in about.dropped.items()) or "the mix is empty"
    raise StageError(
        f"there is no row to train on ({reasons}); raise train.max_length={config.max_length} for dialogues that are "
        "too long, and look at the data's train flags where no token is trained"
    )


def _require_positions(model: PreTrainedModel, config: TrainConfig) -> None:
    limit = int(model.config.max_position_embeddings)
    if config.max_length > limit:
        raise RecipeError(
            f"train.max_length={config.max_length} exceeds the {limit} positions of {config.model!r}; lower it"
        )


def _called(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "this machine"
