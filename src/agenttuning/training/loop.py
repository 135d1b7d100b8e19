"""The training loop: thin, exact and resumable, on transformers models.

    tokenizer = train_tokenizer(texts, vocabulary=1000, max_length=2048)
    model = fresh_model(LlamaShape(), tokenizer, seed=0)
    corpus = tokenize_dialogues(CompactTemplate(tokenizer), dialogues, max_length=1024)  # (messages, source) pairs
    muon = OptimizerConfig(kind="muon", learning_rate=5e-3, schedule="flat-linear", warmup=0.05)
    settings = LoopSettings(steps=1000, batch_tokens=2048, optimizer=muon)
    fit(model, corpus.rows, settings=settings, on_step=print)        # in memory
    fit(model, corpus.rows, settings=settings, folder=Path("out"))   # with checkpoints; resumes by itself
    export(model, tokenizer, Path("out/model"))

Several processes train one model together (`training/parallel.py`): each takes its share of a step's rows, and the loss
is normalised by the trained tokens of all of them.
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
from agenttuning.training.parallel import ALONE, Ranks, idle_row
from agenttuning.training.settings import LoopSettings, OptimizerConfig
from agenttuning.training.step import accumulate, attention_for, batch_shape, gather, lay_out, require_plain_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel

    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.mixture import Plan
    from agenttuning.training.step import SummedLoss


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
    ranks: Ranks = ALONE,
    summed: SummedLoss | None = None,
) -> FitResult:
    """Train `model` in place on its own device; with several `ranks`, all of them call this alike.

    `plan` says which row each draw is; without one all rows are gone through in an order that is new each time.
    With a `folder`, checkpoints and metrics go there, and a call after a kill continues to the same last bit.

    Raises:
        StageError: no rows, a row longer than a packed row, or a loss that is no number.
        RunError: the folder's checkpoints belong to other data or settings.
    """
    _require_rows(rows, settings)
    if not ranks.sharded:
        require_plain_head(model)
    with ExitStack() as stack:
        stack.enter_context(arithmetic(settings))
        stack.enter_context(recomputed(model, settings.recompute))
        if settings.compile:
            stack.enter_context(compiled(model))
        following = plan or reshuffled(len(rows), seed=settings.seed)
        session = _Session(model, rows, settings, following, ranks=ranks, summed=summed)
        return _train(session, settings, folder=folder, on_step=on_step, stack=stack)


def _train(
    session: _Session, settings: LoopSettings, *, folder: Path | None, on_step: OnStep | None, stack: ExitStack
) -> FitResult:
    resumed = session.resume(folder) if folder else Resumed()
    log, speeds = open_logs(folder, resumed.step, stack) if folder and session.leads else (None, None)
    done = []
    cursor = resumed.cursor
    for step in range(resumed.step, settings.steps):
        began = time.monotonic()
        metrics = session.step(step, cursor)
        cursor = metrics.cursor
        seconds = time.monotonic() - began
        speed = StepSpeed(step=step + 1, seconds=seconds, tokens_per_second=sum(metrics.tokens.values()) / seconds)
        done.append(metrics)
        if log and speeds:
            log.append(metrics)
            speeds.append(speed)
        if folder and ((step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.steps):
            session.save(folder, step=step + 1, cursor=cursor)
        if on_step:
            on_step(metrics, speed)
    return FitResult(done, resumed)


@contextmanager
def arithmetic(settings: LoopSettings) -> Iterator[None]:
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

    def __init__(
        self,
        model: PreTrainedModel,
        rows: Sequence[TrainingRow],
        settings: LoopSettings,
        plan: Plan,
        *,
        ranks: Ranks,
        summed: SummedLoss | None,
    ) -> None:
        self._model = model
        self._ranks = ranks
        self._summed = summed
        self._rows = rows
        self._settings = settings
        self._plan = plan
        self._optimizers = optimizers_for(model, settings)
        self._shape = batch_shape(settings)
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._identity = ranks.tell(lambda: _identity(rows, plan, settings))
        self.leads = ranks.leads
        model.train()

    def step(self, step: int, cursor: int) -> StepMetrics:
        settings = self._settings
        drawn, cursor = gather(self._rows, self._plan, cursor=cursor, tokens=settings.batch_tokens)
        loss = self._backward(drawn, step=step)
        self._ranks.add_gradients(self._weights)
        norm = self._ranks.clip(self._weights, settings.optimizer.clip)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise StageError(
                f"the loss of step {step + 1} is {loss!r} with gradient norm {norm!r}; "
                "lower train.learning_rate, or train in float32"
            )
        self._ranks.reseed(settings.seed, step=step, together=True)
        rate = learning_rate(step, steps=settings.steps, config=settings.optimizer)
        set_learning_rate(self._optimizers, rate)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        tokens, trained = tokens_by_source(drawn)
        return StepMetrics(
            step=step + 1,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=tokens,
            trained_tokens=trained,
            cursor=cursor,
        )

    def _backward(self, drawn: Sequence[TrainingRow], *, step: int) -> float:
        """Add the gradient of this rank's share to the weights, and return the loss of the whole step."""
        settings, ranks = self._settings, self._ranks
        own = ranks.own(drawn)
        device = self._weights[0].device
        batches = lay_out(own, self._shape, device=device)
        if ranks.sharded:
            missing = ranks.most(len(batches)) - len(batches)
            batches += lay_out([idle_row()], self._shape, device=device) * missing
        trained = sum(row.trained for row in drawn)
        ranks.reseed(settings.seed, step=step)
        model, summed, chunk = self._model, self._summed, settings.loss_chunk
        precision = "float32" if ranks.sharded else settings.precision  # slices have a policy of their own
        with attention_for(model, settings.batching, settings.attention):
            part = accumulate(model, batches, precision=precision, chunk=chunk, trained=trained, summed=summed)
        loss, counted = ranks.total(part, sum(row.trained for row in own))
        assert counted == trained, f"the ranks hold different rows: {counted} trained tokens, not {trained}"
        return loss

    def resume(self, folder: Path) -> Resumed:
        checkpoints = folder / "checkpoints"
        identity, ranks = self._identity, self._ranks
        return resume_checkpoint(checkpoints, self._model, self._optimizers, identity=identity, ranks=ranks)

    def save(self, folder: Path, *, step: int, cursor: int) -> None:
        checkpoints, at = folder / "checkpoints", {"step": step, "cursor": cursor}
        identity, ranks = self._identity, self._ranks
        save_checkpoint(checkpoints, self._model, self._optimizers, **at, identity=identity, ranks=ranks)


def tokens_by_source(drawn: Sequence[TrainingRow]) -> tuple[dict[str, int], dict[str, int]]:
    """Count the tokens, and the trained ones among them, of every source."""
    tokens: dict[str, int] = {}
    trained: dict[str, int] = {}
    for row in drawn:
        tokens[row.source] = tokens.get(row.source, 0) + len(row)
        trained[row.source] = trained.get(row.source, 0) + row.trained
    return tokens, trained


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


def open_logs(folder: Path, step: int, stack: ExitStack) -> tuple[Appender[StepMetrics], Appender[StepSpeed]]:
    """Open the logs, less the lines of steps that are about to be done again."""
    metrics, speed = folder / "metrics.jsonl", folder / "speed.jsonl"
    if metrics.is_file():
        write_records(metrics, [line for line in read_records(metrics, StepMetrics) if line.step <= step])
    if speed.is_file():
        write_records(speed, [line for line in read_records(speed, StepSpeed) if line.step <= step])
    return stack.enter_context(Appender[StepMetrics](metrics)), stack.enter_context(Appender[StepSpeed](speed))
