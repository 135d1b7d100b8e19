"""The GPU benchmark runs as it is, on a tiny shape on a CPU; a row that cannot run is a row."""

import json
from pathlib import Path

import pytest
import torch
from benchmarks import train_gpu
from benchmarks.train_gpu import ROWS, SHAPES, Result, dialogues, main, settings_of

NAMES = ("full, not compiled", "full, flex", "full, float32 weights and states, recompute all", "lora, not compiled")


def test_rows_run_or_say_why_not(tmp_path: Path) -> None:
    arguments = ["--shape", "tiny", "--device", "cpu", "--seconds", "0.01", "--to", str(tmp_path)]
    results = main([*arguments, "--rows", ";".join(NAMES)])
    found = {result.name: result for result in results}
    assert set(found) == set(NAMES)
    assert found["full, flex"].outcome.startswith("train.attention='flex' needs a GPU")
    for name in set(NAMES) - {"full, flex"}:
        ran = found[name]
        assert ran.outcome == "ran"
        assert ran.steps >= 3
        assert 0 < ran.mfu_products < ran.mfu  # type: ignore[operator]
        assert "attention, element-wise work, launches" in ran.limit
    facts = json.loads((tmp_path / "train_gpu.json").read_text())
    assert [row["name"] for row in facts["rows"]] == [result.name for result in results]
    assert facts["ceilings"]["product"] > 0 < facts["ceilings"]["copy"]
    table = (tmp_path / "train_gpu.md").read_text()
    assert table.count("\n| ") == len(NAMES) + 2
    assert torch.__version__ in table


def test_one_row_without_memory_or_time_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object, **__: object) -> Result:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(train_gpu, "_measured", full)
    arguments = ["--shape", "tiny", "--device", "cpu", "--to", str(tmp_path)]
    assert [result.outcome for result in main([*arguments, "--rows", "full;lora"])] == ["out of memory"] * 2
    late = main([*arguments, "--minutes", "-1"])
    assert [result.outcome for result in late] == ["not run: out of time"] * len(ROWS)


def test_rows_are_possible_settings_and_dialogues_fit() -> None:
    shape = SHAPES["llama-2-7b"]
    for row in ROWS:
        assert settings_of(row, shape).batch_tokens == 12 * 4096
    lengths = [len(one) for one in dialogues(shape, count=400)]
    assert max(lengths) <= 4096
    assert 900 < sum(lengths) / len(lengths) < 1300
