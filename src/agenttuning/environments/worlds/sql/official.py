"""The reader of dbbench's own files: `dev.jsonl` and `standard.jsonl`, or the latter's half, `standard_half.jsonl`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field, ValidationError

from agenttuning.environments.worlds.sql.table import Table
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FILES: Final = {"dev.jsonl": "dev", "standard.jsonl": "standard", "standard_half.jsonl": "standard"}
_STRIDE: Final = {"standard_half.jsonl": 2}
"""Distance in the benchmark's numbering between two lines of the file."""


@dataclass(frozen=True, slots=True)
class OfficialRow:
    """One row of the benchmark."""

    index: int
    """Place in the benchmark's full file, from 0."""
    kind: str
    question: str
    hint: str
    table: Table
    label: tuple[str, ...]
    """The answers; for a change, the gold statement alone."""
    answer_hash: str | None
    """For a change, the table hash after it."""


class _Column(BaseModel):
    name: str


class _TableInfo(BaseModel):
    columns: list[_Column]
    rows: list[list[str | int | float | None]]


class _Table(BaseModel):
    table_name: str
    table_info: _TableInfo


class _Line(BaseModel):
    description: str
    add_description: str
    type: list[str] = Field(min_length=1)
    label: list[str | int | float] = Field(min_length=1)
    answer_md5: str | None = None
    table: _Table


def find_files(path: Path) -> Mapping[str, Path]:
    """Return split -> file for a folder, or for one file (whose split is its name without the ending).

    Raises:
        DataError: there is no such file, or none of the benchmark's in the folder.
    """
    if path.is_file():
        return {_FILES.get(path.name, path.stem): path}
    found: dict[str, Path] = {}
    for name, split in _FILES.items():
        if (path / name).is_file():
            found.setdefault(split, path / name)
    if not found:
        raise DataError(f"no dbbench data at {str(path)!r}; name a file or a folder with {', '.join(_FILES)}")
    return found


def count_rows(path: Path) -> dict[str, int]:
    """Return the number of rows of every split found."""
    counts = {}
    for split, file in find_files(path).items():
        with file.open("rb") as lines:
            counts[split] = sum(1 for line in lines if line.strip())
    return counts


def read_rows(path: Path, *, split: str) -> Iterator[OfficialRow]:
    """Yield the rows of a split in order; one whose table MySQL cannot create is yielded as well.

    Raises:
        DataError: no such split, or a line is no row of dbbench.
    """
    files = find_files(path)
    if split not in files:
        raise DataError(
            f"dbbench has no split {split!r}{nearest(split, files)} at {str(path)!r}; found: {', '.join(files)}"
        )
    file = files[split]
    stride = _STRIDE.get(file.name, 1)
    with file.open("rb") as lines:
        for number, line in enumerate(lines):
            try:
                yield _row(_Line.model_validate_json(line), index=number * stride)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "line"
                raise DataError(
                    f"{file}:{number + 1} is no row of dbbench: {where}: {first['msg']}; fetch the file again"
                ) from error


def _row(line: _Line, *, index: int) -> OfficialRow:
    info = line.table.table_info
    return OfficialRow(
        index=index,
        kind=line.type[0],
        question=line.description,
        hint=line.add_description,
        table=Table(
            name=line.table.table_name,
            columns=tuple(column.name for column in info.columns),
            rows=tuple(tuple(None if cell is None else str(cell) for cell in row) for row in info.rows),
        ),
        label=tuple(str(value) for value in line.label),
        answer_hash=line.answer_md5,
    )
