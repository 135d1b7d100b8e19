"""How fast one GPU fine-tunes a model of Llama-2-7B's shape, with each switch on and off.

    python benchmarks/train_gpu.py --to results                        one GPU, under ten minutes
    python benchmarks/train_gpu.py --shape tiny --device cpu --minutes 1 --rows "full;lora"

Ceilings first: the rate of a plain bfloat16 matrix product and of a copy on this machine. Then a row per combination
of switches, the most telling first: random weights, dialogues of agent-like lengths packed into rows of 4,096, the
loop's own step (batches, passes, clipping, optimiser). Tokens are real ones, padding never counts. A row that runs out
of memory, lacks a package or is not reached in time says so, and the next one follows; `train_gpu.json` and
`train_gpu.md` are written after every row.

MFU is counted twice, by the matrices alone (6 M a token) and with causal attention inside the dialogues, against the
published dense rate of the GPU, or the measured product where none is published.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import platform
import random
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from agenttuning.errors import AgentTuningError, MissingExtraError
from agenttuning.models.chat_template import IGNORED
from agenttuning.training.activations import decoder_layers, recomputed
from agenttuning.training.adapters import add_adapter
from agenttuning.training.compiled import compiled
from agenttuning.training.flops import measured_flops, peak_flops, training_flops_per_token
from agenttuning.training.mask import TrainingRow
from agenttuning.training.memory import estimate_memory
from agenttuning.training.optimizer import optimizers_for
from agenttuning.training.settings import AdapterConfig, LoopSettings
from agenttuning.training.sizes import adapter_parameters, model_size
from agenttuning.training.step import accumulate, attention_for, batch_shape, gather, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedModel

    from agenttuning.training.sizes import ModelSize

LORA = AdapterConfig(rank=16, alpha=32)
FULL: dict[str, object] = {
    "weights": "bfloat16",
    "optimizer_states": "bfloat16",
    "attention": "varlen",
    "compile": True,
    "loss_chunk": 2048,
}
WARMUP = 2
LEAST = 3
"""Timed steps of a row, if its time allows no more."""


@dataclass(frozen=True)
class Shape:
    """What is trained."""

    config: LlamaConfig
    width: int
    """Tokens of a packed row."""
    mean: int
    """Of a dialogue's length."""
    step_rows: int
    """Packed rows of a step."""
    order: int
    """Rows of the matrices whose product is the ceiling."""


SHAPES = {
    "llama-2-7b": Shape(LlamaConfig(max_position_embeddings=4096), width=4096, mean=1100, step_rows=12, order=8192),
    "tiny": Shape(
        LlamaConfig(vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2),
        width=128,
        mean=40,
        step_rows=4,
        order=256,
    ),
}


@dataclass(frozen=True)
class Row:
    """One combination of switches."""

    name: str
    switches: dict[str, object]
    pass_rows: int = 2
    """Packed rows in a forward pass."""
    eight_bit_products: bool = False
    """Linear layers of torchao's float8, which is no switch of the product: it stands beside."""

    @property
    def told(self) -> dict[str, object]:
        """What the report says of the switches."""
        return {name: LORA.model_dump() if value is LORA else value for name, value in self.switches.items()}


ROWS = (
    Row("full", FULL),
    Row("lora", {**FULL, "optimizer_states": "float32", "adapter": LORA}),
    Row("full, not compiled", {**FULL, "compile": False}),
    Row("full, sdpa with a mask", {**FULL, "attention": "sdpa"}),
    Row("full, fp8 products", FULL, eight_bit_products=True),
    Row("full, recompute all", {**FULL, "recompute": "all"}, pass_rows=4),
    Row("full, 8-bit states", {**FULL, "optimizer_states": "8bit"}, pass_rows=3),
    Row("lora, recompute all", {**FULL, "optimizer_states": "float32", "adapter": LORA, "recompute": "all"}, 4),
    Row("full, master weights, recompute all", {**FULL, "weights": "bfloat16-master", "recompute": "all"}),
    Row("full, flex", {**FULL, "attention": "flex"}),
    Row("full, recompute alternate", {**FULL, "recompute": "alternate"}, pass_rows=3),
    Row("full, whole logits", {**FULL, "loss_chunk": 0}),
    Row("lora, not compiled", {**FULL, "optimizer_states": "float32", "adapter": LORA, "compile": False}),
    Row("full, float32 weights and states, recompute all", {"recompute": "all", "attention": "varlen"}, pass_rows=1),
)


