"""Trains a dropout model into a folder; the test of resuming kills it. Usage: kill_me.py FOLDER KILL_AT_STEP."""

import os
import signal
import sys
from pathlib import Path

from tests.models.tokenizers import compact_tokenizer
from tests.training.small import random_rows, small_model

from agenttuning.training.export import export
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, StepSpeed, fit


def train(folder: Path, *, kill_at: int) -> None:
    """Train 14 steps, or die at once after `kill_at`; 0 never dies."""
    model = small_model()
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.1
    settings = LoopSettings(
        steps=14,
        batch_tokens=120,
        optimizer=OptimizerConfig(kind="muon", learning_rate=1e-2),
        precision="float32",
        checkpoint_every=4,
    )

    def on_step(metrics: StepMetrics, speed: StepSpeed) -> None:
        if metrics.step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    fit(model, random_rows(30), settings=settings, folder=folder, on_step=on_step)
    export(model, compact_tokenizer(), folder / "model")


if __name__ == "__main__":
    train(Path(sys.argv[1]), kill_at=int(sys.argv[2]))
