"""The training loop: thin, exact and resumable, on transformers models.

    tokenizer = train_tokenizer(texts, vocabulary=1000, max_length=2048)
    model = fresh_model(LlamaShape(), tokenizer, seed=0)
    corpus = tokenize_dialogues(CompactTemplate(tokenizer), dialogues, max_length=1024)  # (messages, source) pairs
    muon = OptimizerConfig(kind="muon", learning_rate=5e-3, schedule="flat-linear", warmup=0.05)
    settings = LoopSettings(steps=1000, batch_tokens=2048, optimizer=muon)
    fit(model, corpus.rows, settings=settings, on_step=print)        # in memory
    fit(model, corpus.rows, settings=settings, folder=Path("out"))   # with checkpoints; resumes by itself
    export(model, tokenizer, Path("out/model"))

One process. More join at `gather` (each takes its share of a step's rows) and at `accumulate` (the trained
tokens are counted over all of them before the first backward pass).
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from agenttuning.core.records import Record, digest
from agenttuning.core.store import Appender, read_records, write_records
from agenttuning.errors import StageError
from agenttuning.training.activations import recomputed
from agenttuning.training.checkpoint import Resumed, resume_checkpoint, save_checkpoint
from agenttuning.training.compiled import compiled
from agenttuning.training.mixture import reshuffled
from agenttuning.training.optimizer import learning_rate, optimizers_for, set_learning_rate
from agenttuning.training.settings import LoopSettings, OptimizerConfig
from agenttuning.training.step import accumulate, attention_for, batch_shape, gather, lay_out, require_plain_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel

    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.mixture import Plan


__all__ = [
    "FitResult",
    "LoopSettings",
    "OnStep",
    "OptimizerConfig",
    "StepMetrics",
    "StepSpeed",
    "fit",
]


class StepMetrics(Record):
    """One line of `metrics.jsonl`: nothing in it depends on the clock."""

    step: int
    """From 1."""
    loss: float
    """Mean over the trained tokens of the step, in nats."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""
    tokens: dict[str, int]
    """Real tokens by source."""
    trained_tokens: dict[str, int]
    """Tokens in the loss by source."""
    cursor: int
    """Draws used up."""


class StepSpeed(Record):
    """One line of `speed.jsonl`, which no digest covers."""

    step: int
    seconds: float
    tokens_per_second: float


