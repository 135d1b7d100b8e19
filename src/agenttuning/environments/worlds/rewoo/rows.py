"""Some rows of a data set by their numbers, from CSV, JSON lines (also gzipped) or Parquet (a file, or its parts)."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING, TypeAlias

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    RawRow: TypeAlias = "dict[str, JsonValue]"

_COLUMNS = frozenset({"question", "answer"})


class TriviaAnswer(BaseModel):
    """TriviaQA's answer and the other names that it has."""

    value: str
    aliases: list[str] = []
    normalized_aliases: list[str] = []


class Row(BaseModel):
    """A question and its answer, as the sets have them."""

    question: str = Field(validation_alias=AliasChoices("question", "input"))
    answer: str | TriviaAnswer = Field(validation_alias=AliasChoices("answer", "target"))


def read_rows(path: Path, numbers: Sequence[int], *, whole: int) -> list[Row]:
    """Return the rows of these numbers, in the order of the numbers.

    Args:
        path: the file, or a folder with the parts of a Parquet file.
        numbers: from 0.
        whole: how many rows the numbers were drawn from; a file with another count is another split.

    Raises:
        DataError: the file is missing, of another format or of another length.
    """
    wanted = set(numbers)
    try:
        if path.is_dir() or path.suffix == ".parquet":
            found, count = _from_parquet(path, sorted(wanted))
        else:
            found, count = _from_text(path, wanted)
        if count != whole:
            raise DataError(f"{path} has {count:,} rows where {whole:,} are expected: is it the train split, in full?")
        return [Row.model_validate(found[number]) for number in numbers]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    except (ValidationError, json.JSONDecodeError) as error:
        raise DataError(f"{path} is of another format: {error}") from error


def _from_text(path: Path, wanted: set[int]) -> tuple[dict[int, RawRow], int]:
    found: dict[int, RawRow] = {}
    count = 0
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        rows: Iterable[str | RawRow] = (
            csv.DictReader(file) if path.suffix == ".csv" else (line for line in file if line.strip())
        )
        for count, row in enumerate(rows, start=1):
            if count - 1 in wanted:
                found[count - 1] = json.loads(row) if isinstance(row, str) else row
    return found, count


def _from_parquet(path: Path, wanted: Sequence[int]) -> tuple[dict[int, RawRow], int]:
    from pyarrow import ArrowException, parquet

    parts = sorted(path.glob("train*.parquet")) if path.is_dir() else [path]
    if not parts:
        raise DataError(f"{path} holds no train*.parquet")
    found: dict[int, RawRow] = {}
    count = 0
    try:
        for part in parts:
            file = parquet.ParquetFile(part)
            total = file.metadata.num_rows
            inside = [number - count for number in wanted if count <= number < count + total]
            columns = [name for name in file.schema_arrow.names if name in _COLUMNS]
            picked = file.read(columns=columns).take(inside).to_pylist() if inside else []
            found |= {count + number: row for number, row in zip(inside, picked, strict=True)}
            count += total
    except ArrowException as error:
        raise DataError(f"{path} is no Parquet file: {error}") from error
    return found, count
