from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.pipeline.general_tests import files

from agenttuning.errors import DataError
from agenttuning.pipeline.general_tests.items import SHOT_ROWS, gsm8k_shots, read_gsm8k, read_humaneval, read_mmlu

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_cells_that_read_none_stay_text(tmp_path: Path) -> None:
    items = read_mmlu(files.mmlu(tmp_path), "test")
    assert [item.id for item in items] == [
        "astronomy-0", "astronomy-1", "world_religions-0", "world_religions-1", "world_religions-2",
    ]  # fmt: skip
    assert items[0].choices[0] == "None"
    assert items[0].question == "Which way, 0?\nSay it."
    assert [item.answer for item in items] == [1, 0, 3, 2, 0]


def test_calculator_marks_and_commas_go(tmp_path: Path) -> None:
    item = read_gsm8k(files.gsm8k(tmp_path), "test")[0]
    assert item.solution == "998+2=1000"
    assert item.answer == "1000"


def test_the_shots_are_the_named_rows(tmp_path: Path) -> None:
    shots = gsm8k_shots(files.gsm8k(tmp_path))
    assert [shot.id for shot in shots] == [f"train-{row}" for row in SHOT_ROWS]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("test.jsonl", '{"question": "q", "answer": "no mark"}\n', "row 1 has no question, or no answer"),
        ("test.jsonl", "[1]\n", "test.jsonl:1 is no JSON object"),
        ("test.jsonl", '{"question": \n', "cannot read"),
        ("other.jsonl", "", "no test.jsonl or test.jsonl.gz"),
    ],
)
def test_faulty_files_are_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=told):
        read_gsm8k(tmp_path, "test")


def test_a_short_training_split_has_no_shots(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the few-shots want row 6011"):
        gsm8k_shots(files.gsm8k(tmp_path, train=10))


def test_a_faulty_choice_is_named(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "x_dev.csv").write_text("q,a,b,c,d,E\n")
    with pytest.raises(DataError, match=r"x_dev.csv row 1"):
        read_mmlu(tmp_path, "dev")
    with pytest.raises(DataError, match="no MMLU files test/"):
        read_mmlu(tmp_path, "test")


def test_a_programming_item_without_tests_is_named(tmp_path: Path) -> None:
    path = files.humaneval(tmp_path) / "HumanEval.jsonl"
    path.write_text(path.read_text().replace('"test"', '"tests"'))
    with pytest.raises(DataError, match="row 0, test"):
        read_humaneval(tmp_path)


def test_the_official_files_are_read_whole(official_data: Callable[[str], Path]) -> None:
    assert len(read_humaneval(official_data("humaneval"))) == 164
    assert len(read_gsm8k(official_data("gsm8k"), "test")) == 1319
    test = read_mmlu(official_data("mmlu"), "test")
    assert len(test) == 14_042
    assert len({item.subject for item in test}) == 57
    assert sum("None" in item.choices or "N/A" in item.choices for item in test) >= 10
    assert len(read_mmlu(official_data("mmlu"), "dev")) == 285
    assert [shot.answer for shot in gsm8k_shots(official_data("gsm8k"))][:5] == ["20", "817", "28", "20800", "4"]
