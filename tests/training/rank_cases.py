"""Trains small models on one, two and four ranks, and writes what came out. Usage: rank_cases.py FOLDER.

One process imports torch and forks the ranks of every case, so that all cases together cost one import.
"""

import json
import multiprocessing
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from tests.models.tokenizers import compact_tokenizer
from tests.training.small import random_rows, small_model, small_qwen3
from transformers import PreTrainedModel

from agenttuning.core.store import content_digest
from agenttuning.errors import AgentTuningError
from agenttuning.training.adapters import add_adapter
from agenttuning.training.export import export
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, StepSpeed, fit
from agenttuning.training.low_bit import to_bfloat16
from agenttuning.training.parallel import ALONE, Ranks, Seat, joined
from agenttuning.training.parallel_model import spread
from agenttuning.training.settings import AdapterConfig, ShardSettings

CPU = torch.device("cpu")
SETTINGS = LoopSettings(
    steps=4,
    batch_tokens=300,
    optimizer=OptimizerConfig(learning_rate=1e-2),
    precision="float32",
    pass_tokens=128,
    row_tokens=64,
)
KINDS = {
    "none": ShardSettings(),
    "fsdp": ShardSettings(kind="fsdp"),
    "fsdp-kept": ShardSettings(kind="fsdp", reshard_after_forward=False),
    "hsdp": ShardSettings(kind="hsdp"),
    "tensor": ShardSettings(kind="fsdp", tensor=2),
}
CHANGES: dict[str, dict[str, object]] = {
    "buckets": {},
    "packed": {"batching": "packed"},
    "grouped": {"batching": "grouped"},
    "idle": {"batch_tokens": 40},
    "recomputed": {"recompute": "all", "loss_chunk": 16},
    "half": {"precision": "bfloat16"},
    "lora": {"adapter": AdapterConfig(rank=4)},
    "bits": {"precision": "bfloat16", "weights": "bfloat16", "optimizer_states": "8bit"},
    "muon": {"optimizer": OptimizerConfig(kind="muon", learning_rate=1e-2)},
}
NUMBERS = [
    (2, "none", "buckets", "llama"),
    (2, "none", "grouped", "llama"),
    (2, "none", "muon", "llama"),
    (2, "fsdp", "packed", "llama"),
    (2, "fsdp", "recomputed", "llama"),
    (2, "fsdp", "half", "llama"),
    (2, "fsdp", "lora", "lora"),
    (2, "fsdp", "bits", "bits"),
    (2, "fsdp-kept", "buckets", "llama"),
    (2, "tensor", "grouped", "llama"),
    (2, "tensor", "packed", "qwen3"),
    (4, "none", "idle", "llama"),
    (4, "fsdp", "idle", "llama"),
    (4, "hsdp", "buckets", "llama"),
    (4, "tensor", "packed", "llama"),
]


def _with_adapter() -> PreTrainedModel:
    model = small_model()
    add_adapter(model, AdapterConfig(rank=4), base="small", seed=0)
    return model


def _in_bfloat16() -> PreTrainedModel:
    model = small_model()
    to_bfloat16(model)
    return model


MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "llama": small_model,
    "qwen3": small_qwen3,
    "lora": _with_adapter,
    "bits": _in_bfloat16,
}


def numbers(ranks: Ranks, folder: Path, case: str) -> None:
    """Train once; the first rank writes losses, norms and weights."""
    _, _, change, name = case.split("/")
    model = MODELS[name]() if ranks.leads else None
    settings = SETTINGS.model_copy(update={"steps": 3, **CHANGES[change]})
    placed = spread(model, ranks, device=CPU, precision=settings.precision)
    summed = placed if ranks.sharded else None
    result = fit(placed.model, random_rows(40), settings=settings, ranks=ranks, summed=summed)
    placed.gather(ranks)
    if model is None:
        return
    found = {
        "loss": [step.loss for step in result.metrics],
        "norm": [step.gradient_norm for step in result.metrics],
        "trained": [step.trained_tokens for step in result.metrics],
        "weights": {name: weight.flatten()[:3].tolist() for name, weight in model.named_parameters()},
        "tied": model.get_input_embeddings().weight is model.get_output_embeddings().weight,
    }
    (folder / f"{case.replace('/', '-')}.json").write_text(json.dumps(found))


