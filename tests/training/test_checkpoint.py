"""The newest checkpoint that is whole wins; broken ones are named; strangers are refused."""

import resource
from pathlib import Path

import pytest
import torch
from tests.models.tokenizers import compact_tokenizer
from tests.training.small import small_model

from agenttuning.errors import RunError
from agenttuning.training.checkpoint import resume_checkpoint, save_checkpoint
from agenttuning.training.export import export
from agenttuning.training.optimizer import build_optimizers
from agenttuning.training.settings import OptimizerConfig


def _save(folder: Path, *steps: int) -> None:
    for step in steps:
        model = small_model(seed=step)
        save_checkpoint(
            folder,
            model,
            build_optimizers(model, OptimizerConfig(kind="muon")),
            step=step,
            cursor=step * 10,
            identity="same",
        )


def _resume(folder: Path) -> tuple[int, int, tuple[str, ...], torch.Tensor]:
    model = small_model()
    optimizers = build_optimizers(model, OptimizerConfig(kind="muon"))
    found = resume_checkpoint(folder, model, optimizers, identity="same")
    return found.step, found.cursor, found.damaged, next(model.parameters())


def test_the_last_two_are_kept_and_the_newest_is_taken(tmp_path: Path) -> None:
    _save(tmp_path, 5, 10, 15)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000010", "step-000015"]
    step, cursor, damaged, weight = _resume(tmp_path)
    assert (step, cursor, damaged) == (15, 150, ())
    assert torch.equal(weight, next(small_model(seed=15).parameters()))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "no manifest", "torn manifest", "no state"])
def test_a_damaged_one_is_passed_over_and_named(tmp_path: Path, damage: str) -> None:
    _save(tmp_path, 5, 10)
    state, manifest = tmp_path / "step-000010" / "state.pt", tmp_path / "step-000010" / "manifest.json"
    data = state.read_bytes()
    if damage == "truncated":
        state.write_bytes(data[:-7])
    elif damage == "flipped":
        state.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "torn manifest":
        manifest.write_text(manifest.read_text()[:30])
    else:
        state.unlink()
    step, _, damaged, weight = _resume(tmp_path)
    assert (step, damaged) == (5, ("step-000010",))
    assert torch.equal(weight, next(small_model(seed=5).parameters()))


def test_nothing_to_resume_starts_at_the_beginning(tmp_path: Path) -> None:
    assert _resume(tmp_path / "none")[:3] == (0, 0, ())


def test_half_written_ones_are_not_seen(tmp_path: Path) -> None:
    _save(tmp_path, 5)
    (tmp_path / "step-000005").rename(tmp_path / ".step-000009.tmp")
    assert _resume(tmp_path)[0] == 0


def test_checkpoints_of_other_data_are_refused(tmp_path: Path) -> None:
    _save(tmp_path, 5)
    model = small_model()
    with pytest.raises(RunError, match="made from other data or settings"):
        resume_checkpoint(tmp_path, model, build_optimizers(model, OptimizerConfig(kind="muon")), identity="other")


def test_a_full_disk_is_told_and_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of a file fails a write as a full disk does."""
    _save(tmp_path, 5)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(RunError, match=r"cannot write .*step-000010: File too large; nothing finished is lost"):
            _save(tmp_path, 10)
        with pytest.raises(RunError, match=r"cannot write .*model: .*File too large"):
            export(small_model(), compact_tokenizer(), tmp_path / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".model")] == ["step-000005"]
    assert _resume(tmp_path)[0] == 5