class OnStep(Protocol):
    """Told after every step, for progress."""

    def __call__(self, metrics: StepMetrics, speed: StepSpeed, /) -> None:
        """See the finished step."""


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a call of `fit` did."""

    metrics: list[StepMetrics]
    """Of this call; steps before a resume are in `metrics.jsonl`."""
    resumed: Resumed


def fit(
    model: PreTrainedModel,
    rows: Sequence[TrainingRow],
    *,
    settings: LoopSettings,
    plan: Plan | None = None,
    folder: Path | None = None,
    on_step: OnStep | None = None,
) -> FitResult:
    """Train `model` in place on its own device.

    `plan` says which row each draw is; without one all rows are gone through in an order that is new each time.
    With a `folder`, checkpoints and metrics go there, and a call after a kill continues to the same last bit.

    Raises:
        StageError: no rows, a row longer than a packed row, or a loss that is no number.
        RunError: the folder's checkpoints belong to other data or settings.
    """
    _require_rows(rows, settings)
    require_plain_head(model)
    with ExitStack() as stack:
        stack.enter_context(_arithmetic(settings))
        stack.enter_context(recomputed(model, settings.recompute))
        if settings.compile:
            stack.enter_context(compiled(model))
        return _train(model, rows, settings, plan=plan, folder=folder, on_step=on_step, stack=stack)


def _train(
    model: PreTrainedModel,
    rows: Sequence[TrainingRow],
    settings: LoopSettings,
    *,
    plan: Plan | None,
    folder: Path | None,
    on_step: OnStep | None,
    stack: ExitStack,
) -> FitResult:
    session = _Session(model, rows, settings, plan or reshuffled(len(rows), seed=settings.seed))
    resumed = session.resume(folder) if folder else Resumed()
    log, speeds = _logs(folder, resumed.step, stack) if folder else (None, None)
    done = []
    model.train()
    cursor = resumed.cursor
    for step in range(resumed.step, settings.steps):
        began = time.monotonic()
        metrics = session.step(step, cursor)
        cursor = metrics.cursor
        seconds = time.monotonic() - began
        speed = StepSpeed(step=step + 1, seconds=seconds, tokens_per_second=sum(metrics.tokens.values()) / seconds)
        done.append(metrics)
        if folder and log and speeds:
            log.append(metrics)
            speeds.append(speed)
            if (step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.steps:
                session.save(folder, step=step + 1, cursor=cursor)
        if on_step:
            on_step(metrics, speed)
    return FitResult(done, resumed)


@contextmanager
def _arithmetic(settings: LoopSettings) -> Iterator[None]:
    """Fix threads, matrix products and random numbers, and give the caller his own back.

    A stage that follows in the same process must compute as it would in a process of its own.
    """
    threads, products = torch.get_num_threads(), torch.get_float32_matmul_precision()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        torch.set_float32_matmul_precision("highest" if settings.precision == "float32" else "medium")
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_float32_matmul_precision(products)


class _Session:
    """What a step needs, and what a checkpoint holds."""

    def __init__(self, model: PreTrainedModel, rows: Sequence[TrainingRow], settings: LoopSettings, plan: Plan) -> None:
        self._model = model
        self._rows = rows
        self._settings = settings
        self._plan = plan
        self._optimizers = optimizers_for(model, settings)
        self._shape = batch_shape(settings)
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._identity = _identity(rows, plan, settings)

    def step(self, step: int, cursor: int) -> StepMetrics:
        settings = self._settings
        drawn, cursor = gather(self._rows, self._plan, cursor=cursor, tokens=settings.batch_tokens)
        batches = lay_out(drawn, self._shape, device=self._weights[0].device)
        with attention_for(self._model, settings.batching, settings.attention):
            loss = accumulate(self._model, batches, precision=settings.precision, chunk=settings.loss_chunk)
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights, settings.optimizer.clip))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise StageError(
                f"the loss of step {step + 1} is {loss!r} with gradient norm {norm!r}; "
                "lower train.learning_rate, or train in float32"
            )
        rate = learning_rate(step, steps=settings.steps, config=settings.optimizer)
        set_learning_rate(self._optimizers, rate)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        tokens: dict[str, int] = {}
        trained: dict[str, int] = {}
        for row in drawn:
            tokens[row.source] = tokens.get(row.source, 0) + len(row)
            trained[row.source] = trained.get(row.source, 0) + row.trained
        return StepMetrics(
            step=step + 1,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=tokens,
            trained_tokens=trained,
            cursor=cursor,
        )

    def resume(self, folder: Path) -> Resumed:
        return resume_checkpoint(folder / "checkpoints", self._model, self._optimizers, identity=self._identity)

    def save(self, folder: Path, *, step: int, cursor: int) -> None:
        save_checkpoint(
            folder / "checkpoints", self._model, self._optimizers, step=step, cursor=cursor, identity=self._identity
        )


def _identity(rows: Sequence[TrainingRow], plan: Plan, settings: LoopSettings) -> str:
    """Digest what a checkpoint belongs to; how often checkpoints are written does not matter to it."""
    state = hashlib.sha256(settings.model_dump_json(exclude={"checkpoint_every"}).encode())
    for row in rows:
        state.update(row.input_ids.tobytes() + row.labels.tobytes() + row.source.encode())
    first = [plan(draw) for draw in range(min(len(rows), 1000))]
    return digest(state.hexdigest() + repr(first))


def _require_rows(rows: Sequence[TrainingRow], settings: LoopSettings) -> None:
    if not rows:
        raise StageError("there is no row to train on; see the drop reasons of the mix and train stages")
    longest = max(map(len, rows))
    if settings.batching == "packed" and longest > settings.row_tokens:
        raise StageError(
            f"a dialogue of {longest} tokens does not fit a packed row of {settings.row_tokens}; "
            "raise row_tokens or lower max_length"
        )


def _logs(folder: Path, step: int, stack: ExitStack) -> tuple[Appender[StepMetrics], Appender[StepSpeed]]:
    """Open the logs, less the lines of steps that are about to be done again."""
    metrics, speed = folder / "metrics.jsonl", folder / "speed.jsonl"
    if metrics.is_file():
        write_records(metrics, [line for line in read_records(metrics, StepMetrics) if line.step <= step])
    if speed.is_file():
        write_records(speed, [line for line in read_records(speed, StepSpeed) if line.step <= step])
    return stack.enter_context(Appender[StepMetrics](metrics)), stack.enter_context(Appender[StepSpeed](speed))
