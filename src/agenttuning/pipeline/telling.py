"""What a training run tells while it runs: a line of progress, and every step to the trackers that were asked for."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch

from agenttuning.pipeline.progress import progress
from agenttuning.training.flops import measured_flops, peak_flops, training_flops_per_token
from agenttuning.training.trackers import open_tracker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agenttuning.pipeline.progress import Advance
    from agenttuning.pipeline.train import TrainConfig
    from agenttuning.training.loop import OnStep, StepMetrics, StepSpeed
    from agenttuning.training.sizes import ModelSize
    from agenttuning.training.trackers import OpenTracker


@contextmanager
def telling(
    config: TrainConfig, *, size: ModelSize, device: torch.device, folder: Path, ranks: int = 1
) -> Iterator[OnStep]:
    """Open progress and trackers, and give what `fit` calls after every step; `ranks` have a device each."""
    with ExitStack() as stack:
        name, told = folder.parent.name, config.model_dump(mode="json")
        trackers = [
            stack.enter_context(open_tracker(kind, folder=folder, name=name, config=told)) for kind in config.report_to
        ]
        advance = stack.enter_context(progress("train", config.steps))
        yield _Steps(advance, trackers, Share(size, device, precision=config.precision, devices=ranks))


class Share:
    """The share of a device's rate that training reaches: MFU.

    A GPU is held against the bfloat16 rate that its maker states, a CPU (and a GPU that nobody has listed) against a
    plain matrix product, timed once for a tenth of a second with the threads and the precision of training.
    """

    def __init__(self, size: ModelSize, device: torch.device, *, precision: str, devices: int = 1) -> None:
        self._size, self._device, self._devices = size, device, devices
        self._type = getattr(torch, precision)
        self._peak: float | None = None

    def __call__(self, *, tokens_per_second: float, width: float) -> float:
        """Return the share at a speed; `width` is the mean length of the dialogues in tokens."""
        if self._peak is None:
            self._peak = peak_flops(self._device) or measured_flops(
                self._device, dtype=self._type, order=1024, seconds=0.1
            )
        return tokens_per_second * training_flops_per_token(self._size, width) / (self._devices * self._peak)


class _Steps:
    def __init__(self, advance: Advance, trackers: Sequence[OpenTracker], share: Share) -> None:
        self._advance, self._trackers, self._share = advance, trackers, share
        self._reported = self._cursor = 0

    def __call__(self, metrics: StepMetrics, speed: StepSpeed, /) -> None:
        # After a resume the first step's number of dialogues is not known: it stands for all before it.
        first = metrics.step - self._reported != 1
        dialogues = 0 if first else metrics.cursor - self._cursor
        steps, self._reported, self._cursor = metrics.step - self._reported, metrics.step, metrics.cursor
        note = f"loss {metrics.loss:.3f}  {speed.tokens_per_second:,.0f} tokens/s"
        values = {
            "loss": metrics.loss,
            "learning_rate": metrics.learning_rate,
            "gradient_norm": metrics.gradient_norm,
            "tokens_per_second": speed.tokens_per_second,
            **{f"tokens/{source}": float(count) for source, count in metrics.tokens.items()},
        }
        if dialogues:
            width = sum(metrics.tokens.values()) / dialogues
            values["mfu"] = self._share(tokens_per_second=speed.tokens_per_second, width=width)
            note += f"  MFU {values['mfu']:.0%}"
        self._advance(steps=steps, note=note)
        for tracker in self._trackers:
            tracker.log(values, step=metrics.step)
