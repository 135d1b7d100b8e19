"""The work of the train stage, apart from its configuration so that reading a recipe loads no torch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError, StageError
from agenttuning.models.load import choose_template, fresh_model, load_tokenizer, load_weights
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.pipeline.telling import telling
from agenttuning.pipeline.tokens import TrainingSet, prepare_tokens
from agenttuning.training.export import export
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, fit
from agenttuning.training.memory import free_memory, require_memory
from agenttuning.training.sizes import folder_size, fresh_size, model_size
from agenttuning.training.step import require_separate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import JsonValue
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.pipeline.train import TrainConfig
    from agenttuning.pipeline.training_set import TrainingExample
    from agenttuning.training.token_store import TokenStore, TokenStoreManifest


def tune(config: TrainConfig, *, data: Path, base: Path | None, folder: Path, seed: int) -> dict[str, JsonValue]:
    """Train from `base`, or from random weights, into `folder`; return the counts of the stage."""
    training_set = TrainingSet(data)
    tokenizer = load_tokenizer(base) if base else _train_tokenizer(training_set.dialogues, config)
    template = choose_template(tokenizer, name=config.template)
    tokens = prepare_tokens(training_set, tokenizer, template, max_length=config.max_length, folder=folder / "tokens")
    _require_rows(tokens.about, config)
    device = choose_device(config.device)
    size = folder_size(base) if base else fresh_size(config.shape, vocabulary=len(tokenizer))
    require_memory(size, loop_settings(config, seed=seed), free=free_memory(device), device=_called(device))
    model = load_weights(base) if base else fresh_model(config.shape, tokenizer, seed=seed)
    _require_positions(model, config)
    torch.nn.Module.to(model, device)
    if config.batching == "packed":
        require_separate(model)
    _fit(model, tokenizer, tokens, config=config, folder=folder, seed=seed)
    export(model, tokenizer, folder / "model")
    return {
        "steps": config.steps,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "template": template.digest,
        "dialogues": tokens.about.dialogues,
        "dropped": {**tokens.about.dropped},
        "draws_dropped": tokens.about.draws_dropped,
        "cut": tokens.about.cut,
        **_seen(folder / "metrics.jsonl"),
    }


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
        batching=config.batching,
        row_tokens=config.max_length,
        pass_tokens=config.pass_tokens,
        precision=config.precision,
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


def _fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tokens: TokenStore,
    *,
    config: TrainConfig,
    folder: Path,
    seed: int,
) -> None:
    settings = loop_settings(config, seed=seed)
    size = model_size(model.config)
    with telling(config, size=size, device=model.device, folder=folder) as on_step:
        if config.backend == "trl":
            from agenttuning.training.trl_backend import fit_with_trl

            fit_with_trl(model, tokenizer, tokens, settings=settings, plan=tokens.plan, folder=folder, on_step=on_step)
            return
        result = fit(model, tokens, settings=settings, plan=tokens.plan, folder=folder, on_step=on_step)
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
