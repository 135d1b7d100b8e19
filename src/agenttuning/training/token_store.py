"""Training rows on disk: written once, mapped into memory by any number of processes, which share one copy.

    tokens/ids.bin         int32, all rows one after the other
           labels.bin      int32, -100 where the loss does not look
           ends.bin        int64, where each row ends in both
           sources.bin     int32, index into the names of the manifest
           draws.bin       int32, the row of every draw of the plan, in order
           manifest.json   written last: what it was made from; size and SHA-256 of the rest

Numbers are little-endian. A store is written under a temporary name and renamed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, overload

import numpy as np
from pydantic import ValidationError

from agenttuning.core.records import Record
from agenttuning.core.store import disk_errors, write_atomic
from agenttuning.errors import DataError
from agenttuning.training.mask import DropReason, TrainingRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from agenttuning.training.mask import Tokenized

_MANIFEST = "manifest.json"
_COLUMNS = {"ids": "<i4", "labels": "<i4", "ends": "<i8", "sources": "<i4", "draws": "<i4"}


class TokenStoreManifest(Record):
    """What a store holds."""

    identity: str
    """Digest of data, tokenizer, template and length limit."""
    rows: int
    sources: tuple[str, ...]
    dialogues: int
    """Distinct dialogues that were tokenised."""
    dropped: dict[str, int]
    """`DropReason` to number of dialogues."""
    cut: int
    """Rows that lost trailing turns to the length limit."""
    draws_dropped: int
    """Draws that fell on dropped dialogues and are passed over."""
    files: dict[str, tuple[int, str]]
    """Size and SHA-256."""


class TokenStore(Sequence[TrainingRow]):
    """The rows of a folder; taking one copies nothing.

    Raises:
        DataError: the folder holds no whole store.
    """

    def __init__(self, folder: Path) -> None:
        self.about = _verified(folder)
        columns = {name: _mapped(folder / f"{name}.bin", kind) for name, kind in _COLUMNS.items()}
        self._ids, self._labels = columns["ids"], columns["labels"]
        self._ends, self._sources, self._draws = columns["ends"], columns["sources"], columns["draws"]

    def __len__(self) -> int:
        return self.about.rows

    @overload
    def __getitem__(self, index: int) -> TrainingRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[TrainingRow]: ...
    def __getitem__(self, index: int | slice) -> TrainingRow | list[TrainingRow]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        start, end = int(self._ends[number - 1]) if number else 0, int(self._ends[number])
        return TrainingRow(self._ids[start:end], self._labels[start:end], self.about.sources[self._sources[number]])

    def plan(self, draw: int, /) -> int:
        """Return the row of a draw; after the last one it begins again."""
        return int(self._draws[draw % len(self._draws)])


def write_token_store(folder: Path, found: Iterable[Tokenized], *, draws: Sequence[int], identity: str) -> None:
    """Write a store, streaming; `draws` says which dialogue each draw takes.

    Raises:
        RunError: the disk is full.
    """
    temporary = folder.with_name(f".{folder.name}.tmp")
    with disk_errors(folder):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            with ExitStack() as stack:
                files = {name: stack.enter_context((temporary / f"{name}.bin").open("wb")) for name in _COLUMNS}
                about = _write_columns(files, found, draws=draws, identity=identity)
            measured = {path.name: _measure(path) for path in sorted(temporary.iterdir())}
            about = about.model_copy(update={"files": measured})
            write_atomic(temporary / _MANIFEST, about.model_dump_json(indent=2) + "\n")
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write_columns(
    files: Mapping[str, BinaryIO], found: Iterable[Tokenized], *, draws: Sequence[int], identity: str
) -> TokenStoreManifest:
    names: dict[str, int] = {}
    sources: list[int] = []
    ends: list[int] = [0]
    row_of: list[int] = []
    dropped: Counter[str] = Counter()
    cut = 0
    for one in found:
        if isinstance(one.row, DropReason):
            dropped[one.row] += 1
            row_of.append(-1)
            continue
        row_of.append(len(sources))
        files["ids"].write(one.row.input_ids.astype(_COLUMNS["ids"], copy=False).data)
        files["labels"].write(one.row.labels.astype(_COLUMNS["labels"], copy=False).data)
        ends.append(ends[-1] + len(one.row))
        sources.append(names.setdefault(one.row.source, len(names)))
        cut += one.cut
    rows = [row_of[dialogue] for dialogue in draws]
    kept = [row for row in rows if row >= 0]
    for name, values in (("ends", ends[1:]), ("sources", sources), ("draws", kept)):
        files[name].write(np.array(values, dtype=_COLUMNS[name]).data)
    return TokenStoreManifest(
        identity=identity,
        rows=len(sources),
        sources=tuple(names),
        dialogues=len(row_of),
        dropped=dict(dropped),
        cut=cut,
        draws_dropped=len(rows) - len(kept),
        files={},
    )


def _verified(folder: Path) -> TokenStoreManifest:
    try:
        about = TokenStoreManifest.model_validate_json((folder / _MANIFEST).read_bytes())
        broken = [name for name, measured in about.files.items() if _measure(folder / name) != measured]
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its manifest is no manifest"
        raise DataError(f"the token store {folder} is not whole: {reason}") from error
    if broken:
        raise DataError(f"the token store {folder} is damaged in {', '.join(broken)}")
    return about


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, sha256


def _mapped(path: Path, kind: str) -> NDArray[np.int32]:
    if path.stat().st_size == 0:
        return np.empty(0, dtype=kind)
    return np.asarray(np.memmap(path, dtype=kind, mode="r"))
