"""The sets of the original evaluation: rows by number from any file, right answers, and what is missing."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agenttuning.environments.worlds.rewoo.official import INDEX_FILE, SETS, Rows, interleaved, read_set
from agenttuning.environments.worlds.rewoo.plan import parse_plan
from agenttuning.environments.worlds.rewoo.rows import read_rows
from agenttuning.environments.worlds.rewoo.scoring import matches
from agenttuning.environments.worlds.rewoo.tools import CalculatorTool
from agenttuning.environments.worlds.rewoo.worker import Worker
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = [{"id": str(number), "question": f"Q{number}?", "answer": f"A{number}"} for number in range(10)]
TRIVIA = [
    {"question": row["question"], "answer": {"value": row["answer"], "aliases": ["x", "y"], "type": "t"}}
    for row in ROWS
]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif path.suffix == ".csv":
        path.write_text("input,target\n" + "".join(f'"{row["question"]}",{row["answer"]}\n' for row in rows))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".parts":
        path.mkdir()
        write(path / "train-00000-of-00002.parquet", rows[:4])
        write(path / "train-00001-of-00002.parquet", rows[4:])
        write(path / "validation-00000-of-00001.parquet", rows)
    else:
        path.write_text(lines)
    return path


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.csv", "r.parquet", "r.parts"])
def test_rows_come_by_number_in_the_order_asked_for(name: str, tmp_path: Path) -> None:
    found = read_rows(write(tmp_path / name, [*ROWS]), [7, 0, 9, 4], whole=10)
    assert [(row.question, row.answer) for row in found] == [(f"Q{n}?", f"A{n}") for n in (7, 0, 9, 4)]


@pytest.mark.parametrize("name", ["r.jsonl", "r.csv", "r.parquet", "r.parts"])
def test_another_split_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has 9 rows where 10 are expected: is it the train split"):
        read_rows(write(tmp_path / name, [*ROWS[:9]]), [1], whole=10)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("r.jsonl", b"{}\n", "of another format"),
        ("r.jsonl", b"{'a'}\n", "of another format"),
        ("r.jsonl", b"\xff\xfe\n", "cannot read"),
        ("r.jsonl.gz", b"\x1f\x8b", "cannot read"),
        ("r.parquet", b"PAR0", "no Parquet file"),
        ("r.none", None, "cannot read"),
    ],
)
def test_a_broken_file_is_named(name: str, content: bytes | None, told: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=told):
        read_rows(tmp_path / name, [0], whole=1)


def test_a_folder_without_parts_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no train\*\.parquet"):
        read_rows(tmp_path, [0], whole=1)


def test_the_sets_that_are_here_are_whole(official_data: Callable[[str], Path]) -> None:
    official_data("gsm8k")
    rows = Rows(official_data("rewoo"))
    names = rows.present()
    assert names == ["gsm8k", "strategy_qa", "physics_question", "sports_understanding", "sotu_qa"]
    for name in names:
        asked = read_set(name, rows)
        assert len({number for number, _ in asked}) == 50
        assert all(matches(question.golds[0], question.golds, match=question.match) for _, question in asked)
        assert all(parse_plan(question.plan).sound for _, question in asked)
    number, question = read_set("physics_question", rows)[1]
    assert (number, question.golds) == (25, ("7.91 m/s", "7.9 m/s"))
    turns = interleaved(names, rows)
    assert [name for name, _, _ in turns[:6]] == [*names, "gsm8k"]
    assert len(turns) == 250


def test_the_published_arithmetic_of_gsm8k_leads_to_the_answer(official_data: Callable[[str], Path]) -> None:
    official_data("gsm8k")
    worker = Worker({"Calculator": CalculatorTool()}, evidence_limit=100, seconds=5.0)
    asked = [question for _, question in read_set("gsm8k", Rows(official_data("rewoo")))]
    ends = [asyncio.run(worker.run(parse_plan(question.plan)))[-1] for question in asked]
    reached = [matches(end.text, question.golds, match="number") for end, question in zip(ends, asked, strict=True)]
    assert not any(end.failed for end in ends)
    assert sum(reached) >= 45


def test_missing_rows_say_what_to_bring(official_data: Callable[[str], Path]) -> None:
    rows = Rows(official_data("rewoo"))
    with pytest.raises(DataError, match=r"'hotpot_qa' are not in .* needs hotpot_qa = PATH of the 90,447 rows"):
        read_set("hotpot_qa", rows)


def test_rows_that_the_user_brings_are_asked_in_the_published_order(
    official_data: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = official_data("rewoo")
    numbers = json.loads((folder / INDEX_FILE).read_text())["trivia_qa_rc_nocontext_train"]
    whole = SETS["trivia_qa"].whole
    table = pa.table({
        "question": pa.array([f"Q{number}? " for number in range(whole)]),
        "answer": pa.array([{"value": f"A{number}", "aliases": [f"B{number}"]} for number in range(whole)]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "trivia.parquet")
    asked = read_set("trivia_qa", Rows(folder, (("trivia_qa", tmp_path / "trivia.parquet"),)))
    assert [number for number, _ in asked] == numbers
    assert asked[0][1].text == f"Q{numbers[0]}?"
    assert asked[0][1].golds == (f"A{numbers[0]}", f"B{numbers[0]}")


def test_the_index_must_be_there(tmp_path: Path) -> None:
    write(tmp_path / "strategy_qa.csv", [*ROWS])
    with pytest.raises(DataError, match="cannot read the row numbers"):
        read_set("strategy_qa", Rows(tmp_path))
    (tmp_path / INDEX_FILE).write_text('{"strategy_qa": [1]}')
    with pytest.raises(DataError, match="has no row numbers of hotpot_qa_fullwiki_train"):
        read_set("strategy_qa", Rows(tmp_path))
