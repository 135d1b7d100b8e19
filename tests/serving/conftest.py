"""A random two-layer Llama in a folder, and a real server of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from agenttuning.models.load import LlamaShape, fresh_model
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.serving.process import RunningServer, running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXTS = [
    "The desk 1 holds a book 2 and a cup 3.",
    "Where is the lamp? It is on the shelf 12.",
    "Größe: 3 €, naïve café",
]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(TEXTS * 3, vocabulary=400, max_length=256)
    shape = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=64, max_length=256)
    model = fresh_model(shape, tokenizer, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def server(model_folder: Path) -> Iterator[RunningServer]:
    with running_server(model_folder, ServerSettings(max_body_bytes=20_000)) as running:
        yield running
