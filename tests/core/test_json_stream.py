"""Arrays read element by element: the same elements in any cut of the bytes, and torn files named."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agenttuning.core import json_stream
from agenttuning.core.json_stream import ArrayReader
from agenttuning.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


ARRAYS = st.lists(VALUES, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ARRAYS, st.integers(1, 9), st.sampled_from([None, 1]))
def test_elements_are_those_of_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[object], chunk: int, indent: int | None
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    path = tmp_path / "array.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), "utf-8")
    reader = ArrayReader(path)
    assert list(reader) == values
    assert reader.position == path.stat().st_size


def test_memory_holds_one_element(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text(json.dumps([{"html": "x" * 3_000_000}] * 6))
    reader = ArrayReader(path)
    for number, _ in enumerate(reader):
        assert reader.position <= 3_000_100 * (number + 1) + 5_000_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON array"),
        ('{"a": 1}', "no JSON array"),
        ("[", "torn"),
        ('[{"a": 1}', "torn, after 1"),
        ('[{"a": 1}, {"a"', "after 1 whole"),
        ("[{} {}]", "no JSON array, after 1"),
        ("[{}, ]", "no JSON .*, after 1"),
        ("[{}, ", "torn, after 1"),
        ("[{}] 2", "followed by something else"),
        ('[{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_torn_or_wrong_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "array.json"
    path.write_text(text)
    with pytest.raises(DataError, match=told) as caught:
        list(ArrayReader(path))
    assert str(path) in str(caught.value)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        list(ArrayReader(tmp_path / "none.json"))
    (tmp_path / "latin.json").write_bytes('["\xe9"]'.encode("latin-1"))
    with pytest.raises(DataError, match="cannot read"):
        list(ArrayReader(tmp_path / "latin.json"))


def test_a_huge_element_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", 64)
    path = tmp_path / "array.json"
    path.write_text(json.dumps([{"html": "x" * 5_000}]))
    with pytest.raises(DataError, match="longer than 1,000"):
        list(ArrayReader(path, longest=1_000))
