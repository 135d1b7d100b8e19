"""TRL's SFTTrainer on our rows, in our order: for its ecosystem, and as the oracle of our own loop.

What is trained stays ours: the tokens and the mask (TRL takes a `labels` column as it is), which rows make a step, the
optimiser and its schedule. TRL's are the forward pass, the loss, the loop and the checkpoints. An item of its data
loader is a whole step, because the rows of a step, not the number of its passes, are what the plan fixes.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from agenttuning.errors import MissingExtraError, RecipeError, StageError
from agenttuning.training.checkpoint import Resumed
from agenttuning.training.loop import FitResult, StepMetrics, StepSpeed, arithmetic, open_logs, tokens_by_source
from agenttuning.training.optimizer import build_optimizers, learning_rate
from agenttuning.training.packing import plan_batches
from agenttuning.training.settings import LoopSettings
from agenttuning.training.step import gather

try:
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from datasets import Dataset
except ImportError as missing:
    raise MissingExtraError("train.backend = \"trl\" needs TRL; run `pip install 'agenttuning[trl]'`") from missing

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agenttuning.training.loop import OnStep
    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.mixture import Plan

HONOURED = frozenset(
    {
        "steps", "batch_tokens", "optimizer", "batching", "row_tokens", "pass_tokens", "precision", "threads",
        "checkpoint_every", "seed",
    }
)  # fmt: skip
"""Keys of `LoopSettings` that mean the same here."""

_REWRITTEN = ("use_cache", "bos_token_id", "eos_token_id", "pad_token_id")
"""What the trainer writes into the configuration of a model, and an export must not say."""


def require_honoured(settings: LoopSettings) -> None:
    """Refuse what TRL would not do as asked, by name.

    Raises:
        RecipeError: a setting that has no meaning here.
    """
    if settings.optimizer.kind != "adamw":
        raise RecipeError(
            'train.backend = "trl" takes one optimiser; set train.optimizer = "adamw", or backend = "own"'
        )
    if settings.batching == "grouped":
        raise RecipeError(
            'train.batching = "grouped" is an attention of our own loop; '
            'with train.backend = "trl" choose "buckets" (padded) or "packed" (flattened)'
        )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RecipeError('train.backend = "trl" runs in one process; for several ranks set train.backend = "own"')
    for name, field in LoopSettings.model_fields.items():
        value = getattr(settings, name)
        if name not in HONOURED and value != field.get_default(call_default_factory=True):
            raise RecipeError(f'train.backend = "trl" cannot honour train.{name}={value!r}; set train.backend = "own"')


def fit_with_trl(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[TrainingRow],
    *,
    settings: LoopSettings,
    plan: Plan,
    folder: Path,
    on_step: OnStep | None = None,
) -> FitResult:
    """Train `model` in place, as `loop.fit` does; checkpoints in `folder` are TRL's own.

    Raises:
        RecipeError: a setting that TRL cannot honour.
        StageError: a loss that is no number.
    """
    require_honoured(settings)
    checkpoints = folder / "checkpoints"
    last, done = _last_whole(checkpoints)
    config = {name: getattr(model.config, name) for name in _REWRITTEN}
    steps = _Steps(rows, plan, settings)
    with ExitStack() as stack:
        stack.enter_context(arithmetic(settings))
        log, speeds = open_logs(folder, done, stack)
        finished: list[StepMetrics] = []

        def on_finished(metrics: StepMetrics, speed: StepSpeed) -> None:
            finished.append(metrics)
            log.append(metrics)
            speeds.append(speed)
            if on_step:
                on_step(metrics, speed)

        trainer = _Trainer(model, tokenizer, steps, settings=settings, checkpoints=checkpoints, on_finished=on_finished)
        trainer.train(resume_from_checkpoint=last)
    for name, value in config.items():
        setattr(model.config, name, value)
    return FitResult(finished, Resumed(done, steps.draws[done].start if done < len(steps) else steps.draws[-1].stop))


def _last_whole(checkpoints: Path) -> tuple[str | None, int]:
    """Return the newest checkpoint and its step; one without a readable state, which is written last, was cut short."""
    for path in sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]), reverse=True):
        try:
            return str(path), TrainerState.load_from_json(str(path / TRAINER_STATE_NAME)).global_step
        except (OSError, ValueError):
            continue
    return None, 0


class _Steps(Sequence[list[list["TrainingRow"]]]):
    """The passes of every step, each a list of rows."""

    def __init__(self, rows: Sequence[TrainingRow], plan: Plan, settings: LoopSettings) -> None:
        self._rows, self._plan, self._settings = rows, plan, settings
        self.draws: list[range] = []
        cursor = 0
        for _ in range(settings.steps):
            start = cursor
            _, cursor = gather(rows, plan, cursor=cursor, tokens=settings.batch_tokens)
            self.draws.append(range(start, cursor))

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, step: int) -> list[list[TrainingRow]]:  # type: ignore[override]  # a data loader never slices
        drawn = [self._rows[self._plan(draw)] for draw in self.draws[step]]
        limit = max(self._settings.pass_tokens, self._settings.row_tokens)
        batching = self._settings.batching
        layout = plan_batches([len(row) for row in drawn], batching=batching, width=limit, limit=limit)
        return [[drawn[index] for row in rows for index in row] for rows in layout]


class _Trainer(SFTTrainer):
    """SFTTrainer whose data loader gives whole steps."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        steps: _Steps,
        *,
        settings: LoopSettings,
        checkpoints: Path,
        on_finished: OnStep,
    ) -> None:
        (optimizer,) = build_optimizers(model, settings.optimizer)
        peak = settings.optimizer.learning_rate
        self._steps, self._settings, self._on_finished = steps, settings, on_finished
        self._began, self._loss = time.monotonic(), 0.0
        super().__init__(
            model=model,
            args=_arguments(settings, device=model.device, checkpoints=checkpoints),
            # TRL looks at the first row to learn the columns; all rows come from our own loader.
            train_dataset=Dataset.from_list([_columns(steps[0][0][0])]),
            processing_class=tokenizer,
            optimizers=(optimizer, LambdaLR(optimizer, lambda step: self._rate(step) / peak)),
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader[dict[str, object]]:
        return DataLoader(self._steps, batch_size=1, shuffle=False, collate_fn=self._collate)  # type: ignore[arg-type]  # any sequence will do

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, object],
        num_items_in_batch: object = None,  # noqa: ARG002 - counted here over all passes
    ) -> torch.Tensor:
        """Take all passes of a step; the loss is the mean over the trained tokens of the step."""
        trained, passes = cast("tuple[int, list[object]]", (inputs["trained"], inputs["passes"]))
        count = torch.tensor(trained)
        losses = [super(_Trainer, self).training_step(model, one, count) for one in passes]  # type: ignore[no-untyped-call]  # TRL's
        loss = torch.stack(losses).sum()
        self._loss = float(loss)
        if not math.isfinite(self._loss):
            raise StageError(
                f"the loss of step {self.state.global_step + 1} is {self._loss!r}; "
                "lower train.learning_rate, or train in float32"
            )
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Tell of a finished step; the sums at the end of training are left to `metrics.jsonl`."""
        super().log(logs, start_time)
        if "grad_norm" not in logs:
            return
        step = int(self.state.global_step)
        tokens, trained = tokens_by_source([row for rows in self._steps[step - 1] for row in rows])
        metrics = StepMetrics(
            step=step,
            loss=self._loss,
            learning_rate=self._rate(step - 1),
            gradient_norm=float(logs["grad_norm"]),
            tokens=tokens,
            trained_tokens=trained,
            cursor=self._steps.draws[step - 1].stop,
        )
        seconds = time.monotonic() - self._began
        self._began += seconds
        speed = StepSpeed(step=step, seconds=seconds, tokens_per_second=sum(tokens.values()) / seconds)
        self._on_finished(metrics, speed)

    def floating_point_ops(self, inputs: object) -> int:  # noqa: ARG002 - Trainer's own signature
        """Leave the count to the run, which knows the lengths of the dialogues."""
        return 0

    def create_model_card(self, *_: object, **__: object) -> None:
        """Write none: the run writes its own."""

    def _rate(self, step: int) -> float:
        return learning_rate(step, steps=self._settings.steps, config=self._settings.optimizer)

    def _collate(self, items: list[list[list[TrainingRow]]]) -> dict[str, object]:
        (passes,) = items
        return {
            "passes": [self.data_collator([_columns(row) for row in rows]) for rows in passes],
            "trained": sum(row.trained for rows in passes for row in rows),
        }


def _columns(row: TrainingRow) -> dict[str, list[int]]:
    return {"input_ids": row.input_ids.tolist(), "labels": row.labels.tolist()}


def _arguments(settings: LoopSettings, *, device: torch.device, checkpoints: Path) -> SFTConfig:
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=settings.steps,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        padding_free=settings.batching == "packed",
        per_device_train_batch_size=2,
        gradient_accumulation_steps=1,
        max_grad_norm=settings.optimizer.clip,
        bf16=settings.precision == "bfloat16",
        use_cpu=device.type == "cpu",
        activation_checkpointing=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        save_steps=settings.checkpoint_every,
        save_total_limit=2,
        seed=settings.seed,
    )
