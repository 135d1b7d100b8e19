"""Rows of data files: the same rows from every format, and a place for every complaint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Message
from agenttuning.datasets.agentinstruct import read_agentinstruct, write_agentinstruct
from agenttuning.datasets.conversation import Conversation
from agenttuning.datasets.rows import SUFFIXES, read_rows
from agenttuning.datasets.sharegpt import read_sharegpt
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Row = dict[str, object]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
turns = st.lists(st.fixed_dictionaries({"from": st.sampled_from(("human", "gpt")), "value": text}), max_size=4)
rows = st.lists(st.fixed_dictionaries({"id": text, "conversations": turns}), min_size=1, max_size=4)


def write(path: Path, content: list[Row]) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(content))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in content))
    else:
        pq.write_table(pa.Table.from_pylist(content), path)
    return path


@settings(deadline=None, max_examples=30)
@given(rows)
def test_every_format_holds_the_same_rows(tmp_path_factory: pytest.TempPathFactory, content: list[Row]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    found = [[row for _, row in read_rows(write(folder / f"a{suffix}", content))] for suffix in SUFFIXES]
    assert found[0] == found[1] == found[2] == content


@settings(deadline=None, max_examples=30)
@given(rows)
def test_general_conversations_begin_with_the_user_and_train_every_answer(
    tmp_path_factory: pytest.TempPathFactory, content: list[Row]
) -> None:
    path = write(tmp_path_factory.mktemp("rows") / "a.jsonl", content)
    found = list(read_sharegpt(path))
    assert [one.id for one in found] == [row["id"] for row in content]
    for one in found:
        assert not one.messages or one.messages[0].role == "user"
        assert all(m.train is (True if m.role == "assistant" else None) for m in one.messages)


def test_places_are_lines_or_records(tmp_path: Path) -> None:
    content: list[Row] = [{"a": 1}, {"a": 2}]
    places = {suffix: [place for place, _ in read_rows(write(tmp_path / f"x{suffix}", content))] for suffix in SUFFIXES}
    assert places[".jsonl"] == [f"{tmp_path}/x.jsonl:1", f"{tmp_path}/x.jsonl:2"]
    assert places[".json"] == [f"{tmp_path}/x.json, record 0", f"{tmp_path}/x.json, record 1"]
    assert places[".parquet"] == [f"{tmp_path}/x.parquet, record 0", f"{tmp_path}/x.parquet, record 1"]


def test_blank_lines_are_skipped_and_still_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"a": 1}\n  \n{"a": 2}\n\n')
    assert [place.rpartition(":")[2] for place, _ in read_rows(path)] == ["2", "4"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": ', r"a\.jsonl:2 is no JSON: .*correct or remove the line"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', r"a\.jsonl:2 is a list, not an object"),
        ("a.jsonl", b"\xff\xfe\n", r"a\.jsonl:1 is no JSON"),
        ("a.json", b'{"a":\n 1', r"a\.json is no JSON: .*\.jsonl file"),
        ("a.json", b"7", r"a\.json is no JSON array"),
        ("a.json", b"[1]", r"a\.json, record 0 is a int, not an object"),
        ("a.parquet", b"PAR1", r"a\.parquet is no readable Parquet file: .*fetch it again"),
        ("a.csv", b"a,b", r"a\.csv is of an unknown kind; known: \.json, \.jsonl, \.parquet"),
    ],
)
def test_a_damaged_file_is_named_with_its_place(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        list(read_rows(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_before_a_bad_one_are_not_lost_to_a_reader_that_stops(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{suffix}", [{"a": 1}, {"a": 2}])
    if suffix == ".jsonl":
        path.write_text(path.read_text() + "broken\n")
    reading = read_rows(path)
    assert [next(reading)[1]["a"], next(reading)[1]["a"]] == [1, 2]


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """`data convert` onto itself, or from a source whose last row is bad."""
    path = tmp_path / "a.json"
    said = (Message(role="user", content="a"), Message(role="assistant", content="b", train=True))
    write_agentinstruct(path, [Conversation(id="a", messages=said)])
    before = path.read_bytes()

    def breaks() -> Iterator[Conversation]:
        yield Conversation(id="b", messages=said)
        raise DataError("the source ends in a bad row")

    with pytest.raises(DataError, match="bad row"):
        write_agentinstruct(path, breaks())
    assert path.read_bytes() == before
    assert [one.id for one in read_agentinstruct(path)] == ["a"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
