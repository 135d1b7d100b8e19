"""Open a chat model: the packaged tiny base, a local folder, or a Hugging Face id that is in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers.utils.logging import disable_progress_bar

from agenttuning.errors import DataError, MissingExtraError, RecipeError
from agenttuning.models.chat_template import Llama2Template
from agenttuning.models.compact_template import COMPACT_JINJA, CompactTemplate
from agenttuning.models.shape import LlamaShape, TemplateName

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.models.chat_template import ChatTemplate

__all__ = [
    "ChatModel",
    "LlamaShape",
    "TemplateName",
    "choose_template",
    "fresh_model",
    "load_chat_model",
    "load_tokenizer",
    "load_weights",
    "resolve_model",
]

Precision = Literal["float32", "float64", "bfloat16"]
TINY_BASE = "tiny-base"
_SMALL = 512
"""Up to this hidden size eager attention is quicker than SDPA on a CPU, whose flash backward dominates."""


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model with everything that a conversation with it needs."""

    name: str
    """As asked for; stands in every number."""
    folder: Path
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    template: ChatTemplate
    max_length: int
    """Most tokens of prompt and answer together."""


def resolve_model(name: str | Path) -> Path:
    """Return the folder of a model: `tiny-base`, a local folder, or a Hugging Face id in the cache.

    Raises:
        DataError: there is none; says what to do.
    """
    if str(name) == TINY_BASE:
        folder = Path(__file__).parents[1] / "assets" / TINY_BASE
        if (folder / "config.json").is_file():
            return folder
        raise DataError("the packaged model 'tiny-base' is missing; run `agenttuning run recipes/tiny-base.toml`")
    folder = Path(name).expanduser()
    if folder.is_dir():
        if any((folder / file).is_file() for file in ("config.json", "adapter_config.json")):
            return folder
        raise DataError(f"{str(name)!r} holds no config.json, so it is no model folder; name the folder that has one")
    cached = _cached(str(name))
    if cached is None:
        raise DataError(
            f"no model {str(name)!r}: no such folder, and not in the Hugging Face cache; "
            f"use 'tiny-base', a folder, or fetch it first with `hf download {name}`"
        )
    return cached


def _cached(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a resolved model folder.

    Raises:
        DataError: the folder has none.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} has no readable tokenizer: {_first_line(error)}; save one into it") from error
    return tokenizer


def choose_template(tokenizer: PreTrainedTokenizerBase, *, name: TemplateName = "auto") -> ChatTemplate:
    """Return the chat template of a tokenizer: its own under `auto`, else the one named.

    Raises:
        DataError: `auto`, and the tokenizer has none.
    """
    if name == "llama2":
        return Llama2Template(tokenizer)
    if name == "llama2-no-system":
        return Llama2Template(tokenizer, system=None)
    own = tokenizer.chat_template
    if not isinstance(own, str):
        raise DataError(
            f"the tokenizer of {tokenizer.name_or_path!r} has no chat template; "
            'choose template = "llama2" (or "llama2-no-system"), or put a chat_template.jinja into its folder'
        )
    if own == COMPACT_JINJA:
        return CompactTemplate(tokenizer)
    from agenttuning.models.jinja_template import JinjaTemplate

    return JinjaTemplate(tokenizer)


def load_chat_model(
    name: str | Path, *, dtype: Precision = "float32", template: TemplateName = "auto", device: str = "cpu"
) -> ChatModel:
    """Load weights, tokenizer and chat template, ready to answer (`eval`).

    Raises:
        DataError: no such model, or its folder is damaged or has no chat template.
    """
    folder = resolve_model(name)
    tokenizer = load_tokenizer(folder)
    chosen = choose_template(tokenizer, name=template)
    model = load_weights(folder, dtype=dtype)
    torch.nn.Module.to(model, torch.device(device)).train(mode=False)
    limit = int(model.config.max_position_embeddings)
    return ChatModel(str(name), folder, model, tokenizer, chosen, limit)


def load_weights(folder: Path, *, dtype: Precision = "float32") -> PreTrainedModel:
    """Load the weights of a resolved model folder onto the CPU; an adapter's with the base that it names.

    Raises:
        DataError: the folder has none, or damaged ones.
        MissingExtraError: it holds an adapter, and peft is not installed.
    """
    if (folder / "adapter_config.json").is_file() and find_spec("peft") is None:
        raise MissingExtraError(f"{folder} holds an adapter; install `pip install 'agenttuning[lora]'` to load it")
    disable_progress_bar()
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(f"{folder} has no readable weights: {_first_line(error)}; copy or train it again") from error
    if model.config.get_text_config().hidden_size <= _SMALL and not torch.cuda.is_available():
        model.set_attn_implementation("eager")
    return model


def fresh_model(shape: LlamaShape, tokenizer: PreTrainedTokenizerBase, *, seed: int) -> PreTrainedModel:
    """Return a Llama with random weights, tied embeddings and eager attention (the quickest for small ones on a CPU).

    Raises:
        RecipeError: the hidden size is not an even multiple of the heads.
    """
    if shape.hidden % (2 * shape.heads):
        raise RecipeError(f"hidden={shape.hidden} must be an even multiple of heads={shape.heads}")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.max_length,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.set_attn_implementation("eager")
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
