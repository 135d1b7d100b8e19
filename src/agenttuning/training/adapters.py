"""LoRA and QLoRA by peft: the layers of a model get pairs of small matrices, and only those are trained.

The model stays what it was, a causal language model of transformers, with the pairs inside its linear layers; loop,
step and checkpoints see no difference but which weights require a gradient. Pairs are float32 whatever the frozen
weights are. At the end they are added into the weights (`merge`), or exported alone.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from agenttuning.errors import MissingExtraError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from peft import PeftModel
    from transformers import PreTrainedModel

    from agenttuning.training.settings import AdapterConfig


def add_adapter(model: PreTrainedModel, config: AdapterConfig, *, base: str, seed: int) -> PeftModel:
    """Put pairs into the layers of `model`, in place, freeze everything else, and return peft's view of it.

    `base` is what the exported adapter names as the model under it. The pairs change nothing before the first step.

    Raises:
        MissingExtraError: peft is not installed.
        RecipeError: no layer has one of the names in `targets`.
    """
    require_peft(config)
    from peft import LoraConfig, PeftModel, TaskType, get_peft_model

    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    wanted = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # type: ignore[arg-type]  # annotated int, used as a factor
        lora_dropout=config.dropout,
        target_modules=targets,
        task_type=TaskType.CAUSAL_LM,
    )
    try:
        with torch.random.fork_rng(), _quiet():
            torch.manual_seed(seed)
            adapted = get_peft_model(model, wanted)
    except ValueError as error:
        known = sorted({name.rsplit(".", 1)[-1] for name, part in model.named_modules() if _linear(part)})
        raise RecipeError(
            f"train.adapter.targets={config.targets!r} fits no layer of {type(model).__name__}; "
            f"its linear layers are {', '.join(known)}"
        ) from error
    wanted.base_model_name_or_path = base
    adapted.train()
    assert isinstance(adapted, PeftModel)
    return adapted


def require_peft(config: AdapterConfig) -> None:
    """Refuse before anything is loaded.

    Raises:
        MissingExtraError: the package for this kind of adapter is not installed.
    """
    needs = {"lora": ("peft",), "qlora": ("peft", "bitsandbytes")}[config.kind]
    missing = [package for package in needs if find_spec(package) is None]
    if missing:
        raise MissingExtraError(
            f"train.adapter.kind={config.kind!r} needs the package {missing[0]!r}; "
            f"install it with `pip install 'agenttuning[{config.kind}]'`"
        )


def load_quantized(folder: Path, *, device: torch.device) -> PreTrainedModel:
    """Load the weights of a resolved folder onto a GPU, the linear layers in NF4 with doubly quantised scales.

    Raises:
        RecipeError: the device is a CPU.
    """
    if device.type != "cuda":
        raise RecipeError(
            "train.adapter.kind='qlora' needs a GPU: the 4-bit products run nowhere else; use kind='lora' on a CPU"
        )
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    quantized = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=quantized, device_map={"": device}, dtype=torch.bfloat16
    )
    return model


def merged(adapted: PeftModel) -> PreTrainedModel:
    """Add the pairs into the weights under them and return the plain model, which is changed.

    Raises:
        RecipeError: a weight is not finite after it.
    """
    try:
        return adapted.merge_and_unload(safe_merge=True)  # type: ignore[no-any-return]  # untyped in peft
    except ValueError as error:
        raise RecipeError(f"the adapter cannot be merged: {error}; lower train.learning_rate") from error


def merged_from(model: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """Add the pairs of an exported adapter into a freshly loaded base: what a quantised base is merged by."""
    from peft import PeftModel

    with _quiet():
        return merged(PeftModel.from_pretrained(model, str(adapter)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what users cannot change: peft asks transformers for a property by its former name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
        yield


def _linear(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.Linear)
