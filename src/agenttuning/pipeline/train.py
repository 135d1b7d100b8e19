"""Train: fine-tune a chat model on the mixture, with the loss on the assistant's words only (paper section 2.3).

Writes `model/` (a Hugging Face folder), `metrics.jsonl` and `checkpoints/`. A killed training continues from its
last checkpoint to the same last bit. The tiny base is made by this very stage, with `model = "fresh"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field, JsonValue, model_validator

from agenttuning.core.run import StageConfig
from agenttuning.errors import RecipeError
from agenttuning.models.load import (
    LlamaShape,
    TemplateName,
    choose_template,
    fresh_model,
    load_tokenizer,
    load_weights,
    resolve_model,
)
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.pipeline.progress import progress
from agenttuning.pipeline.training_set import TrainingExample, read_training_set
from agenttuning.training.export import export
from agenttuning.training.loop import LoopSettings, StepMetrics, StepSpeed, fit
from agenttuning.training.mask import Corpus, tokenize_dialogues
from agenttuning.training.mixture import Plan, in_order
from agenttuning.training.optimizer import OptimizerConfig, Schedule
from agenttuning.training.packing import Batching
from agenttuning.training.step import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.core.run import Manifest, Run

FRESH = "fresh"


class TrainConfig(StageConfig):
    """How the model is tuned; the defaults are the paper's for AgentLM-7B where it names them."""

    model: str = "tiny-base"
    """`tiny-base`, a folder, a Hugging Face id in the cache, or `fresh` for random weights of `shape`."""
    shape: LlamaShape = LlamaShape()
    """Of a fresh model."""
    vocabulary: int = Field(default=1000, ge=300)
    """Most entries of a fresh model's tokenizer, which is trained on the training set."""
    template: TemplateName = "auto"
    """Chat template: `auto` the model's own, `llama2` with the paper's fixed system text, `llama2-no-system`."""
    steps: int = Field(default=2000, gt=0)
    """2,000 for the paper's 7B (maintainers' answer)."""
    batch_tokens: int = Field(default=64 * 4096, gt=0)
    """Real tokens per step; the paper's batch is 64 sequences of 4,096 (second-hand)."""
    max_length: int = Field(default=4096, gt=0)
    """Longer dialogues lose their last turns; 4,096 in the paper (second-hand)."""
    batching: Batching = "packed"
    """`packed` as the paper; `buckets` for small models on a CPU."""
    pass_tokens: int = Field(default=16384, gt=0)
    """Most tokens in one forward pass: what memory allows."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """The paper's AdamW (second-hand); `muon` for small models from scratch."""
    learning_rate: float = Field(default=5e-5, gt=0.0)
    """5e-5 for the paper's 7B and 13B (second-hand), 1e-5 for 70B (unverified); about 5e-3 for `muon`."""
    schedule: Schedule = "cosine"
    """The paper's (second-hand); `flat-linear` for small models."""
    warmup: float = Field(default=0.02, ge=0.0, lt=1.0)
    """Share of the steps; 2 % in the paper (second-hand)."""
    weight_decay: float = Field(default=0.01, ge=0.0)
    """On matrices; not published by the paper."""
    clip: float = Field(default=1.0, gt=0.0)
    """Largest norm of a gradient; not published by the paper."""
    precision: Precision = "bfloat16"
    """`bfloat16` is autocast over float32 weights; never chosen by itself, so that digests stay comparable."""
    threads: int = Field(default=1, gt=0)
    """CPU threads inside an operation; one is best below some ten million parameters."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU when there is one."""
    checkpoint_every: int = Field(default=100, gt=0)
    """Steps between checkpoints; the last two are kept."""

    @model_validator(mode="after")
    def _possible(self) -> TrainConfig:
        if self.model == FRESH and self.template != "auto":
            raise ValueError(f"a fresh model brings its own chat template; template={self.template!r} must be 'auto'")
        if self.model == FRESH and self.max_length > self.shape.max_length:
            raise ValueError(f"max_length={self.max_length} exceeds shape.max_length={self.shape.max_length}")
        return self


def run(config: TrainConfig, run: Run) -> Manifest:
    """Train on `train.parquet` in its order and write the tuned model."""
    data = run.output("mix", "train.parquet")
    folder = None if config.model == FRESH else resolve_model(config.model)
    inputs = {"train": data} | ({"model": folder} if folder else {})
    stage = run.open("train", config, inputs=inputs)
    if stage.finished:
        return stage.finished
    dialogues, order = _distinct(data)
    tokenizer = load_tokenizer(folder) if folder else _train_tokenizer(dialogues, config)
    template = choose_template(tokenizer, name=config.template)
    pairs = ((dialogue.messages, dialogue.environment) for dialogue in dialogues)
    corpus = tokenize_dialogues(template, pairs, max_length=config.max_length)
    plan, passes_over = _row_plan(corpus, order)
    model = load_weights(folder) if folder else fresh_model(config.shape, tokenizer, seed=run.seed)
    _require_positions(model, config)
    model.to(_device(config.device))
    _fit(model, corpus, plan, config=config, folder=stage.folder, seed=run.seed)
    export(model, tokenizer, stage.folder / "model")
    counts: dict[str, JsonValue] = {
        "steps": config.steps,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "template": template.digest,
        "dialogues": len(dialogues),
        "dropped": {**corpus.dropped},
        "draws_dropped": passes_over,
        "cut": corpus.cut,
    }
    return stage.finish(outputs=("model", "metrics.jsonl"), counts=counts)


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


def _fit(
    model: PreTrainedModel, corpus: Corpus, plan: Plan, *, config: TrainConfig, folder: Path, seed: int
) -> None:
    with progress("train", config.steps) as advance:
        reported = 0

        def on_step(metrics: StepMetrics, speed: StepSpeed) -> None:
            nonlocal reported
            note = f"loss {metrics.loss:.3f}  {speed.tokens_per_second:,.0f} tokens/s"
            advance(steps=metrics.step - reported, note=note)
            reported = metrics.step

        fit(model, corpus.rows, settings=loop_settings(config, seed=seed), plan=plan, folder=folder, on_step=on_step)


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
    following = in_order(max(1, len(rows)))
    return lambda draw: rows[following(draw)], len(order) - len(rows)


def _train_tokenizer(dialogues: Sequence[TrainingExample], config: TrainConfig) -> PreTrainedTokenizerBase:
    texts = (message.content for dialogue in dialogues for message in dialogue.messages)
    return train_tokenizer(texts, vocabulary=config.vocabulary, max_length=config.shape.max_length)


def _require_positions(model: PreTrainedModel, config: TrainConfig) -> None:
    limit = int(model.config.max_position_embeddings)
    if config.max_length > limit:
        raise RecipeError(
            f"train.max_length={config.max_length} exceeds the {limit} positions of {config.model!r}; lower it"
        )


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise RecipeError('train.device = "cuda", but torch sees no GPU; use "auto", or install the CUDA build of torch')
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
