"""TRL's SFTTrainer as the oracle: on the same rows its losses, gradients and updates are ours."""

from pathlib import Path

import pytest
import torch
from tests.models.tokenizers import compact_tokenizer
from tests.training.small import random_rows, small_model

from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError, StageError
from agenttuning.training.loop import LoopSettings, OptimizerConfig, StepMetrics, fit
from agenttuning.training.mixture import reshuffled

pytest.importorskip("trl", reason="needs the extra [trl]")
from agenttuning.training.trl_backend import fit_with_trl, require_honoured

SETTINGS = LoopSettings(
    steps=4,
    batch_tokens=300,
    optimizer=OptimizerConfig(learning_rate=3e-3),
    batching="buckets",
    row_tokens=64,
    pass_tokens=150,
    precision="float32",
    checkpoint_every=2,
)
ROWS = random_rows(24)


def _trl(folder: Path, settings: LoopSettings) -> tuple[list[StepMetrics], torch.nn.Module]:
    model = small_model("sdpa")
    plan = reshuffled(len(ROWS), seed=0)
    result = fit_with_trl(model, compact_tokenizer(), ROWS, settings=settings, plan=plan, folder=folder)
    return result.metrics, model


@pytest.mark.parametrize("batching", ["buckets", "packed"])
def test_losses_gradients_and_updates_are_ours(batching: str, tmp_path: Path) -> None:
    """`buckets` are TRL's padded batches, `packed` its flattened ones (what `bfd` packing makes it do)."""
    settings = SETTINGS.model_copy(update={"batching": batching})
    ours_model = small_model("sdpa")
    ours = fit(ours_model, ROWS, settings=settings, plan=reshuffled(len(ROWS), seed=0)).metrics
    theirs, model = _trl(tmp_path, settings)
    assert len(theirs) == len(ours) == 4
    for mine, other in zip(ours, theirs, strict=True):
        assert other.loss == pytest.approx(mine.loss, abs=1e-5)
        assert other.gradient_norm == pytest.approx(mine.gradient_norm, rel=1e-4)
        changed = {"loss": mine.loss, "gradient_norm": mine.gradient_norm}
        assert other.model_copy(update=changed) == mine
    for weight, other_weight in zip(ours_model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(other_weight, weight, atol=1e-5, rtol=0.0)


def test_a_killed_run_goes_on_and_logs_no_step_twice(tmp_path: Path) -> None:
    """What a kill leaves that falls into the checkpoint of step 4: TRL does not write them atomically."""
    whole, _ = _trl(tmp_path, SETTINGS)
    (tmp_path / "checkpoints" / "checkpoint-4" / "trainer_state.json").write_text('{"epoch": 0.5, "glo')
    again, _ = _trl(tmp_path, SETTINGS)
    assert [step.step for step in again] == [3, 4]
    assert again == whole[2:]
    assert list(read_records(tmp_path / "metrics.jsonl", StepMetrics)) == whole


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"batching": "grouped"}, 'train.batching = "grouped" is an attention of our own loop'),
        ({"optimizer": OptimizerConfig(kind="muon")}, 'set train.optimizer = "adamw"'),
    ],
)
def test_what_trl_cannot_do_is_refused_by_name(changes: dict[str, object], told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        require_honoured(SETTINGS.model_copy(update=changes))


def test_several_ranks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RecipeError, match="runs in one process"):
        require_honoured(SETTINGS)


def test_a_loss_that_is_no_number_stops_at_once(tmp_path: Path) -> None:
    model = small_model("sdpa")
    with torch.no_grad():
        next(model.parameters())[:] = float("nan")
    plan = reshuffled(len(ROWS), seed=0)
    with pytest.raises(StageError, match=r"the loss of step 1 is nan"):
        fit_with_trl(model, compact_tokenizer(), ROWS, settings=SETTINGS, plan=plan, folder=tmp_path)
