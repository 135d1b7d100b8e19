"""How much faster two ranks train the tiny base than one process, on two cores.

    python benchmarks/training_ranks.py [--steps 40] [--ranks 2]

The step is that of `recipes/quickstart.toml`: 2,048 real tokens, grouped rows, Muon, bfloat16, one thread a rank.
Prints real tokens per second of wall time, and per second of CPU time of one rank: on a busy machine the second is what
a quiet one would give, waiting left out. The first half of the steps warms up. Rounds alternate; the best counts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from training_speed import dialogues

from agenttuning.models.load import choose_template, load_tokenizer, load_weights, resolve_model
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, StepSpeed, fit
from agenttuning.training.mask import tokenize_dialogues
from agenttuning.training.parallel import ALONE, Ranks, Seat, joined
from agenttuning.training.parallel_model import spread
from agenttuning.training.settings import ShardSettings

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    from agenttuning.training.mask import TrainingRow

CPU = torch.device("cpu")
ROUNDS = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--ranks", type=int, default=2)
    arguments = parser.parse_args()
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    template = choose_template(load_tokenizer(resolve_model("tiny-base")))
    rows = tokenize_dialogues(template, dialogues(3000), max_length=1024).rows
    best: dict[int, tuple[float, float]] = {1: (0.0, 0.0), arguments.ranks: (0.0, 0.0)}
    for _ in range(ROUNDS):
        for count, before in best.items():
            wall, cpu = measure(count, rows, steps=arguments.steps)
            best[count] = max(before[0], wall), max(before[1], cpu)
    for count, (wall, cpu) in best.items():
        print(f"{count} ranks: {wall:7,.0f} tokens/s, {cpu:7,.0f} tokens per CPU-second of a rank")
    one, many = best[1], best[arguments.ranks]
    print(f"ratio: {many[0] / one[0]:.2f} by the clock, {many[1] / one[1]:.2f} by CPU time")


def measure(count: int, rows: list[TrainingRow], *, steps: int) -> tuple[float, float]:
    """Return tokens per second of wall time, and of CPU time of the first rank."""
    fork = multiprocessing.get_context("fork")
    told: SimpleQueue[tuple[float, float]] = fork.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        meet = f"file://{Path(folder, 'meeting')}"
        seats = [Seat(rank, count, rank, count) for rank in range(count)]
        ranks = [fork.Process(target=partial(_rank, seat, rows, told, meet=meet, steps=steps)) for seat in seats]
        for process in ranks:
            process.start()
        found = told.get()
        for process in ranks:
            process.join()
    return found


def _rank(
    seat: Seat, rows: list[TrainingRow], told: SimpleQueue[tuple[float, float]], *, meet: str, steps: int
) -> None:
    if seat.count == 1:
        told.put(_train(ALONE, rows, steps))
        return
    with joined(seat, ShardSettings(), device=CPU, meet=meet) as ranks:
        found = _train(ranks, rows, steps)
    if ranks.leads:
        told.put(found)


def _train(ranks: Ranks, rows: list[TrainingRow], steps: int) -> tuple[float, float]:
    model = load_weights(resolve_model("tiny-base")) if ranks.leads else None
    placed = spread(model, ranks, device=CPU)
    optimizer = OptimizerConfig(kind="muon", learning_rate=5e-3, schedule="flat-linear")
    settings = LoopSettings(steps=steps, batch_tokens=2048, optimizer=optimizer, batching="grouped", row_tokens=1024)
    seen: list[tuple[int, float, float]] = []

    def on_step(metrics: StepMetrics, _: StepSpeed) -> None:
        seen.append((sum(metrics.tokens.values()), time.perf_counter(), time.process_time()))

    fit(placed.model, rows, settings=settings, ranks=ranks, on_step=on_step)
    half = len(seen) // 2
    tokens = sum(found[0] for found in seen[half:])
    return tokens / (seen[-1][1] - seen[half - 1][1]), tokens / (seen[-1][2] - seen[half - 1][2])


if __name__ == "__main__":
    main()
