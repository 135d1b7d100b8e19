"""Candidate scores are read, and nothing that a pickle names is run."""

import io
import os
import pickle
from collections import OrderedDict, defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.sites.restricted_pickle import load_plain
from agenttuning.errors import DataError


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


class _Outside(pickle.Pickler):
    def persistent_id(self, obj: object) -> object:
        return "elsewhere" if obj == 1 else None


def _stored(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_and_numpy_numbers_are_read(tmp_path: Path, protocol: int) -> None:
    plain = {"scores": OrderedDict(a=0.5, b=(1, [2, "x", None, True])), "ranks": defaultdict(dict, {"a": {"n": 3}})}
    assert load_plain(_stored(tmp_path / "plain.pkl", plain, protocol)) == plain
    numbers = [np.float32(0.25), np.float64(-1.5), np.int64(7), np.int32(-7), np.uint8(255), np.dtype(">f8").type(2.5)]
    assert load_plain(_stored(tmp_path / "numpy.pkl", numbers, protocol)) == [0.25, -1.5, 7.0, -7.0, 255.0, 2.5]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (_Runs(), "system"),
        (np.zeros(2), "_reconstruct"),
        (np.complex64(1), "'c8'"),
        (Path("x"), "pathlib"),
        (eval, "builtins.eval"),
        ({1, 2}, None),
    ],
)
def test_anything_else_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, name: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _stored(tmp_path / "scores.pkl", content)
    if name is None:
        assert load_plain(path) == content
        return
    with pytest.raises(DataError, match=name) as caught:
        load_plain(path)
    assert "scores.pkl" in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_references_to_the_outside_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    _Outside(buffer).dump([1])
    (tmp_path / "p.pkl").write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match="'elsewhere'"):
        load_plain(tmp_path / "p.pkl")


def test_a_pickle_cannot_change_what_it_names(tmp_path: Path) -> None:
    poison = b"\x80\x02cnumpy.core.multiarray\nscalar\nN}X\x08\x00\x00\x00keywords}s\x86b."
    (tmp_path / "poison.pkl").write_bytes(poison)
    with suppress(DataError):
        load_plain(tmp_path / "poison.pkl")
    assert load_plain(_stored(tmp_path / "good.pkl", [np.float32(0.5)])) == [0.5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=4))
def test_torn_and_scribbled_files_are_data_errors(tmp_path: Path, place: int, scribble: bytes) -> None:
    whole = pickle.dumps({"ranks": {f"a{n}": {"n": n, "m": np.float32(n)} for n in range(20)}})
    place %= len(whole)
    (tmp_path / "s.pkl").write_bytes(
        whole[:place] + scribble + whole[place + len(scribble) :] if scribble else whole[:place]
    )
    with suppress(DataError):
        load_plain(tmp_path / "s.pkl")


def test_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        load_plain(tmp_path / "none.pkl")