@dataclass(frozen=True)
class Ceilings:
    """What this machine can do at best."""

    product: float
    """FLOP/s of a bfloat16 matrix product, measured."""
    copy: float
    """Bytes a second, read and written, of a copy, measured."""
    published: float | None
    """Dense bfloat16 FLOP/s of the data sheet."""


@dataclass(frozen=True)
class Result:
    """A row that ran, or the reason why not."""

    name: str
    switches: dict[str, object]
    outcome: str = "ran"
    tokens_per_second: float | None = None
    trained_tokens_per_second: float | None = None
    mfu_products: float | None = None
    mfu: float | None = None
    peak_bytes: int | None = None
    estimated_bytes: int | None = None
    optimizer_share: float | None = None
    steps: int = 0
    padding: float | None = None
    limit: str = ""


class Timing(NamedTuple):
    """What was timed of a row, after its warm-up."""

    seconds: float
    optimizer_seconds: float
    tokens: int
    trained: int
    slots: int
    steps: int


def dialogues(shape: Shape, *, count: int) -> list[TrainingRow]:
    """Return dialogues of random tokens whose lengths are spread as in agent data, a third of each trained."""
    draw, ids = random.Random(0), np.random.default_rng(0)
    rows = []
    for _ in range(count):
        length = min(shape.width, max(8, round(draw.lognormvariate(math.log(shape.mean) - 0.32, 0.8))))
        tokens = ids.integers(1, shape.config.vocab_size, length, dtype=np.int32)
        answers = (np.arange(length) // 64) % 3 == 2
        answers[-4:], answers[0] = True, False
        rows.append(TrainingRow(tokens, np.where(answers, tokens, IGNORED).astype(np.int32), "agent"))
    return rows


def measure_ceilings(device: torch.device, shape: Shape) -> Ceilings:
    """Measure what no step can exceed."""
    product = measured_flops(device, order=shape.order, seconds=1.0 if device.type == "cuda" else 0.05)
    size = (1 << 30) if device.type == "cuda" else (1 << 24)
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target, best = torch.empty_like(source), math.inf
    for _ in range(6):
        began = _now(device)
        target.copy_(source)
        best = min(best, _now(device) - began)
    return Ceilings(product, 2 * size / best, peak_flops(device))


def settings_of(row: Row, shape: Shape) -> LoopSettings:
    """Return the loop's settings for a row."""
    plain = {"steps": 1000, "batching": "packed", "row_tokens": shape.width, "threads": torch.get_num_threads()}
    tokens = {"batch_tokens": shape.step_rows * shape.width, "pass_tokens": row.pass_rows * shape.width}
    return LoopSettings.model_validate({**plain, **tokens, **row.switches})


def run_row(row: Row, shape: Shape, device: torch.device, ceilings: Ceilings, *, seconds: float) -> Result:
    """Build the model, run its steps and take it down again; what stops it becomes the outcome."""
    try:
        return _measured(row, shape, device, ceilings, seconds=seconds)
    except torch.OutOfMemoryError:
        return Result(row.name, row.told, "out of memory")
    except (AgentTuningError, RuntimeError, NotImplementedError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Result(row.name, row.told, first[:200])
    finally:
        gc.collect()
        torch._dynamo.reset()  # noqa: SLF001 - the next row starts without this one's graphs
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)


def _measured(row: Row, shape: Shape, device: torch.device, ceilings: Ceilings, *, seconds: float) -> Result:
    settings = settings_of(row, shape)
    model = _model(row, shape, device, settings)
    size = model_size(shape.config)
    rows = dialogues(shape, count=400)
    with ExitStack() as stack:
        stack.enter_context(recomputed(model, settings.recompute))
        stack.enter_context(attention_for(model, settings.batching, settings.attention))
        if settings.compile:
            stack.enter_context(compiled(model))
        timing = _steps(model, rows, settings, device, seconds=seconds)
    width = sum(len(one) ** 2 for one in rows) / sum(map(len, rows))
    pairs = adapter_parameters(size, LORA.rank) if settings.adapter else None
    work, products = (training_flops_per_token(size, wide, adapter=pairs) for wide in (width, 0.0))
    speed = timing.tokens / timing.seconds
    best = ceilings.published or ceilings.product
    return Result(
        row.name,
        row.told,
        tokens_per_second=speed,
        trained_tokens_per_second=timing.trained / timing.seconds,
        mfu_products=speed * products / best,
        mfu=speed * work / best,
        peak_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        estimated_bytes=estimate_memory(size, settings).total,
        optimizer_share=timing.optimizer_seconds / timing.seconds,
        steps=timing.steps,
        padding=1 - timing.tokens / timing.slots,
        limit=_limit(timing, settings, size, products, ceilings),
    )


def _model(row: Row, shape: Shape, device: torch.device, settings: LoopSettings) -> PreTrainedModel:
    torch.manual_seed(0)
    dtype = torch.float32 if settings.weights == "float32" else torch.bfloat16
    with torch.device(device):
        model = LlamaForCausalLM._from_config(shape.config, dtype=dtype)  # noqa: SLF001 - its public door has no device
    model.train()
    if settings.adapter:
        add_adapter(model, settings.adapter, base="random", seed=0)
    if row.eight_bit_products:
        if find_spec("torchao") is None:
            raise MissingExtraError("torchao is not installed: no float8 products")
        from torchao.float8 import convert_to_float8_training

        for layer in decoder_layers(model):
            convert_to_float8_training(layer)
    return model


def _steps(
    model: PreTrainedModel, rows: Sequence[TrainingRow], settings: LoopSettings, device: torch.device, *, seconds: float
) -> Timing:
    """Run warm-up steps, then timed ones until the time is up."""
    optimizers = optimizers_for(model, settings)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    shape = batch_shape(settings)
    began = started = _now(device)
    cursor = tokens = trained = slots = steps = 0
    spent = 0.0
    while steps < WARMUP + LEAST or _now(device) - started < seconds:
        if steps == WARMUP:
            began, tokens, trained, slots, spent = _now(device), 0, 0, 0, 0.0
        drawn, cursor = gather(rows, lambda draw: draw % len(rows), cursor=cursor, tokens=settings.batch_tokens)
        batches = lay_out(drawn, shape, device=device)
        accumulate(model, batches, precision=settings.precision, chunk=settings.loss_chunk)
        before = _now(device)
        torch.nn.utils.clip_grad_norm_(weights, settings.optimizer.clip)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        spent += _now(device) - before
        tokens += sum(map(len, drawn))
        trained += sum(one.trained for one in drawn)
        slots += sum(batch.input_ids.numel() for batch in batches)
        steps += 1
    return Timing(_now(device) - began, spent, tokens, trained, slots, steps - WARMUP)


def _limit(timing: Timing, settings: LoopSettings, size: ModelSize, products: float, ceilings: Ceilings) -> str:
    """Say where the time goes: what the products need at the measured ceiling, the optimiser, recomputing, the rest."""
    at_best = timing.tokens * products / ceilings.product / timing.seconds
    optimizer = timing.optimizer_seconds / timing.seconds
    layers = {"none": 0.0, "alternate": 0.5, "all": 1.0}[settings.recompute]
    again = layers * 2 * size.hidden_matrices * timing.tokens / ceilings.product / timing.seconds
    padded = (1 - timing.tokens / timing.slots) * at_best
    parts = {
        "matrix products at their ceiling": at_best,
        "optimiser and clipping": optimizer,
        "products done again": again,
        "products of padding": padded,
        "attention, element-wise work, launches": max(0.0, 1 - at_best - optimizer - again - padded),
    }
    return ", ".join(f"{name} {share:.0%}" for name, share in parts.items() if share >= 0.01)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def report(folder: Path, results: Sequence[Result], ceilings: Ceilings, *, shape: str, device: torch.device) -> None:
    """Write both files anew."""
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU",
        "torch": torch.__version__,
        "shape": shape,
        "ceilings": asdict(ceilings),
        "rows": [asdict(result) for result in results],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train_gpu.json").write_text(json.dumps(facts, indent=2) + "\n")
    (folder / "train_gpu.md").write_text("\n".join(_markdown(facts, results, ceilings)) + "\n")


def _markdown(facts: dict[str, object], results: Sequence[Result], ceilings: Ceilings) -> Iterator[str]:
    yield f"{facts['date']}, {facts['machine']}, torch {facts['torch']}, shape {facts['shape']}."
    published = f", published {ceilings.published / 1e12:,.0f}" if ceilings.published else ""
    yield f"Ceilings: product {ceilings.product / 1e12:,.2f} TFLOP/s{published}; copy {ceilings.copy / 1e12:.2f} TB/s."
    yield "\n| row | tokens/s | MFU 6 M | MFU | peak GB | estimated GB | where the time goes |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for result in results:
        if result.tokens_per_second is None:
            yield f"| {result.name} | | | | | | {result.outcome} |"
            continue
        peak = "" if result.peak_bytes is None else f"{result.peak_bytes / 1e9:.1f}"
        shares = f"{result.mfu_products or 0:.1%} | {result.mfu or 0:.1%}"
        estimated = f"{(result.estimated_bytes or 0) / 1e9:.1f}"
        yield f"| {result.name} | {result.tokens_per_second:,.0f} | {shares} | {peak} | {estimated} | {result.limit} |"


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Run the rows that time allows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES], default="llama-2-7b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, default=9.0, help="of all rows; later rows are not run")
    parser.add_argument("--seconds", type=float, default=12.0, help="of the steps of a row")
    parser.add_argument("--rows", default="", help="names, separated by semicolons; default all")
    parser.add_argument("--to", type=Path, default=Path("results"))
    asked = parser.parse_args(arguments)
    ends = time.monotonic() + 60 * asked.minutes
    products = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        return run_rows(asked, ends=ends)
    finally:
        torch.set_float32_matmul_precision(products)


def run_rows(asked: argparse.Namespace, *, ends: float) -> list[Result]:
    """Run row after row until `ends`, and write the report after each."""
    shape, device = SHAPES[asked.shape], torch.device(asked.device)
    ceilings = measure_ceilings(device, shape)
    chosen = {name.strip() for name in asked.rows.split(";") if name.strip()}
    results: list[Result] = []
    longest = 0.0
    for row in ROWS:
        if chosen and row.name not in chosen:
            continue
        began = time.monotonic()
        if began + longest > ends:
            results.append(Result(row.name, row.told, "not run: out of time"))
        else:
            results.append(run_row(row, shape, device, ceilings, seconds=asked.seconds))
            longest = max(longest, time.monotonic() - began)
        report(asked.to, results, ceilings, shape=asked.shape, device=device)
        last = results[-1]
        told = f"{last.tokens_per_second:,.0f} tokens/s, MFU {last.mfu:.1%}" if last.tokens_per_second else last.outcome
        print(f"{row.name}: {told} ({time.monotonic() - began:.0f} s)", flush=True)
    return results


if __name__ == "__main__":
    main()
