"""Writes rows to a JSON array, JSON Lines or Parquet file: streaming, and atomic: a run that fails changes nothing."""

from __future__ import annotations

import gzip
import os
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq

from agenttuning.core.store import disk_errors
from agenttuning.datasets.dialogue import dump
from agenttuning.datasets.problems import shown
from agenttuning.datasets.rows import kind
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from agenttuning.datasets.dialogue import Row

_GROUP: Final = 500
"""Rows of a Parquet row group."""


class Unwritable(Protocol):
    """Takes a row that cannot be written, and why."""

    def __call__(self, row: Row, error: UnicodeEncodeError) -> None:
        """Take one."""


def _raise(row: Row, error: UnicodeEncodeError) -> None:
    raise DataError(f"{shown(row.get('id'))} holds text that UTF-8 cannot: {error}; correct the row") from error


def write_rows(
    path: Path,
    rows: Iterable[Row],
    *,
    schema: pa.Schema | None = None,
    around: tuple[bytes, bytes] = (b"", b""),
    unwritable: Unwritable = _raise,
) -> int:
    """Write a file of the kind that its suffix says; return the number of rows.

    Args:
        path: The file.
        rows: Its rows.
        schema: The columns of a Parquet file.
        around: What stands before and after the array of a JSON file.
        unwritable: Takes rows with text that UTF-8 cannot hold, which are left out. The default raises `DataError`.

    Raises:
        DataError: an unknown suffix, or Parquet of rows that have no fixed columns.
    """
    suffix = kind(path)
    if suffix == ".parquet":
        if schema is None:
            raise DataError(f"{path}: this format has no fixed columns; write .jsonl or .json")
        return _parquet(path, rows, schema, unwritable)
    with replacing(path) as file:
        lines = (line for row in rows if (line := encoded(row, unwritable)) is not None)
        return _array(file, lines, around) if suffix == ".json" else _lines(file, lines)


def encoded(row: Row, unwritable: Unwritable) -> bytes | None:
    """Return a row's JSON; None, and a report, where UTF-8 cannot hold it."""
    try:
        return dump(row).encode()
    except UnicodeEncodeError as error:
        unwritable(row, error)
        return None


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                if path.suffix == ".gz":
                    with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                        yield cast("BinaryIO", packed)
                else:
                    yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _lines(file: BinaryIO, lines: Iterable[bytes]) -> int:
    count = 0
    for line in lines:
        file.write(line + b"\n")
        count += 1
    return count


def _array(file: BinaryIO, lines: Iterable[bytes], around: tuple[bytes, bytes]) -> int:
    count = 0
    file.write(around[0])
    for line in lines:
        file.write((b",\n" if count else b"[\n") + line)
        count += 1
    file.write((b"\n]\n" if count else b"[]\n") + around[1])
    return count


def _parquet(path: Path, rows: Iterable[Row], schema: pa.Schema, unwritable: Unwritable) -> int:
    count = 0
    waiting = (row for row in rows if encoded(row, unwritable) is not None)
    with replacing(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(waiting, _GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count
