"""Choices about training that a recipe makes; importing them loads nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agenttuning.core.records import Record

Schedule = Literal["cosine", "flat-linear", "constant"]
Batching = Literal["buckets", "grouped", "packed"]
Precision = Literal["float32", "bfloat16"]
Tracker = Literal["tensorboard", "trackio", "wandb"]


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


class LoopSettings(Record):
    """Everything that the result depends on, beside model, rows and plan."""

    steps: int = Field(gt=0)
    """Optimiser steps."""
    batch_tokens: int = Field(gt=0)
    """Real tokens per step; rows are drawn until there are as many."""
    optimizer: OptimizerConfig = OptimizerConfig()
    batching: Batching = "buckets"
    """`buckets` groups like lengths; `grouped` does so in attention alone, which is quicker on a CPU; `packed` fills
    rows of `row_tokens`, for long contexts and GPUs."""
    row_tokens: int = Field(default=4096, gt=0)
    """Length of a packed row; not less than the longest dialogue."""
    pass_tokens: int = Field(default=16384, gt=0)
    """Most tokens in one forward pass: what memory allows."""
    precision: Precision = "bfloat16"
    """`bfloat16` is autocast over float32 weights."""
    threads: int = Field(default=1, gt=0)
    """CPU threads inside an operation; more than one slows small models down, and changes the last bits."""
    checkpoint_every: int = Field(default=100, gt=0)
    """Steps between checkpoints."""
    seed: int = 0
    """Of the order of rows, when no plan is given."""
