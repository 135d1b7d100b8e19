"""The work of the train stage, apart from its configuration so that reading a recipe loads no torch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError, StageError
from agenttuning.models.load import choose_template, load_tokenizer
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.pipeline.progress import progress
from agenttuning.pipeline.training_set import TrainingExample, read_training_set
from agenttuning.pipeline.tuned_model import begin, finish, require_packages
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, StepSpeed, fit
from agenttuning.training.mask import Corpus, tokenize_dialogues
from agenttuning.training.memory import free_memory, require_memory
from agenttuning.training.mixture import Plan, in_order
from agenttuning.training.settings import Computation
from agenttuning.training.sizes import folder_size, fresh_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic import JsonValue
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.core.records import Message
    from agenttuning.models.chat_template import ChatTemplate
    from agenttuning.pipeline.train import TrainConfig


def tune(config: TrainConfig, *, data: Path, base: Path | None, folder: Path, seed: int) -> dict[str, JsonValue]:
    """Train from `base`, or from random weights, into `folder`; return the counts of the stage."""
    device = choose_device(config.device)
    require_packages(config, device)
    dialogues, order = _distinct(data)
    tokenizer = load_tokenizer(base) if base else _train_tokenizer(dialogues, config)
    template = choose_template(tokenizer, name=config.template)
    corpus = _tokenize(dialogues, template, max_length=config.max_length)
    _require_rows(corpus, config)
    plan, draws_dropped = _row_plan(corpus, order)
    size = folder_size(base) if base else fresh_size(config.shape, vocabulary=len(tokenizer))
    settings = loop_settings(config, seed=seed)
    require_memory(size, settings, free=free_memory(device), device=_called(device), fresh=base is None)
    begun = begin(config, tokenizer, base=base, device=device, seed=seed)
    model = begun.model
    _require_positions(model, config)
    _fit(model, corpus, plan, config=config, folder=folder, seed=seed)
    parameters = sum(weight.numel() for weight in model.parameters())
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    finish(begun, tokenizer, config, folder=folder / "model")
    return {
        "steps": config.steps,
        "parameters": parameters,
        "trained_parameters": trained,
        "template": template.digest,
        "dialogues": len(dialogues),
        "dropped": {**corpus.dropped},
        "draws_dropped": draws_dropped,
        "cut": corpus.cut,
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


def _tokenize(dialogues: Sequence[TrainingExample], template: ChatTemplate, *, max_length: int) -> Corpus:
    with progress("tokenise", len(dialogues)) as advance:

        def pairs() -> Iterator[tuple[tuple[Message, ...], str]]:
            for dialogue in dialogues:
                yield dialogue.messages, dialogue.environment
                advance()

        return tokenize_dialogues(template, pairs(), max_length=max_length)


def _fit(model: PreTrainedModel, corpus: Corpus, plan: Plan, *, config: TrainConfig, folder: Path, seed: int) -> None:
    with progress("train", config.steps) as advance:
        reported = 0

        def on_step(metrics: StepMetrics, speed: StepSpeed) -> None:
            nonlocal reported
            note = f"loss {metrics.loss:.3f}  {speed.tokens_per_second:,.0f} tokens/s"
            advance(steps=metrics.step - reported, note=note)
            reported = metrics.step

        settings = loop_settings(config, seed=seed)
        result = fit(model, corpus.rows, settings=settings, plan=plan, folder=folder, on_step=on_step)
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


def _distinct(path: Path) -> tuple[list[TrainingExample], list[int]]:
    """Return the distinct dialogues of a plan, and for each draw the index of its dialogue."""
    found: dict[str, int] = {}
    dialogues: list[TrainingExample] = []
    order: list[int] = []
    for example in read_training_set(path):
        index = found.setdefault(example.key, len(dialogues))
        if index == len(dialogues):
            dialogues.append(example)
        order.append(index)
    return dialogues, order


def _row_plan(corpus: Corpus, order: Sequence[int]) -> tuple[Plan, int]:
    """Return the plan over the rows that are left, and how many draws fell on dropped dialogues."""
    row_of = {dialogue: row for row, dialogue in enumerate(corpus.kept)}
    rows = [row_of[dialogue] for dialogue in order if dialogue in row_of]
    following = in_order(len(rows))
    return lambda draw: rows[following(draw)], len(order) - len(rows)


def _train_tokenizer(dialogues: Sequence[TrainingExample], config: TrainConfig) -> PreTrainedTokenizerBase:
    texts = (message.content for dialogue in dialogues for message in dialogue.messages)
    return train_tokenizer(texts, vocabulary=config.vocabulary, max_length=config.shape.max_length)


def _require_rows(corpus: Corpus, config: TrainConfig) -> None:
    if corpus.rows:
        return
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in corpus.dropped.items()) or "the mix is empty"
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
