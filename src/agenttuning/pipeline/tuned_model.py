"""The model of the train stage: how it is loaded before the first step, and exported after the last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from agenttuning.models.load import fresh_model, load_weights
from agenttuning.training.adapters import add_adapter, load_quantized, merged, merged_from, require_peft
from agenttuning.training.compiled import require_compiler
from agenttuning.training.export import export, export_adapter
from agenttuning.training.low_bit import to_bfloat16

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.pipeline.train import TrainConfig


@dataclass(frozen=True, slots=True)
class BegunModel:
    """A model on its device, ready for the first step."""

    model: PreTrainedModel
    adapted: PeftModel | None
    """Peft's view of the same model, when it has an adapter."""
    base: Path | None
    """Where its weights came from; None for random ones."""


def require_packages(config: TrainConfig, device: torch.device) -> None:
    """Refuse before anything is read.

    Raises:
        MissingExtraError: a switch needs a package or a compiler that is not installed.
    """
    if config.adapter:
        require_peft(config.adapter)
    if config.compile:
        require_compiler(device)


def begin(
    config: TrainConfig, tokenizer: PreTrainedTokenizerBase, *, base: Path | None, device: torch.device, seed: int
) -> BegunModel:
    """Load or make the weights as the recipe holds them, with its adapter, on `device`."""
    quantized = config.adapter is not None and config.adapter.kind == "qlora"
    if base and quantized:
        model = load_quantized(base, device=device)
    elif base:
        model = load_weights(base, dtype="float32" if config.weights == "float32" else "bfloat16")
    else:
        model = fresh_model(config.shape, tokenizer, seed=seed)
        if config.weights != "float32":
            to_bfloat16(model)
    adapted = None
    if config.adapter and base:
        adapted = add_adapter(model, config.adapter, base=_named(config.model, base), seed=seed)
    if not quantized:
        torch.nn.Module.to(model, device)
    return BegunModel(model, adapted, base)


def finish(begun: BegunModel, tokenizer: PreTrainedTokenizerBase, config: TrainConfig, *, folder: Path) -> None:
    """Export the trained model: whole, with its adapter merged, or the adapter alone."""
    if begun.adapted is None or begun.base is None or config.adapter is None:
        export(begun.model, tokenizer, folder)
        return
    if config.adapter.merge and config.adapter.kind == "lora":
        export(merged(begun.adapted), tokenizer, folder)
        return
    beside = folder if not config.adapter.merge else folder.with_name("adapter")
    export_adapter(begun.adapted, tokenizer, beside)
    if config.adapter.merge:
        export(merged_from(load_weights(begun.base, dtype="bfloat16"), beside), tokenizer, folder)


def _named(model: str, base: Path) -> str:
    """Return what an exported adapter calls its base: the id where it has one, else the folder."""
    return model if "/" in model and not Path(model).expanduser().exists() else str(base.resolve())
