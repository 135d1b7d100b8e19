"""A two-layer random Llama and dialogues of random ids for it."""

import random

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from agenttuning.models.chat_template import IGNORED
from agenttuning.training.mask import TrainingRow

VOCABULARY = 61


def small_model(attention: str = "eager", *, seed: int = 0) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.set_attn_implementation(attention)
    return model


def random_rows(count: int, *, seed: int = 0, longest: int = 60) -> list[TrainingRow]:
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        ids = np.array([draw.randrange(VOCABULARY) for _ in range(draw.randint(3, longest))], dtype=np.int32)
        start = draw.randint(1, len(ids) - 1)
        labels = np.where(np.arange(len(ids)) >= start, ids, IGNORED).astype(np.int32)
        rows.append(TrainingRow(ids, labels, ("agent", "general")[number % 2]))
    return rows


def small_qwen3() -> Qwen3ForCausalLM:
    """Norms of heads, four heads to two of keys, and an output layer of its own."""
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=256,
        tie_word_embeddings=False,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Qwen3ForCausalLM(config)
    model.set_attn_implementation("eager")
    return model
