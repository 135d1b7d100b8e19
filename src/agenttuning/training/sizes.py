"""How large a model is, from its configuration alone: no weight is read or made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

from agenttuning.core.records import Record
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PretrainedConfig

    from agenttuning.models.shape import LlamaShape

_LLAMA_2 = {
    "7b": (4096, 11008, 32, 32, 32),
    "13b": (5120, 13824, 40, 40, 40),
    "70b": (8192, 28672, 80, 64, 8),
}
"""The paper's base models, so that they can be planned for where they are not: hidden,
feed-forward, layers, heads, heads of keys."""


class ModelSize(Record):
    """What memory depends on."""

    parameters: int
    matrices: int
    """Parameters that something is multiplied with: all but the norms, and but input embeddings of their own."""
    hidden_matrices: int
    """Parameters in the matrices of the layers, which `muon` moves."""
    layers: int
    hidden: int
    heads: int
    query: int
    """Width of all queries of a token; `hidden` in most models."""
    key_value: int
    """Width of all keys of a token; below `hidden` where heads share them."""
    feed_forward: int
    vocabulary: int
    positions: int


def model_size(config: PretrainedConfig) -> ModelSize:
    """Count a model from its configuration; weights are neither read nor made."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    text = config.get_text_config()
    values = text.to_dict()
    hidden, heads = int(text.hidden_size), int(text.num_attention_heads)
    head = int(values.get("head_dim") or hidden // heads)
    vocabulary = int(text.vocab_size)
    shapes = [tuple(weight.shape) for weight in model.parameters()]
    everywhere = sum(rows * columns for rows, columns in (shape for shape in shapes if len(shape) == 2))
    embeddings = [shape for shape in shapes if len(shape) == 2 and shape[0] == vocabulary]
    return ModelSize(
        parameters=sum(weight.numel() for weight in model.parameters()),
        matrices=everywhere - vocabulary * hidden * (len(embeddings) - 1),
        hidden_matrices=everywhere - vocabulary * hidden * len(embeddings),
        layers=int(text.num_hidden_layers),
        hidden=hidden,
        heads=heads,
        query=heads * head,
        key_value=int(values.get("num_key_value_heads") or heads) * head,
        feed_forward=int(values.get("intermediate_size") or 4 * hidden),
        vocabulary=vocabulary,
        positions=int(text.max_position_embeddings),
    )


def adapter_parameters(size: ModelSize, rank: int) -> int:
    """Return the parameters of pairs of `rank` beside all seven linear layers of every decoder layer."""
    widths = 7 * size.hidden + 2 * size.query + 2 * size.key_value + 3 * size.feed_forward
    return rank * size.layers * widths


def folder_size(folder: Path) -> ModelSize:
    """Count the model of a resolved folder.

    Raises:
        DataError: its configuration cannot be read, or is of a kind that transformers does not know.
    """
    try:
        return model_size(AutoConfig.from_pretrained(folder))
    except (OSError, ValueError) as error:
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{folder} has no readable config.json: {told}; copy or train it again") from error


def fresh_size(shape: LlamaShape, *, vocabulary: int) -> ModelSize:
    """Count the model that `fresh_model` would make."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.max_length,
        tie_word_embeddings=True,
    )
    return model_size(config)


def published_size(name: str) -> ModelSize | None:
    """Count one of the paper's base models (Llama-2-{7b,13b,70b}-chat-hf) by its name; None for any other."""
    for size, (hidden, feed_forward, layers, heads, key_heads) in _LLAMA_2.items():
        if name.rstrip("/").lower().endswith(f"llama-2-{size}-chat-hf"):
            config = LlamaConfig(
                hidden_size=hidden,
                intermediate_size=feed_forward,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                num_key_value_heads=key_heads,
                max_position_embeddings=4096,
            )
            return model_size(config)
    return None
