"""Every tracker keeps what it is told, in files of this machine; one that is not installed says how to get it."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agenttuning.errors import MissingExtraError
from agenttuning.training.settings import Tracker
from agenttuning.training.trackers import open_tracker


def _log(kind: Tracker, folder: Path) -> None:
    with open_tracker(kind, folder=folder, name="night", config={"steps": 2, "model": "tiny-base"}) as tracker:
        for step, loss in ((1, 2.5), (2, 1.25)):
            tracker.log({"loss": loss, "tokens/agent": 300.0}, step=step)


def test_tensorboard_reads_the_steps_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra [tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _log("tensorboard", tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(scalar.step, scalar.value) for scalar in events.Scalars("loss")] == [(1, 2.5), (2, 1.25)]
    assert events.Tags()["scalars"] == ["loss", "tokens/agent"]


def test_wandb_keeps_a_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="needs the extra [wandb]")
    monkeypatch.setenv("WANDB_MODE", "offline")
    _log("wandb", tmp_path)
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    assert any(run.glob("*.wandb"))


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Some of these packages set up logging for the whole process."""
    before = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = before


@pytest.mark.usefixtures("quiet_logs")
def test_trackio_keeps_a_run_in_a_local_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    pytest.importorskip("trackio", reason="needs the extra [trackio]")
    _log("trackio", tmp_path)
    assert list(tmp_path.rglob("*.db"))


@pytest.mark.parametrize("kind", ["tensorboard", "trackio", "wandb"])
def test_a_missing_package_says_how_to_get_it(kind: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == kind or name == "torch.utils.tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'agenttuning\[{kind}\]'"):
        _log(kind, tmp_path)
