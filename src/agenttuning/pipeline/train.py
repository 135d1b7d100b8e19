"""Train: fine-tune a chat model on the mixture, with the loss on the assistant's words only (paper section 2.3).

Writes `model/` (a Hugging Face folder), `metrics.jsonl` and `checkpoints/`. A killed training continues from its
last checkpoint to the same last bit. The tiny base is made by this very stage, with `model = "fresh"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from agenttuning.core.run import StageConfig
from agenttuning.models.shape import LlamaShape, TemplateName
from agenttuning.training.settings import Batching, Computation, Schedule

if TYPE_CHECKING:
    from agenttuning.core.run import Manifest, Run

FRESH = "fresh"


class TrainConfig(StageConfig, Computation):
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
    """`packed` as the paper; `grouped` or `buckets` for small models on a CPU."""
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
        if self.model == FRESH and self.adapter:
            raise ValueError("an adapter is trained beside finished weights, and a fresh model has none; drop one")
        self.require_adamw(self.optimizer)
        return self


def run(config: TrainConfig, run: Run) -> Manifest:
    """Train on `train.parquet` in its order and write the tuned model."""
    from agenttuning.models.load import resolve_model
    from agenttuning.pipeline.tuning import tune

    data = run.output("mix", "train.parquet")
    base = None if config.model == FRESH else resolve_model(config.model)
    inputs = {"train": data} | ({"model": base} if base else {})
    stage = run.open("train", config, inputs=inputs)
    if stage.finished:
        return stage.finished
    counts = tune(config, data=data, base=base, folder=stage.folder, seed=run.seed)
    return stage.finish(outputs=("model", "metrics.jsonl"), counts=counts)