def lives(ranks: Ranks, folder: Path, case: str) -> None:
    """Train 12 steps with dropout and checkpoints; `case` is `model/rank that dies/step at which it dies`."""
    name, dying, at = case.split("/")
    model = MODELS[name]() if ranks.leads else None
    few = CHANGES["bits"] if name == "bits" else {}
    settings = SETTINGS.model_copy(update={"steps": 12, "checkpoint_every": 3, **few})
    placed = spread(model, ranks, device=CPU, precision=settings.precision)
    for layer in placed.model.model.layers:
        layer.self_attn.attention_dropout = 0.1

    def on_step(metrics: StepMetrics, speed: StepSpeed) -> None:
        if (ranks.rank, metrics.step) == (int(dying), int(at)):
            os.kill(os.getpid(), signal.SIGKILL)

    summed = placed if ranks.sharded else None
    rows = random_rows(40)
    found = fit(placed.model, rows, settings=settings, ranks=ranks, summed=summed, folder=folder, on_step=on_step)
    placed.gather(ranks)
    if model is not None:
        export(model, compact_tokenizer(), folder / "model")
        (folder / "damaged.json").write_text(json.dumps(found.resumed.damaged))
        (folder / "digest.txt").write_text(content_digest(folder / "model"))


def full(ranks: Ranks, folder: Path, case: str) -> None:
    """Train with a disk that takes no large file from the second checkpoint on."""

    def on_step(metrics: StepMetrics, speed: StepSpeed) -> None:
        if metrics.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    placed = spread(small_model() if ranks.leads else None, ranks, device=CPU)
    settings = SETTINGS.model_copy(update={"steps": 9, "checkpoint_every": 3})
    summed = placed if ranks.sharded else None
    fit(placed.model, random_rows(40), settings=settings, ranks=ranks, summed=summed, folder=folder, on_step=on_step)


Work = Callable[[Ranks, Path, str], None]


def play(work: Work, folder: Path, *, count: int, kind: str, case: str) -> list[int]:
    """Fork the ranks of a case and return their exit codes."""
    folder.mkdir(parents=True, exist_ok=True)
    meeting = folder / f".meeting-{count}-{case.replace('/', '-')}"
    meeting.unlink(missing_ok=True)
    fork = multiprocessing.get_context("fork")
    seats = [Seat(rank, count, rank, 2 if kind == "hsdp" else count) for rank in range(count)]
    started = [partial(_rank, work, folder, case, seat=seat, kind=kind, meeting=meeting) for seat in seats]
    ranks = [fork.Process(target=target) for target in started]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    return [process.exitcode or 0 for process in ranks]


def _rank(work: Work, folder: Path, case: str, *, seat: Seat, kind: str, meeting: Path) -> None:
    if seat.count == 1:
        work(ALONE, folder, case)
        return
    try:
        with joined(seat, KINDS[kind], device=CPU, meet=f"file://{meeting}") as ranks:
            work(ranks, folder, case)
    except AgentTuningError as error:
        (folder / f"error-{seat.rank}.txt").write_text(str(error))
        sys.exit(1)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    for count, kind, change, name in NUMBERS:
        for ranks in (1, count):
            case = f"{ranks}/{kind}/{change}/{name}"
            assert play(numbers, folder / "numbers", count=ranks, kind=kind, case=case) == [0] * ranks, case
    for kind, model, dying, at in (("none", "llama", 1, 8), ("fsdp", "llama", 0, 5), ("fsdp", "bits", 1, 10)):
        alive = {"count": 2, "kind": kind, "case": f"{model}/-1/0"}
        assert play(lives, folder / f"{kind}-{model}-whole", **alive) == [0, 0]
        killed = folder / f"{kind}-{model}-killed"
        codes = play(lives, killed, count=2, kind=kind, case=f"{model}/{dying}/{at}")
        assert codes[dying] == -signal.SIGKILL, codes
        assert play(lives, killed, **alive) == [0, 0]
    for kind, others in (("none", 1), ("fsdp", 4)):
        moved = folder / f"{kind}-moved"
        play(lives, moved, count=2, kind=kind, case="llama/1/8")
        if kind == "fsdp":
            slices = sorted((moved / "checkpoints" / "step-000006").glob("*.distcp"))
            slices[-1].write_bytes(slices[-1].read_bytes()[:-9])
        assert play(lives, moved, count=others, kind=kind, case="llama/-1/0") == [0] * others
    for kind in ("none", "fsdp"):
        play(full, folder / f"{kind}-full", count=2, kind=kind, case="full")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(Path(sys.argv[1]))
