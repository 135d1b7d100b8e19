"""How fast this package trains on a CPU, against TRL's SFTTrainer on the same rows, side by side in one run.

    python benchmarks/train_cpu.py [--dialogues 160] [--rounds 1] [--precision bfloat16] [--peer .venv-trl]

The same Llama of 8.4 million parameters and random weights, the same dialogues of ids (lognormal lengths, mean about
350 tokens, at most 1,024; two fifths of the tokens are trained), one pass over all of them, fused AdamW at the same
constant rate, the same precision, one thread. TRL runs twice: padded batches of 8 (its default), and `bfd` packing.
TRL gets its rows tokenised, and no activation checkpointing (on by its default), so only the training is compared.
Prints real tokens per CPU-second, the loss of all three models afterwards on rows that none has seen, and the share of
the rate of a plain matrix product measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from peer_environment import ask_peer
from transformers import LlamaConfig, LlamaForCausalLM

from agenttuning.models.chat_template import IGNORED
from agenttuning.models.load import load_weights
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.training.flops import measured_flops, training_flops_per_token
from agenttuning.training.loop import fit
from agenttuning.training.mask import TrainingRow
from agenttuning.training.mixture import in_order
from agenttuning.training.packing import make_batch
from agenttuning.training.settings import LoopSettings, OptimizerConfig
from agenttuning.training.sizes import model_size
from agenttuning.training.step import summed_loss

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VOCABULARY, LONGEST, PER_STEP, RATE = 8192, 1024, 8, 1e-3
CPU = torch.device("cpu")


def dialogues(number: int, *, seed: int) -> list[TrainingRow]:
    """Return dialogues of ids that follow one another with some regularity, so that there is something to learn."""
    draw = random.Random(seed)
    rows = []
    for _ in range(number):
        length = min(LONGEST, max(16, round(draw.lognormvariate(5.6, 0.75))))
        token = draw.randrange(VOCABULARY)
        ids = []
        for _ in range(length):
            token = (token * 5 + 17) % VOCABULARY if draw.random() < 0.5 else int(draw.paretovariate(0.4)) % VOCABULARY
            ids.append(token)
        labels, trained = [IGNORED] * length, False
        position = 8
        while position < length:
            end = min(length, position + round(draw.expovariate(1 / 40 if trained else 1 / 60)) + 4)
            if trained:
                labels[position:end] = ids[position:end]
            position, trained = end, not trained
        labels[-4:] = ids[-4:]
        rows.append(TrainingRow(np.array(ids, dtype=np.int32), np.array(labels, dtype=np.int32), "made"))
    return rows


def fresh() -> PreTrainedModel:
    """Return the model that all begin with."""
    torch.manual_seed(0)
    shape = {"hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 4, "intermediate_size": 1024}
    config = LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=LONGEST, tie_word_embeddings=True, **shape)
    return LlamaForCausalLM(config)


def loss_on(model: PreTrainedModel, rows: list[TrainingRow]) -> float:
    """Return the mean loss over the trained tokens."""
    model.train(mode=False)
    with torch.no_grad():
        total = sum(float(summed_loss(model, make_batch([[row]], device=CPU))) for row in rows)
    return total / sum(row.trained for row in rows)


def ours(rows: list[TrainingRow], *, precision: str, batching: str) -> tuple[PreTrainedModel, float, float, int]:
    """Train one pass; return the model, CPU and wall seconds, and steps."""
    model = fresh()
    per_step = round(sum(map(len, rows)) * PER_STEP / len(rows))
    steps = drawn = 0
    while drawn < len(rows):
        tokens = 0
        while tokens < per_step and drawn < len(rows):
            tokens += len(rows[drawn])
            drawn += 1
        steps += 1
    settings = LoopSettings.model_validate(
        {
            "steps": steps,
            "batch_tokens": per_step,
            "optimizer": OptimizerConfig(learning_rate=RATE, schedule="constant", warmup=0.0),
            "batching": batching,
            "row_tokens": LONGEST,
            "precision": precision,
        }
    )
    wall, cpu = time.perf_counter(), time.process_time()
    fit(model, rows, settings=settings, plan=in_order(len(rows)))
    return model, time.process_time() - cpu, time.perf_counter() - wall, steps


def job(folder: Path, rows: list[TrainingRow], *, precision: str) -> Path:
    """Write everything that the peer needs."""
    model = folder / "model"
    fresh().save_pretrained(model)
    train_tokenizer(["a b c"], vocabulary=300, max_length=LONGEST).save_pretrained(folder / "tokenizer")
    ends = np.array(list(accumulate(map(len, rows))))
    ids, labels = (np.concatenate([getattr(row, name) for row in rows]) for name in ("input_ids", "labels"))
    np.savez(folder / "rows.npz", ids=ids, labels=labels, ends=ends)
    packed_rows = round(float(ends[-1]) / len(rows) * PER_STEP / LONGEST)
    told = {
        "folder": str(folder / "trl"), "model": str(model), "tokenizer": str(folder / "tokenizer"),
        "rows": str(folder / "rows.npz"), "max_length": LONGEST, "dialogues": PER_STEP, "packed_rows": packed_rows,
        "precision": precision, "learning_rate": RATE,
    }  # fmt: skip
    path = folder / "job.json"
    path.write_text(json.dumps(told))
    return path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dialogues", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=1, help="the best round of each counts")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--batching", choices=("grouped", "buckets"), default="grouped")
    parser.add_argument("--peer", type=Path, default=Path(".venv-trl"), help="environment of TRL, made when absent")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows, unseen = dialogues(chosen.dialogues, seed=0), dialogues(40, seed=1)
    tokens, trained = sum(map(len, rows)), sum(row.trained for row in rows)
    print(f"{len(rows)} dialogues, {tokens:,} tokens, {trained:,} trained, {chosen.precision}, 1 thread")
    size = model_size(fresh().config)
    ceiling = measured_flops(CPU, dtype=getattr(torch, chosen.precision), order=1024, seconds=2.0)
    operations = training_flops_per_token(size, tokens / len(rows))
    print(f"{size.parameters:,} parameters, {operations / 1e6:.0f} MFLOP/token; matmul {ceiling / 1e9:.0f} GFLOP/s")
    best: dict[str, float] = {}

    def tell(label: str, cpu: float, wall: float, steps: float, loss: float) -> None:
        best[label] = min(cpu, best.get(label, cpu))
        print(
            f"{label:<20} {tokens / cpu:>7,.0f} tokens/CPU-s {tokens / wall:>7,.0f} tokens/s "
            f"{tokens / cpu * operations / ceiling:>5.0%} of matmul, {steps:.0f} steps, loss {loss:.3f}",
            flush=True,
        )

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = job(folder, rows, precision=chosen.precision)
        for _ in range(chosen.rounds):
            model, cpu, wall, steps = ours(rows, precision=chosen.precision, batching=chosen.batching)
            tell("ours", cpu, wall, steps, loss_on(model, unseen))
            for kind in ("padded", "bfd"):
                ask_peer(chosen.peer, "train", kind, str(task))
                result = json.loads((folder / "trl" / "result.json").read_text())
                loss = loss_on(load_weights(folder / "trl"), unseen)
                tell(f"TRL 1.16, {kind}", result["cpu"], result["wall"], result["steps"], loss)
    for label, cpu in best.items():
        print(f"{label:<20} {cpu / best['ours']:.2f} x the CPU time of ours")


if __name__ == "__main__":
    main()
