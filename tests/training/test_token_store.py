"""The token store gives back what was written, shares it, and never passes off a damaged one as whole."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.small import random_rows

from agenttuning.errors import DataError, RunError
from agenttuning.training.mask import DropReason, Tokenized, TrainingRow
from agenttuning.training.token_store import TokenStore, write_token_store

ROWS = random_rows(9)


def _written(folder: Path, *, draws: tuple[int, ...] = (0, 3, 1, 3)) -> Path:
    found = [Tokenized(row, cut=number == 2) for number, row in enumerate(ROWS)]
    found[1] = Tokenized(DropReason.TOO_LONG)
    write_token_store(folder / "tokens", found, draws=draws, identity="made of this")
    return folder / "tokens"


def _same(left: TrainingRow, right: TrainingRow) -> bool:
    return (
        np.array_equal(left.input_ids, right.input_ids)
        and np.array_equal(left.labels, right.labels)
        and left.source == right.source
    )


def test_rows_draws_and_counts_come_back(tmp_path: Path) -> None:
    store = TokenStore(_written(tmp_path))
    kept = [ROWS[0], *ROWS[2:]]
    assert len(store) == 8
    assert all(_same(found, row) for found, row in zip(store, kept, strict=True))
    assert _same(store[-1], kept[-1])
    assert [len(row) for row in store[2:4]] == [len(row) for row in kept[2:4]]
    assert [store.plan(draw) for draw in range(4)] == [0, 2, 2, 0]
    about = store.about
    assert (about.identity, about.dialogues, about.cut, about.draws_dropped) == ("made of this", 9, 1, 1)
    assert about.dropped == {"first_exchange_too_long": 1}
    with pytest.raises(IndexError):
        store[8]


def test_a_row_is_a_view_of_the_file_and_cannot_be_written(tmp_path: Path) -> None:
    store = TokenStore(_written(tmp_path))
    assert store[1].input_ids.base is not None
    with pytest.raises(ValueError, match="read-only"):
        store[1].input_ids[0] = 1


def test_processes_read_the_same_store(tmp_path: Path) -> None:
    folder = _written(tmp_path)
    code = (
        "import sys; from pathlib import Path; from agenttuning.training.token_store import TokenStore;"
        "print(sum(int(row.input_ids.sum()) for row in TokenStore(Path(sys.argv[1]))))"
    )
    command = (sys.executable, "-c", code, str(folder))
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "OMP_NUM_THREADS": "1"}
    ranks = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = {rank.communicate(timeout=120)[0] for rank in ranks}
    assert sums == {f"{sum(int(row.input_ids.sum()) for row in (ROWS[0], *ROWS[2:]))}\n"}


@settings(deadline=None, max_examples=30)
@given(where=st.floats(0, 1, exclude_max=True), name=st.sampled_from(["ids", "labels", "ends", "sources", "draws"]))
def test_one_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, where: float, name: str) -> None:
    folder = _written(tmp_path_factory.mktemp("store"))
    path = folder / f"{name}.bin"
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"is damaged in {name}\.bin"):
        TokenStore(folder)


@pytest.mark.parametrize("damage", ["cut", "missing", "no manifest", "torn manifest"])
def test_a_torn_store_is_named(tmp_path: Path, damage: str) -> None:
    folder = _written(tmp_path)
    manifest, ids = folder / "manifest.json", folder / "ids.bin"
    if damage == "cut":
        ids.write_bytes(ids.read_bytes()[:-3])
    elif damage == "missing":
        ids.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text(manifest.read_text()[:40])
    with pytest.raises(DataError, match=r"token store .*tokens is (damaged|not whole)"):
        TokenStore(folder)


def test_a_full_disk_leaves_the_older_store(tmp_path: Path) -> None:
    """A limit on the size of a file fails a write as a full disk does."""
    folder = _written(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(RunError, match=r"cannot write .*tokens: File too large"):
            _written(tmp_path, draws=(0,))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(TokenStore(folder).about.files) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]


def test_a_store_without_rows_says_so(tmp_path: Path) -> None:
    write_token_store(tmp_path / "tokens", [Tokenized(DropReason.UNTRAINED)], draws=(0, 0), identity="empty")
    store = TokenStore(tmp_path / "tokens")
    assert (len(store), store.about.draws_dropped, store.about.dropped) == (0, 2, {"no_trained_token": 1})
