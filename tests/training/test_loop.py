"""Training learns, logs what it saw, and goes on after a kill as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.training.kill_me import train
from tests.training.small import random_rows, small_model

from agenttuning.core.store import content_digest
from agenttuning.errors import RunError, StageError
from agenttuning.training.loop import LoopSettings, OptimizerConfig, fit
from agenttuning.training.mixture import in_order

ROOT = Path(__file__).parents[2]
SETTINGS = LoopSettings(
    steps=12,
    batch_tokens=150,
    optimizer=OptimizerConfig(kind="muon", learning_rate=2e-2, schedule="flat-linear"),
    precision="float32",
    checkpoint_every=5,
)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("batching", ["buckets", "packed"])
def test_a_few_rows_are_learned_by_heart(kind: str, precision: str, batching: str) -> None:
    optimizer = OptimizerConfig.model_validate({"kind": kind, "learning_rate": 2e-2, "schedule": "constant"})
    changes = {"steps": 40, "optimizer": optimizer, "precision": precision, "batching": batching, "row_tokens": 64}
    losses = [step.loss for step in fit(small_model(), random_rows(4), settings=_with(**changes)).metrics]
    assert losses[-1] < 0.35 * losses[0]


def _with(**changes: object) -> LoopSettings:
    return SETTINGS.model_copy(update=changes)


def test_metrics_say_what_was_seen(tmp_path: Path) -> None:
    rows = random_rows(10)
    result = fit(small_model(), rows, settings=SETTINGS, plan=in_order(10), folder=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert [line["loss"] for line in lines] == [step.loss for step in result.metrics]
    drawn = [rows[index % 10] for index in range(result.metrics[-1].cursor)]
    for source in ("agent", "general"):
        assert sum(line["tokens"][source] for line in lines) == sum(len(row) for row in drawn if row.source == source)
        assert sum(line["trained_tokens"][source] for line in lines) == sum(
            row.trained for row in drawn if row.source == source
        )
    assert not {"seconds", "tokens_per_second"} & lines[0].keys()
    assert len((tmp_path / "speed.jsonl").read_text().splitlines()) == 12


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    fit(small_model(), random_rows(10), settings=SETTINGS, folder=tmp_path)
    model = small_model()
    again = fit(model, random_rows(10), settings=SETTINGS, folder=tmp_path)
    assert again.metrics == []
    assert again.resumed.step == 12
    assert not torch.equal(next(model.parameters()), next(small_model().parameters()))


def test_the_callers_arithmetic_is_given_back() -> None:
    """A stage after training computes as it would in a process of its own."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    random = torch.get_rng_state()
    fit(small_model(), random_rows(3), settings=_with(steps=1, precision="bfloat16", threads=2))
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before
    assert torch.equal(torch.get_rng_state(), random)


def test_the_seed_decides_what_dropout_drops() -> None:
    losses = []
    for seed, before in ((1, 10), (1, 20), (2, 10)):
        torch.manual_seed(before)
        model = small_model()
        for layer in model.model.layers:
            layer.self_attn.attention_dropout = 0.3
        result = fit(model, random_rows(3), settings=_with(steps=2, seed=seed), plan=in_order(3))
        losses.append([step.loss for step in result.metrics])
    assert losses[0] == losses[1] != losses[2]


def test_other_rows_or_settings_do_not_resume(tmp_path: Path) -> None:
    fit(small_model(), random_rows(10), settings=SETTINGS, folder=tmp_path)
    for rows, settings in ((random_rows(10, seed=1), SETTINGS), (random_rows(10), _with(batch_tokens=151))):
        with pytest.raises(RunError, match="other data or settings"):
            fit(small_model(), rows, settings=settings, folder=tmp_path)


def test_impossible_work_is_told() -> None:
    with pytest.raises(StageError, match="no row to train on"):
        fit(small_model(), [], settings=SETTINGS)
    with pytest.raises(StageError, match="does not fit a packed row of 8"):
        fit(small_model(), random_rows(4), settings=_with(batching="packed", row_tokens=8))


def test_a_loss_that_is_no_number_stops_at_once() -> None:
    model = small_model()
    with torch.no_grad():
        next(model.parameters())[:] = float("nan")
    with pytest.raises(StageError, match=r"the loss of step 1 is nan .* lower train\.learning_rate"):
        fit(model, random_rows(4), settings=SETTINGS)


@pytest.mark.slow
def test_kill_and_resume_is_bit_exact(tmp_path: Path) -> None:
    """SIGKILL after step 10, checkpoints every 4: steps 9 and 10 are done twice and logged once."""
    train(tmp_path / "whole", kill_at=0)
    script = ROOT / "tests" / "training" / "kill_me.py"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    command = (sys.executable, str(script), str(tmp_path / "killed"), "10")
    killed = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=240)
    assert killed.returncode == -signal.SIGKILL
    assert len((tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()) == 10
    assert (tmp_path / "killed" / "checkpoints" / "step-000008" / "state.pt").is_file()
    train(tmp_path / "killed", kill_at=0)
    logs = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "killed")]
    assert logs[0] == logs[1]
    assert content_digest(tmp_path / "whole" / "model") == content_digest(tmp_path / "killed" / "model")
