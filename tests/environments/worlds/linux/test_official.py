"""The reader of the benchmark's files: every record, the quirks of some, and words for what is no record."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.environments.worlds.linux.needs import needs
from agenttuning.environments.worlds.linux.official import count_items, read_items
from agenttuning.environments.worlds.linux.problem import Comparison, Example, Match, Script
from agenttuning.environments.worlds.linux.programs import EXPRESSIONS
from agenttuning.errors import DataError

ITEM = {
    "description": "How many?",
    "create": {"init": ["a", {"code": "b", "language": "python"}]},
    "start": "cd /tmp",
    "evaluation": {"check": [None, {"language": "python", "file": "check/in.py"}, "exit 0"], "example": "echo 1"},
}


def write(folder: Path, *items: object, name: str = "items.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(list(items)))
    return file


def test_every_record_of_the_benchmark_is_read(official_data: Callable[[str], Path]) -> None:
    folder = official_data("os_interaction")
    counts = count_items(folder)
    assert counts == {"std": 100, "dev": 26, "training": 1000, "training-200": 200}
    standard = list(read_items(folder, split="std"))
    assert len({item.name for item in standard}) == 100
    assert [item.name for item in standard if item.name.startswith("7/")][:3] == [
        "7/bootstrap-0",
        "7/bootstrap-2",
        "7/bootstrap-4",
    ]
    without = [item.name for item in standard if item.evaluation.example is None]
    assert without == ["4/N41-0", "4/N41-1", "4/N41-2", "4/N41-3"]
    assert sum(item.evaluation.match is not None for item in standard) == 9


def test_the_folder_data_and_single_files_are_sources_too(official_data: Callable[[str], Path]) -> None:
    folder = official_data("os_interaction")
    assert count_items(folder / "data")["std"] == 100
    assert count_items(folder / "data" / "dev.json") == {"dev": 26}
    assert count_items(folder / "train_0317" / "training.json.gz") == {"training": 1000, "training-200": 200}


def test_the_sample_of_training_is_fixed_and_part_of_it(official_data: Callable[[str], Path]) -> None:
    folder = official_data("os_interaction")
    sample = [item.name for item in read_items(folder, split="training-200")]
    assert sample == [item.name for item in read_items(folder, split="training-200")]
    assert set(sample) < {item.name for item in read_items(folder, split="training")}


def test_a_list_in_create_is_no_preparation(official_data: Callable[[str], Path]) -> None:
    items = list(read_items(official_data("os_interaction"), split="dev"))
    assert items[10].setup == ()
    assert items[10].image == "default"


def test_what_items_need_is_named(official_data: Callable[[str], Path]) -> None:
    folder = official_data("os_interaction")
    found = {item.name: needs(item) for split in ("std", "dev") for item in read_items(folder, split=split)}
    assert found["6/new-6"] == ("sudo",)
    assert found["4/N4-0"] == ("chown", "useradd")
    assert found["3/ac-4"] == ("npm",)
    assert found["1/stock-0"] == found["dev-7"] == ()


def test_a_record_is_read_in_full(tmp_path: Path) -> None:
    (item,) = read_items(write(tmp_path, ITEM), split="items")
    assert item.name == "items-0"
    assert item.setup == (Script(code="a"), Script(code="b", language="python"))
    assert item.start == "cd /tmp"
    assert item.evaluation.check == (Example(), Comparison(compare="in"), Script(code="exit 0"))
    assert item.evaluation.example == Script(code="echo 1")


@pytest.mark.parametrize(
    ("match", "answer", "verdict"),
    [
        ("yes", " yes\n", True),
        ("yes", "Yes", False),
        ("yes", None, False),
        ({"answer": "yes", "strip": False}, "yes ", False),
        ({"regex": "^[0-9]+$"}, " 42 ", True),
        ({"regex": "^[0-9]+$", "strip": False}, " 42 ", False),
        ({"answer": "None"}, None, False),
    ],
)
def test_match_judges_the_answers_text(tmp_path: Path, match: object, answer: str | None, verdict: bool) -> None:
    (item,) = read_items(write(tmp_path, ITEM | {"evaluation": {"match": match}}), split="items")
    assert isinstance(item.evaluation.match, Match)
    assert item.evaluation.match.accepts(answer) is verdict


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[{}]", "no list of items"),
        (b"{", "cannot read"),
        (json.dumps([ITEM | {"evaluation": {"check": {"file": "check/no.py"}}}]).encode(), "unknown program 'check/no"),
        (json.dumps([ITEM | {"evaluation": {"check": {"code": "x", "language": "c++"}}}]).encode(), "'c\\+\\+'"),
    ],
)
def test_what_is_no_item_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "items.json").write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(read_items(tmp_path / "items.json", split="items"))


def test_a_torn_archive_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no operating-system data"):
        count_items(tmp_path)
    torn = tmp_path / "training.json.gz"
    torn.write_bytes(gzip.compress(b"[]")[:10])
    with pytest.raises(DataError, match="cannot read"):
        count_items(torn)
    with pytest.raises(DataError, match="no split 'dav'"):
        read_items(write(tmp_path, ITEM, name="dev.json"), split="dav")


@pytest.mark.parametrize(("expression", "value"), EXPRESSIONS)
def test_the_arithmetic_of_calc_is_right(expression: str, value: float) -> None:
    assert eval(expression) == pytest.approx(value)
