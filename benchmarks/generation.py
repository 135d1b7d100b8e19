"""Batched generation against transformers' `model.generate` on one thread: tokens per second and their ratio.

    python benchmarks/generation.py [--model tiny-base]

Three loads: one prompt alone; 32 prompts of one length with equally long answers, the best case of a static batch;
and episodes, where `generate` must read each conversation anew and wait for the longest answer of its batch.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import LogitsProcessorList
from transformers.generation.logits_process import SuppressTokensLogitsProcessor

from agenttuning.core.records import Sampling
from agenttuning.models.generate import GenerationRequest, Generator
from agenttuning.models.load import ChatModel, choose_template, fresh_model, load_chat_model
from agenttuning.models.shape import LlamaShape
from agenttuning.models.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 32
EPISODES, TURNS = 64, 6


@dataclass(frozen=True)
class Load:
    """Prompts of one round, and how many tokens each answer may have."""

    prompts: list[list[int]]
    lengths: list[int]


def random_model() -> ChatModel:
    """Return a model of the tiny base's shape with random weights; it hardly ever ends an answer by itself."""
    texts = ["the quick brown fox jumps over the lazy dog 0123456789"] * 50
    tokenizer = train_tokenizer(texts, vocabulary=1000, max_length=2048)
    model = fresh_model(LlamaShape(), tokenizer, seed=0).eval()
    model.generation_config.eos_token_id = None
    return ChatModel("random", Path(), model, tokenizer, choose_template(tokenizer), 2048)


def rounds(kind: str) -> list[Load]:
    """Return the rounds of a load; a round begins when the one before has ended."""
    draw = random.Random(0)

    def ids(count: int) -> list[int]:
        return [draw.randrange(10, 250) for _ in range(count)]

    if kind == "alone":
        return [Load([ids(300)], [48]) for _ in range(4)]
    if kind == "equal":
        return [Load([ids(300) for _ in range(BATCH)], [48] * BATCH)]
    talks = [ids(draw.randrange(100, 200)) for _ in range(EPISODES)]
    found = []
    for _ in range(TURNS):
        lengths = [draw.randrange(8, 48) for _ in talks]
        found.append(Load([list(talk) for talk in talks], lengths))
        talks = [talk + ids(length + draw.randrange(10, 60)) for talk, length in zip(talks, lengths, strict=True)]
    return found


def play_generate(chat_model: ChatModel, loads: list[Load]) -> int:
    """Answer with `model.generate`, left-padded batches in order of prompt length; return the tokens wanted."""
    pad = chat_model.tokenizer.pad_token_id or 0
    quiet = LogitsProcessorList([SuppressTokensLogitsProcessor([chat_model.tokenizer.eos_token_id])])
    for load in loads:
        order = sorted(range(len(load.prompts)), key=lambda index: len(load.prompts[index]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            width = max(len(load.prompts[index]) for index in chosen)
            padding = [width - len(load.prompts[index]) for index in chosen]
            rows = [[pad] * left + load.prompts[index] for left, index in zip(padding, chosen, strict=True)]
            mask = [[0] * left + [1] * (width - left) for left in padding]
            with torch.inference_mode():
                chat_model.model.generate(
                    torch.tensor(rows),
                    attention_mask=torch.tensor(mask),
                    max_new_tokens=max(load.lengths[index] for index in chosen),
                    do_sample=False,
                    logits_processor=quiet,
                )
    return sum(sum(load.lengths) for load in loads)


def play_generator(chat_model: ChatModel, loads: list[Load]) -> int:
    """Answer with the package's generator; return the tokens drawn."""

    async def play() -> int:
        drawn = 0
        async with Generator(chat_model, max_batch=BATCH) as generator:
            for load in loads:
                requests = [
                    GenerationRequest(prompt, Sampling(max_new_tokens=length))
                    for prompt, length in zip(load.prompts, load.lengths, strict=True)
                ]
                found = await asyncio.gather(*(generator.generate(request) for request in requests))
                drawn += sum(len(generation.token_ids) for generation in found)
        return drawn

    return asyncio.run(play())


def rate(play: Callable[[ChatModel, list[Load]], int], chat_model: ChatModel, loads: list[Load]) -> float:
    """Return the better of two rates, in tokens per second of the thread's own time."""
    best = 0.0
    for _ in range(2):
        began = time.process_time()
        best = max(best, play(chat_model, loads) / (time.process_time() - began))
    return best


def main() -> None:
    """Print one line per load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a packaged model or a folder; random weights of the tiny base's shape without")
    name = parser.parse_args().model
    torch.set_num_threads(1)
    chat_model = load_chat_model(name) if name else random_model()
    print(f"{'load':10} {'generate':>10} {'generator':>10}   tokens per second of CPU time")
    for kind in ("alone", "equal", "episodes"):
        loads = rounds(kind)
        theirs, ours = (rate(play, chat_model, loads) for play in (play_generate, play_generator))
        print(f"{kind:10} {theirs:10.0f} {ours:10.0f}   ratio {ours / theirs:.2f}", flush=True)


if __name__ == "__main__":
    main()
