"""torch.compile, layer by layer: one graph serves all decoder layers, so compiling takes seconds and not minutes.

The output layer, the loss and the embeddings stay as they are; their shapes change with every batch.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from agenttuning.errors import MissingExtraError
from agenttuning.training.activations import decoder_layers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from transformers import PreTrainedModel


@contextmanager
def compiled(model: PreTrainedModel, *, backend: str = "inductor") -> Iterator[None]:
    """Compile the decoder layers inside the block; names of weights do not change.

    Raises:
        MissingExtraError: the machine has no compiler for the model's device.
    """
    if backend == "inductor":
        require_compiler(next(model.parameters()).device)
    layers = decoder_layers(model)
    for layer in layers:
        layer.compile(backend=backend)
    try:
        yield
    finally:
        for layer in layers:
            layer._compiled_call_impl = None  # noqa: SLF001 - torch has no other way back


def require_compiler(device: torch.device) -> None:
    """Refuse to compile where nothing can.

    Raises:
        MissingExtraError: no Triton for a GPU, no C++ compiler for a CPU.
    """
    if device.type == "cuda":
        if find_spec("triton") is None:
            raise MissingExtraError(
                "train.compile=true needs Triton on a GPU; install it with `pip install triton`, or set it to false"
            )
        return
    programs = (os.environ.get("CXX", ""), "g++", "clang++", "c++")
    if not any(program and shutil.which(program) for program in programs):
        raise MissingExtraError(
            "train.compile=true needs a C++ compiler on a CPU; "
            "install one with `apt-get install g++`, or set it to false"
        )
