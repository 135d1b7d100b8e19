"""Train: fine-tune a chat model on the mixture, with the loss on the assistant's words only (paper section 2.3).

Writes `model/` (a Hugging Face folder), `metrics.jsonl` and `checkpoints/`. A killed training continues from its
last checkpoint to the same last bit. The tiny base is made by this very stage, with `model = "fresh"`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from agenttuning.core.records import Record
from agenttuning.core.run import OPERATIONAL, StageConfig
from agenttuning.models.shape import LlamaShape, TemplateName
from agenttuning.training.settings import Batching, Computation, Schedule, Sharding, ShardSettings, Tracker

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
    ranks: Annotated[Literal["auto"] | PositiveInt, OPERATIONAL] = "auto"
    """Processes that train together: `auto` one for each GPU, on a CPU one. A resume may take another number."""
    sharding: Sharding = "none"
    """`none` a copy of the model on each rank; `fsdp` slices; `hsdp` slices within a machine, copies between them."""
    tensor: int = Field(default=1, gt=0)
    """Neighbouring ranks that compute each layer together; for models whose layers are too large for one GPU."""
    reshard_after_forward: bool = True
    """Of slices: give a layer's gathered weights up between its forward and its backward pass; false is quicker."""
    backend: Literal["own", "trl"] = "own"
    """`own` is the loop of this package; `trl` hands the same rows in the same order to TRL's SFTTrainer."""
    report_to: Annotated[tuple[Tracker, ...], OPERATIONAL] = ()
    """Experiment trackers that see every step beside `metrics.jsonl`: `tensorboard`, `trackio`, `wandb`."""
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
        if self.optimizer == "muon" and self.sharding != "none":
            raise ValueError(f"optimizer='muon' needs whole matrices, not sharding={self.sharding!r}; take 'adamw'")
        if self.backend == "trl" and (self.ranks not in ("auto", 1) or self.sharding != "none"):
            raise ValueError("backend='trl' trains in one process; leave ranks and sharding away")
        quantized = self.adapter is not None and self.adapter.kind == "qlora"
        if self.sharding != "none" and (self.compile or quantized):
            asked = "compile=true" if self.compile else "adapter.kind='qlora'"
            raise ValueError(f"{asked} is not for slices; set sharding='none', or leave it away")
        self.slices  # noqa: B018 - refuses what does not fit together
        return self

    @property
    def slices(self) -> ShardSettings:
        """How ranks hold the model."""
        return ShardSettings(kind=self.sharding, tensor=self.tensor, reshard_after_forward=self.reshard_after_forward)


class TrainJob(Record):
    """All that a rank must know."""

    config: TrainConfig
    data: Path
    """`train.parquet`."""
    base: Path | None
    """Folder of the model that is tuned; None for random weights."""
    folder: Path
    """Of the stage."""
    seed: int


def run(config: TrainConfig, run: Run) -> Manifest:
    """Train on `train.parquet` in its order and write the tuned model."""
    from agenttuning.core.store import write_atomic
    from agenttuning.pipeline.launch import train_on_ranks
    from agenttuning.pipeline.model_card import model_card

    job = _job(config, run)
    inputs = {"train": job.data} | ({"model": job.base} if job.base else {})
    stage = run.open("train", config, inputs=inputs)
    if stage.finished:
        return stage.finished
    counts = train_on_ranks(job)
    earlier = {name: found for name in ("decontaminate", "mix") if (found := run.manifest(name))}
    write_atomic(stage.folder / "model" / "README.md", model_card(config, stage.start, counts, earlier))
    return stage.finish(outputs=("model", "metrics.jsonl"), counts=counts)


def follow(config: TrainConfig, run: Run) -> None:
    """Train as a further rank of torchrun, whose first rank calls `run`."""
    from agenttuning.pipeline.launch import train_on_ranks

    if run.manifest("train") is None:
        train_on_ranks(_job(config, run))


def _job(config: TrainConfig, run: Run) -> TrainJob:
    from agenttuning.models.load import resolve_model

    data = run.output("mix", "train.parquet")
    base = None if config.model == FRESH else resolve_model(config.model)
    return TrainJob(config=config, data=data, base=base, folder=run.stage_folder("train"), seed=run.seed)
