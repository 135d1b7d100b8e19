"""How fast one CPU thread trains the tiny shape, against the loop that everybody writes first.

    python benchmarks/training_speed.py [--seconds 3]

The peer pads random batches to their longest dialogue, runs transformers' own loss over every position in
float32 with SDPA, and steps the same optimiser; both see the same dialogues and the same number per step.
Prints real (not padding) tokens per CPU-second, and the ratio. Rounds alternate and draw other dialogues, since
kernels are compiled for every new shape; the best of each counts.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import torch

from agenttuning.core.records import Message
from agenttuning.models.chat_template import IGNORED
from agenttuning.models.compact_template import CompactTemplate
from agenttuning.models.load import LlamaShape, fresh_model
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.training.mask import tokenize_dialogues
from agenttuning.training.mixture import reshuffled
from agenttuning.training.optimizer import build_optimizers
from agenttuning.training.settings import OptimizerConfig
from agenttuning.training.step import BatchShape, accumulate, attention_for, gather, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transformers import PreTrainedModel

    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.settings import Batching, Precision

STEP_TOKENS = 2048
ROUNDS = 3
SHAPE = LlamaShape()
OPTIMIZER = OptimizerConfig(kind="muon", learning_rate=5e-3)


@dataclass(frozen=True)
class Contender:
    """One way to train."""

    name: str
    attention: str
    matmul: str
    step: Callable[[PreTrainedModel, list[TrainingRow]], None]


def dialogues(number: int) -> Iterator[tuple[tuple[Message, ...], str]]:
    """Yield dialogues of the lengths that a mixture has: four short chats to one long episode."""
    draw = random.Random(0)
    words = [
        "".join(draw.choices("bcdfglmnprst", k=2)) + ending for ending in ("a", "el", "o", "ip") for _ in range(50)
    ]
    for index in range(number):
        turns = []
        for _ in range(draw.randint(6, 10) if index % 5 == 0 else 1):
            said = " ".join(draw.choices(words, k=draw.randint(8, 20)))
            turns.append(Message(role="user", content=said))
            turns.append(Message(role="assistant", content=" ".join(said.split()[:8])))
        yield tuple(turns), "agent" if index % 5 == 0 else "general"


def padded(model: PreTrainedModel, rows: list[TrainingRow]) -> None:
    """Run the naive step."""
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.from_numpy(row.input_ids)
        labels[number, : len(row)] = torch.from_numpy(row.labels)
        mask[number, : len(row)] = 1
    model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()


def ours(precision: Precision, batching: Batching = "buckets") -> Callable[[PreTrainedModel, list[TrainingRow]], None]:
    """Return our step."""
    shape = BatchShape(batching, 2048, 16384)

    def step(model: PreTrainedModel, rows: list[TrainingRow]) -> None:
        with attention_for(model, batching):
            accumulate(model, lay_out(rows, shape, device=torch.device("cpu")), precision=precision)

    return step


def measure(
    contender: Contender, rows: list[TrainingRow], model: PreTrainedModel, *, seed: int, seconds: float
) -> float:
    """Return real tokens per CPU-second."""
    torch.set_float32_matmul_precision(contender.matmul)
    model.set_attn_implementation(contender.attention)
    optimizers = build_optimizers(model, OPTIMIZER)
    plan = reshuffled(len(rows), seed=seed)
    cursor = tokens = 0
    began = time.process_time()
    for step in count():
        drawn, cursor = gather(rows, plan, cursor=cursor, tokens=STEP_TOKENS)
        contender.step(model, drawn)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if step == 0:
            began, tokens = time.process_time(), 0
            continue
        tokens += sum(map(len, drawn))
        if time.process_time() - began > seconds:
            return tokens / (time.process_time() - began)
    raise AssertionError


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="per contender and round")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    pairs = list(dialogues(2000))
    tokenizer = train_tokenizer((turn.content for turns, _ in pairs for turn in turns), vocabulary=900, max_length=2048)
    rows = tokenize_dialogues(CompactTemplate(tokenizer), pairs, max_length=1024).rows
    contenders = (
        Contender("padded, float32, SDPA, loss over all positions", "sdpa", "highest", padded),
        Contender("ours, float32", "eager", "highest", ours("float32")),
        Contender("ours, bfloat16 autocast", "eager", "medium", ours("bfloat16")),
        Contender("ours, float32, grouped", "eager", "highest", ours("float32", "grouped")),
        Contender("ours, bfloat16 autocast, grouped", "eager", "medium", ours("bfloat16", "grouped")),
    )
    best = dict.fromkeys(contenders, 0.0)
    for number in range(ROUNDS):
        for contender in contenders:
            model = fresh_model(SHAPE, tokenizer, seed=0)
            best[contender] = max(best[contender], measure(contender, rows, model, seed=number, seconds=seconds))
    size = sum(weight.numel() for weight in fresh_model(SHAPE, tokenizer, seed=0).parameters())
    mean = sum(map(len, rows)) / len(rows)
    print(f"{size:,} parameters, {len(rows)} dialogues, {mean:.0f} tokens on average, 1 thread")
    peer = best[contenders[0]]
    for contender, speed in best.items():
        print(f"{contender.name:<48} {speed:>8,.0f} tokens/CPU-s  {speed / peer:.2f} x")


if __name__ == "__main__":
    main()
