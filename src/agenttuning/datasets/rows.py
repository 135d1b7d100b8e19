"""Rows of a JSON array, JSON Lines or Parquet file, one at a time, each with its place for error texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.parquet as pq

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import JsonValue

SUFFIXES = (".json", ".jsonl", ".parquet")


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Yield (place, row); the place is `file:line` for JSON Lines and `file, record N` else.

    Raises:
        DataError: missing, of an unknown kind, damaged, or a row that is no object.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}; correct the path")
    readers = {".json": _json, ".jsonl": _jsonl, ".parquet": _parquet}
    if path.suffix not in readers:
        raise DataError(f"{path} is of an unknown kind; known: {', '.join(SUFFIXES)}")
    for place, row in readers[path.suffix](path):
        if not isinstance(row, dict):
            raise DataError(f"{place} is a {type(row).__name__}, not an object; every row holds one conversation")
        yield place, row


def _json(path: Path) -> Iterator[tuple[str, JsonValue]]:
    try:
        rows = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no JSON: {error}; one row per line belongs into a .jsonl file") from error
    if not isinstance(rows, list):
        raise DataError(f"{path} holds a {type(rows).__name__} where an array of conversations belongs")
    for number, row in enumerate(rows):
        yield f"{path}, record {number}", row


def _jsonl(path: Path) -> Iterator[tuple[str, JsonValue]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield f"{path}:{number}", json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise DataError(f"{path}:{number} is no JSON: {error}; correct or remove the line") from error


def _parquet(path: Path) -> Iterator[tuple[str, JsonValue]]:
    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                yield f"{path}, record {number}", cast("JsonValue", row)
                number += 1
    except pa.ArrowException as error:
        raise DataError(f"{path} is no readable Parquet file: {error}; fetch it again") from error
