"""Large JSON read piece by piece: the same values as json.load, from any place, whatever is torn."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.shop import stream as module
from agenttuning.environments.worlds.shop.stream import JsonStream
from agenttuning.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, max_size=6), st.sampled_from([1, 3, 7, 64]), st.booleans(), st.sampled_from([None, 1]))
def test_items_are_those_of_the_array_and_can_be_taken_up_anywhere(
    values: list[object], chunk: int, ascii_only: bool, indent: int | None
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        path = Path(folder) / "items.json"
        path.write_text(json.dumps(values, ensure_ascii=ascii_only, indent=indent), "utf-8")
        with JsonStream(path) as stream:
            read = [(item, stream.offset) for item in stream.items()]
        assert [item for item, _ in read] == values
        assert not stream.truncated
        for place, (_, offset) in enumerate(read):
            with JsonStream(path, start=offset) as rest:
                assert list(rest.items()) == values[place + 1 :]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=5), st.sampled_from([1, 5, 64]))
def test_members_are_those_of_the_object(values: dict[str, object], chunk: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        path = Path(folder) / "members.json"
        path.write_text(json.dumps(values, ensure_ascii=False), "utf-8")
        with JsonStream(path) as stream:
            assert dict(stream.members()) == values


def test_a_torn_file_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    whole = json.dumps([{"a": 1}, {"b": "two"}, {"c": [3]}])
    for cut in range(1, len(whole)):
        path.write_text(whole[:cut], "utf-8")
        with JsonStream(path) as stream:
            read = list(stream.items())
        assert read == json.loads(whole)[: len(read)]
        assert stream.truncated


@pytest.mark.parametrize(
    "text", ["", "{}", "12", "<html>", '[{"a": 1}, {"b" 2}]', "[1, 2, }", "[" * 100_000, '["a" "b" x]']
)
def test_what_is_no_array_is_refused_or_torn_never_a_crash(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 10)
    path = tmp_path / "items.json"
    path.write_text(text + " " * 100, "utf-8")
    with JsonStream(path) as stream, pytest.raises(DataError, match="fetch it anew"):
        list(stream.items())


def test_bytes_that_are_no_utf8_are_kept_apart_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(b'["caf\xe9", "next"]')
    with JsonStream(path) as stream:
        items = stream.items()
        assert next(items) == "caf\udce9"
        offset = stream.offset
    with JsonStream(path, start=offset) as stream:
        assert list(stream.items()) == ["next"]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        JsonStream(tmp_path / "none.json")
