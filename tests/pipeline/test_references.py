"""General tests are read in their authors' formats, and what is wrong with a file is named."""

from __future__ import annotations

import gzip
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from agenttuning.errors import DataError
from agenttuning.pipeline.references import GeneralTest, read_tests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MMLU = '"Find all c, so that\nx > c",1,2,N/A,None,B\nIs it?,yes,no,maybe,never,A'


@pytest.mark.parametrize(
    ("name", "form", "count", "first"),
    [
        ("gsm8k/test.jsonl", "gsm8k", 1319, "Janet\u2019s ducks lay 16 eggs per day."),
        ("gsm8k/train.jsonl.gz", "gsm8k", 7473, "Natalia sold clips"),
        ("humaneval/HumanEval.jsonl.gz", "humaneval", 164, "from typing import List"),
        ("gsm8k/", "gsm8k", 1319, "Janet\u2019s ducks lay 16 eggs per day."),
        ("humaneval/", "humaneval", 164, "from typing import List"),
        ("mt_bench/question.jsonl", "mt_bench", 80, "Compose an engaging travel blog post"),
        ("mmlu/mmlu.tar.xz", "mmlu", 14_042, "Find the degree for the given field extension"),
    ],
)
def test_the_official_files(official_data: Callable[[str], Path], name: str, form: str, count: int, first: str) -> None:
    folder, _, file = name.partition("/")
    path = official_data(folder) / file
    rows = list(read_tests(GeneralTest.model_validate({"path": path, "format": form})))
    assert len(rows) == len({row for row, _ in rows}) == count
    assert rows[0][1].strip().startswith(first)


def mmlu(path: Path) -> list[tuple[str, str]]:
    return list(read_tests(GeneralTest(path=path, format="mmlu")))


def test_mmlu_as_archive_folder_and_file(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "test"
    folder.mkdir(parents=True)
    (folder / "algebra_test.csv").write_text(MMLU)
    (folder / "algebra_dev.csv").write_text("not,read")
    archive = tmp_path / "mmlu.tar.xz"
    with tarfile.open(archive, "w:xz") as packed:
        packed.add(folder.parent, "data")
    expected = [
        ("algebra/1", "Find all c, so that\nx > c\n1\n2\nN/A\nNone"),
        ("algebra/2", "Is it?\nyes\nno\nmaybe\nnever"),
    ]
    assert mmlu(archive) == mmlu(folder.parent) == mmlu(folder / "algebra_test.csv") == expected


def test_lines_of_any_file_with_a_text_field(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl.gz"
    rows = [{"id": "x", "intent": "book a flight"}, {"intent": ["one", "two"]}]
    path.write_bytes(gzip.compress("\n\n".join(map(json.dumps, rows)).encode()))
    assert list(read_tests(GeneralTest(path=path, field="intent"))) == [("x", "book a flight"), ("3", "one\ntwo")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"question": "a"}\n{"qestion": "b"}', "own.jsonl:2 has no text in 'question' (did you mean 'qestion'?)"),
        (b'{"question": 3}', "its fields: question"),
        (b"[1]", "its fields: none"),
        (b'{"question": ', "own.jsonl:1 is no JSON"),
        (b"\xff\xfe{", "own.jsonl:1 is no JSON"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_tests(GeneralTest(path=path, format="gsm8k")))
    assert said in str(caught.value)


def test_damaged_archives_are_no_traceback(tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(b'{"question": "a"}\n' * 1000)[:-20])
    with pytest.raises(DataError, match="fetch it again"):
        list(read_tests(GeneralTest(path=torn, format="gsm8k")))
    noise = tmp_path / "mmlu.tar.xz"
    noise.write_bytes(b"noise")
    with pytest.raises(DataError, match="cannot be read as mmlu"):
        mmlu(noise)
    short = tmp_path / "short_test.csv"
    short.write_text("question,only")
    with pytest.raises(DataError, match="row 1 has 2 columns"):
        mmlu(short)


def test_a_plain_file_needs_a_field_and_the_others_have_theirs() -> None:
    for wrong in ({"path": "x"}, {"path": "x", "format": "gsm8k", "field": "text"}):
        with pytest.raises(ValidationError, match="needs `field`"):
            GeneralTest.model_validate(wrong)
