"""A two-layer Llama with random weights in a folder: small, quick, and with all that a served model has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from agenttuning.models.load import fresh_model
from agenttuning.models.shape import LlamaShape
from agenttuning.models.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

MAX_LENGTH = 256
TEXTS = [
    "The desk 1 holds a book 2 and a cup 3.",
    "Where is the lamp? It is on the shelf 12.",
    "Größe: 3 €, naïve café",
]


def save_random_llama(folder: Path, *, seed: int = 1) -> Path:
    """Write the model; its answers are noise, but sharp and different for every prompt."""
    tokenizer = train_tokenizer(TEXTS * 3, vocabulary=400, max_length=MAX_LENGTH)
    shape = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=64, max_length=MAX_LENGTH)
    model = fresh_model(shape, tokenizer, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
