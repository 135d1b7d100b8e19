"""Choices about training that a recipe makes; importing them loads nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agenttuning.core.records import Record

Schedule = Literal["cosine", "flat-linear", "constant"]
Batching = Literal["buckets", "grouped", "packed"]
Precision = Literal["float32", "bfloat16"]
Weights = Literal["float32", "bfloat16", "bfloat16-master"]
States = Literal["float32", "bfloat16", "8bit"]
Recompute = Literal["none", "alternate", "all"]
Attention = Literal["auto", "eager", "sdpa", "varlen", "flex"]


class AdapterConfig(Record):
    """Small matrices beside the frozen ones (LoRA, arXiv 2106.09685; QLoRA, arXiv 2305.14314)."""

    kind: Literal["lora", "qlora"] = "lora"
    """`qlora` keeps the frozen matrices in 4 bits (NF4): for GPUs, with the extra [qlora]."""
    rank: int = Field(default=16, gt=0)
    """Of every pair of matrices."""
    alpha: float = Field(default=32.0, gt=0.0)
    """The pair's product is scaled by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """On the input of the pair, in training."""
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Names of the layers that get a pair, as ("q_proj", "v_proj"); `all-linear` is all but the output layer."""
    merge: bool = True
    """Export one model with the pairs added in; false exports the pairs alone, to be loaded over the base."""


class Computation(Record):
    """How a step is computed: what it costs in time and memory. Every default is the plain, exact way."""

    batching: Batching = "buckets"
    """`buckets` groups like lengths; `grouped` does so in attention alone, which is quicker on a CPU; `packed` fills
    rows of a fixed length, for long contexts and GPUs."""
    precision: Precision = "bfloat16"
    """Of products: `bfloat16` is autocast; never chosen by itself, so that digests stay comparable."""
    weights: Weights = "float32"
    """How weights are held: `bfloat16` with stochastic rounding of every update, `bfloat16-master` with a float32 copy
    in the optimiser; under an adapter, how the frozen weights are held."""
    optimizer_states: States = "float32"
    """Moments of AdamW: `8bit` in blocks with a scale each (arXiv 2110.02861)."""
    recompute: Recompute = "none"
    """Layers whose activations are computed a second time in the backward pass instead of kept: activation
    checkpointing; `alternate` every other one."""
    loss_chunk: int = Field(default=0, ge=0)
    """Trained tokens whose logits exist at the same time; the backward pass computes them again. 0: all of a pass."""
    attention: Attention = "auto"
    """Of packed rows: `varlen` is flash attention by document boundaries, built into torch, `flex` a compiled block
    mask, for a GPU both; `sdpa` and `eager` mask a square; `auto` is what the model was loaded with."""
    compile: bool = False
    """Compile the decoder layers and the low-bit optimiser; packed rows then come in one shape."""
    adapter: AdapterConfig | None = None
    """Train small matrices beside the frozen weights instead of the weights themselves."""

    @model_validator(mode="after")
    def _computable(self) -> Computation:
        if self.precision == "float32" and (self.weights != "float32" or self.attention == "varlen"):
            asked = f"weights={self.weights!r}" if self.weights != "float32" else "attention='varlen'"
            raise ValueError(f"{asked} computes in bfloat16; set precision='bfloat16'")
        if self.batching != "packed" and (self.compile or self.attention in ("varlen", "flex")):
            asked = "compile=true" if self.compile else f"attention={self.attention!r}"
            raise ValueError(f"{asked} is for packed rows; set batching='packed'")
        if self.adapter and self.weights == "bfloat16-master":
            raise ValueError("frozen weights need no master copy; with an adapter set weights='bfloat16'")
        return self

    def require_adamw(self, kind: str) -> None:
        """Refuse low-bit weights and states for any other optimiser.

        Raises:
            ValueError: they were asked for.
        """
        full_weights = self.weights == "float32" or self.adapter is not None
        if kind != "adamw" and not (full_weights and self.optimizer_states == "float32"):
            raise ValueError(f"optimizer={kind!r} keeps float32 weights and states; low-bit ones are for 'adamw'")


class OptimizerConfig(Record):
    """How weights move."""

    kind: Literal["adamw", "muon"] = "adamw"
    """`muon` orthogonalises the update of every hidden matrix and leaves embeddings and norms to AdamW."""
    learning_rate: float = Field(default=5e-5, gt=0.0)
    """Peak."""
    schedule: Schedule = "cosine"
    """`cosine` to 0; `flat-linear` flat to 60 % of the steps, then linear to 2 % of the peak; `constant`."""
    warmup: float = Field(default=0.02, ge=0.0, lt=1.0)
    """Share of the steps in which the rate rises from 0."""
    weight_decay: float = Field(default=0.01, ge=0.0)
    """On matrices only."""
    clip: float = Field(default=1.0, gt=0.0)
    """Largest norm of a step's gradient."""


class LoopSettings(Computation):
    """Everything that the result depends on, beside model, rows and plan."""

    steps: int = Field(gt=0)
    """Optimiser steps."""
    batch_tokens: int = Field(gt=0)
    """Real tokens per step; rows are drawn until there are as many."""
    optimizer: OptimizerConfig = OptimizerConfig()
    row_tokens: int = Field(default=4096, gt=0)
    """Length of a packed row; not less than the longest dialogue."""
    pass_tokens: int = Field(default=16384, gt=0)
    """Most tokens in one forward pass: what memory allows."""
    threads: int = Field(default=1, gt=0)
    """CPU threads inside an operation; more than one slows small models down, and changes the last bits."""
    checkpoint_every: int = Field(default=100, gt=0)
    """Steps between checkpoints."""
    seed: int = 0
    """Of the order of rows, when no plan is given."""

    @model_validator(mode="after")
    def _moved(self) -> LoopSettings:
        self.require_adamw(self.optimizer.kind)
        return self
