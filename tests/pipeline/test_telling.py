"""What training tells on the way: speed, share of the machine, loss; and every step to the trackers."""

from pathlib import Path

import pytest
import torch
from tests.pipeline.test_train import FRESH

from agenttuning.core.run import OPERATIONAL
from agenttuning.models.shape import LlamaShape
from agenttuning.pipeline.telling import Share, telling
from agenttuning.pipeline.train import TrainConfig
from agenttuning.training.flops import training_flops_per_token
from agenttuning.training.loop import StepMetrics, StepSpeed
from agenttuning.training.sizes import fresh_size

SIZE = fresh_size(LlamaShape(hidden=32, layers=2, heads=2, feed_forward=48), vocabulary=300)
CPU = torch.device("cpu")


def _step(number: int, *, cursor: int) -> tuple[StepMetrics, StepSpeed]:
    metrics = StepMetrics(
        step=number,
        loss=3.0 / number,
        learning_rate=1e-3,
        gradient_norm=1.0,
        tokens={"agent": 300, "chat": 100},
        trained_tokens={"agent": 30, "chat": 10},
        cursor=cursor,
    )
    return metrics, StepSpeed(step=number, seconds=0.1, tokens_per_second=4000.0)


def test_the_share_is_that_of_the_measured_rate() -> None:
    share = Share(SIZE, CPU, precision="float32")
    slow, fast = (share(tokens_per_second=speed, width=50.0) for speed in (100.0, 200.0))
    assert 0 < slow < 1
    assert fast == pytest.approx(2 * slow)
    wide = share(tokens_per_second=100.0, width=500.0)
    assert wide / slow == pytest.approx(training_flops_per_token(SIZE, 500.0) / training_flops_per_token(SIZE, 50.0))


def test_the_line_tells_loss_speed_share_and_time_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agenttuning.pipeline.progress.PLAIN_SECONDS", 0.0)
    config = TrainConfig.model_validate({**FRESH, "steps": 3})
    with telling(config, size=SIZE, device=CPU, folder=tmp_path / "run" / "6-train") as on_step:
        for number in (1, 2):
            on_step(*_step(number, cursor=8 * number))
    line = capsys.readouterr().err.splitlines()[1]
    assert line.startswith("train: 2/3, ")
    assert " s left, loss 1.500  4,000 tokens/s  MFU " in line
    assert line.endswith("%")


def test_every_step_goes_to_the_trackers(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra [tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = TrainConfig.model_validate({**FRESH, "report_to": ["tensorboard"]})
    folder = tmp_path / "run" / "6-train"
    with telling(config, size=SIZE, device=CPU, folder=folder) as on_step:
        on_step(*_step(7, cursor=70))
        on_step(*_step(8, cursor=78))
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [scalar.step for scalar in events.Scalars("loss")] == [7, 8]
    assert [scalar.step for scalar in events.Scalars("mfu")] == [8]
    assert {"learning_rate", "gradient_norm", "tokens_per_second", "tokens/agent"} <= set(events.Tags()["scalars"])


def test_where_a_run_reports_to_may_change_on_resume() -> None:
    assert OPERATIONAL in TrainConfig.model_fields["report_to"].metadata
