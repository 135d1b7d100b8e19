"""Choices about a model that a recipe makes; importing them loads nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agenttuning.core.records import Record

TemplateName = Literal["auto", "llama2", "llama2-no-system"]


class LlamaShape(Record):
    """Shape of a fresh Llama; the defaults are the tiny base, about a million parameters."""

    hidden: int = Field(default=128, gt=0)
    layers: int = Field(default=4, gt=0)
    heads: int = Field(default=2, gt=0)
    """Few wide heads are quicker on a CPU than many narrow ones."""
    feed_forward: int = Field(default=384, gt=0)
    max_length: int = Field(default=2048, gt=0)
    """Positions."""
