"""The benchmark's own files, and its published gold on both databases."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.environments.held_in.database import DatabaseConfig
from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.official import OfficialRow, count_rows, read_rows
from agenttuning.environments.worlds.sql.sqlite import SqliteDatabase
from agenttuning.environments.worlds.sql.table import Table, table_hash
from agenttuning.errors import DataError

Find = Callable[[str], Path]
LINE = {
    "description": "What is b of 1?",
    "add_description": "Table t: a, b.",
    "type": ["other"],
    "label": [2],
    "table": {"table_name": "t", "table_info": {"columns": [{"name": "a"}, {"name": "b"}], "rows": [["1", 2]]}},
}


def test_the_files_have_the_published_counts_and_kinds(official_data: Find) -> None:
    path = official_data("dbbench")
    assert count_rows(path) == {"dev": 60, "standard": 150}
    kinds = [row.kind for row in read_rows(path, split="standard")]
    assert [kinds.count(kind) for kind in ("INSERT", "UPDATE", "other", "counting")] == [50, 50, 9, 8]


def test_the_half_file_keeps_the_benchmarks_numbers(official_data: Find) -> None:
    indices = [row.index for row in read_rows(official_data("dbbench"), split="standard")]
    assert indices == list(range(0, 300, 2))


def test_a_file_is_a_split_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(LINE) + "\n")
    assert count_rows(path) == {"mine": 1}
    (row,) = read_rows(path, split="mine")
    assert row == OfficialRow(
        index=0,
        kind="other",
        question="What is b of 1?",
        hint="Table t: a, b.",
        table=Table(name="t", columns=("a", "b"), rows=(("1", "2"),)),
        label=("2",),
        answer_hash=None,
    )


@pytest.mark.parametrize(
    ("name", "text", "split", "reason"),
    [
        ("dev.jsonl", "{}\n", "dev", r"dev.jsonl:1 is no row of dbbench: description"),
        ("dev.jsonl", "not json\n", "dev", r"dev.jsonl:1 is no row of dbbench: line"),
        ("dev.jsonl", "", "dve", r"no split 'dve' \(did you mean 'dev'\?\)"),
        ("other.txt", "", "dev", r"no dbbench data at .*; name a file or a folder with dev.jsonl"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, name: str, text: str, split: str, reason: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=reason):
        list(read_rows(tmp_path, split=split))


async def _hashes(rows: list[OfficialRow], backend: str) -> list[str]:
    """Return the rows whose gold statement does not lead to the gold hash."""
    from agenttuning.environments.held_in.database import connect

    wrong = []
    for row in rows:
        database = connect(row.table, backend=DatabaseConfig.model_validate({"backend": backend}).backend)
        await database.open()
        result = await database.execute(row.label[0])
        after = await database.table_rows()
        await database.close()
        if isinstance(result, SqlError) or after is None or table_hash(after) != row.answer_hash:
            wrong.append(f"{row.index}: {result}")
    return wrong


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def test_published_changes_lead_to_the_published_hash(
    official_data: Find, backend: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(f"on_{backend}")
    path = official_data("dbbench")
    changes = [row for split in ("dev", "standard") for row in read_rows(path, split=split) if row.answer_hash]
    wrong = asyncio.run(_hashes(changes, backend))
    assert len(changes) == 140
    assert len(wrong) <= 0.01 * len(changes), wrong


def test_a_wrong_change_has_another_hash(official_data: Find) -> None:
    changes = [row for row in read_rows(official_data("dbbench"), split="dev") if row.answer_hash]

    async def untouched() -> list[str | None]:
        hashes: list[str | None] = []
        for row in changes:
            database = SqliteDatabase(row.table)
            await database.open()
            hashes.append(table_hash(await database.table_rows() or []))
            await database.close()
        return hashes

    same = [before == row.answer_hash for before, row in zip(asyncio.run(untouched()), changes, strict=True)]
    assert sum(same) <= 2
