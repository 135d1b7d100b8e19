"""Rows of a JSON array, JSON Lines or Parquet file, one at a time, each with its place for error texts.

Memory holds one row (Parquet: one batch). A bad row is reported and left out; the rows after it are read.
Names that end in `.gz` are unpacked. A `.json` file may also hold one document, or JSON Lines.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from agenttuning.core.json_stream import ArrayReader, open_binary
from agenttuning.datasets.problems import Problem, Report, refuse, shown
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from pydantic import JsonValue

    from agenttuning.datasets.dialogue import Row

SUFFIXES = (".json", ".jsonl", ".parquet")
LONGEST: Final = 50_000_000
"""Bytes of the longest row that is read; more is no dialogue."""
_BATCH: Final = 64
_Reader = Callable[["Path", Report, Callable[[int], None]], Iterator[tuple[str, "JsonValue"]]]
_BROKEN: Final = (OSError, EOFError, zlib.error)


def read_rows(
    path: Path, *, report: Report = refuse, seen: Callable[[int], None] | None = None
) -> Iterator[tuple[str, Row]]:
    """Yield (place, row); the place is `file:line` for JSON Lines and `file, record N` else.

    Args:
        path: The file; its suffix says what it is.
        report: Takes bad rows, which are left out. The default raises `DataError` at the first.
        seen: Takes the bytes read since it was called last, for a progress bar.

    Raises:
        DataError: missing, or of an unknown kind.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}; correct the path")
    for place, row in _reader(path)(path, report, seen or _unseen):
        if isinstance(row, dict):
            yield place, row
        else:
            what = f"is a {type(row).__name__}, not an object"
            report(place, Problem("no_object", "", what, "every row holds one conversation"))


def kind(path: Path) -> str:
    """Return the suffix that says what a file is: `.json`, `.jsonl` or `.parquet`, also before `.gz`.

    Raises:
        DataError: of an unknown kind.
    """
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in SUFFIXES or path.name.endswith(".parquet.gz"):
        raise DataError(f"{path} is of an unknown kind; known: {', '.join(SUFFIXES)} (the first two also with .gz)")
    return suffix


def _unseen(size: int) -> None:
    del size


def _reader(path: Path) -> _Reader:
    suffix = kind(path)
    if suffix == ".parquet":
        return _parquet
    return _jsonl if suffix == ".jsonl" else _json


def _json(path: Path, report: Report, seen: Callable[[int], None]) -> Iterator[tuple[str, JsonValue]]:
    """Read an array; or one document; or lines, which many programs name `.json` too."""
    try:
        with open_binary(path) as file:
            first = file.readline(LONGEST).strip()
    except _BROKEN as error:
        raise DataError(f"cannot read {path}: {error}; fetch it again") from error
    if first.lstrip(b"\xef\xbb\xbf").startswith(b"{"):
        yield from _jsonl(path, report, seen) if _is_json(first) else _document(path, report)
        return
    number = position = 0
    reader = ArrayReader(path, longest=LONGEST)
    try:
        for number, row in enumerate(reader):
            yield f"{path}, record {number}", cast("JsonValue", row)
            if reader.position > position:
                seen(reader.position - position)
                position = reader.position
    except DataError as error:
        told = str(error).removeprefix(f"{path} ")
        report(str(path), Problem("torn" if number else "no_json", "", told, "or one row per line in a .jsonl file"))


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _document(path: Path, report: Report) -> Iterator[tuple[str, JsonValue]]:
    try:
        with open_binary(path) as file:
            yield f"{path}, record 0", json.loads(file.read())
    except (*_BROKEN, ValueError, RecursionError) as error:
        fix = "one row per line belongs into a .jsonl file"
        report(str(path), Problem("no_json", "", f"is no JSON: {error}", fix))


def _jsonl(path: Path, report: Report, seen: Callable[[int], None]) -> Iterator[tuple[str, JsonValue]]:
    number = 0
    try:
        with open_binary(path) as file:
            while line := file.readline(LONGEST + 1):
                number += 1
                place = f"{path}:{number}"
                seen(len(line))
                if len(line) > LONGEST:
                    size = len(line) + _skip_line(file)
                    value = f"is a line of {size:,} bytes"
                    report(place, Problem("huge", "", value, f"at most {LONGEST:,} are read; split or remove the row"))
                elif line.strip():
                    yield from _line(line, place, report)
    except _BROKEN as error:
        report(f"{path}:{number + 1}", Problem("torn", "", f"cannot be read: {error}", "fetch the file again"))


def _line(line: bytes, place: str, report: Report) -> Iterator[tuple[str, JsonValue]]:
    try:
        row: JsonValue = json.loads(line)
    except UnicodeDecodeError as error:
        value = f"is no JSON: {shown(line[error.start : error.end + 8])} at byte {error.start} is no UTF-8"
        report(place, Problem("encoding", "", value, "save the file as UTF-8; correct or remove the line"))
    except RecursionError:
        report(place, Problem("no_json", "", "is nested too deeply", "correct or remove the line"))
    except ValueError as error:
        rule = "no_json" if line.endswith(b"\n") else "torn"
        report(place, Problem(rule, "", f"is no JSON: {error}", "correct or remove the line"))
    else:
        yield place, row


def _skip_line(file: BinaryIO) -> int:
    """Read on to the end of a line without holding it; return its further bytes."""
    size = 0
    while part := file.readline(1 << 20):
        size += len(part)
        if part.endswith(b"\n"):
            break
    return size


def _parquet(path: Path, report: Report, seen: Callable[[int], None]) -> Iterator[tuple[str, JsonValue]]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            share = path.stat().st_size / max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    yield f"{path}, record {number}", cast("JsonValue", row)
                    number += 1
                seen(int(share * batch.num_rows))
    except (pa.ArrowException, OSError) as error:
        value = f"is no readable Parquet file: {error}"
        report(str(path), Problem("torn", "", value, f"{number} rows were read; fetch it again"))
