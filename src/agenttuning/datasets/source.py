"""Where dialogues come from: a file, or a folder in one of the layouts that circulate.

A folder is a hub's data set (`data/<split>-*.parquet`), LLaMA-Factory's (`dataset_info.json`), or simply its files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from agenttuning.datasets.inspect_archive import read_archive
from agenttuning.datasets.llamafactory import INFO
from agenttuning.datasets.problems import BadRowError, Problem, Report, refuse
from agenttuning.datasets.registry import detect, format_named
from agenttuning.datasets.rows import SUFFIXES, read_rows
from agenttuning.datasets.tagged import Columns, columns_of
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agenttuning.datasets.dialogue import Dialogue, Row
    from agenttuning.datasets.format import Format

_SUFFIXES = (*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES[:2]))


@dataclass(frozen=True)
class Source:
    """What was found at a path: the format of its first readable row, and the dialogues."""

    form: Format
    dialogues: Iterator[tuple[str, Dialogue]]
    """(place, dialogue), to be taken once."""


def open_source(
    path: Path,
    *,
    named: str | None = None,
    report: Report = refuse,
    seen: Callable[[int], None] | None = None,
) -> Source:
    """Find out what a path holds; nothing but the beginning is read before the dialogues are taken.

    Args:
        path: A file or a folder.
        named: The format; None goes by the first row that is of a known one.
        report: Takes bad rows, which are left out. The default raises `DataError` at the first.
        seen: Takes the bytes read since it was called last.

    Raises:
        DataError: missing, empty, or of no known format.
        RecipeError: an unknown name.
    """
    rows = chain.from_iterable(_rows(file, report, seen) for file in source_files(path))
    form = None if named is None else format_named(named)
    for place, row in rows:
        form = form or detect(row)
        if form is not None:
            return Source(form, _dialogues(chain([(place, row)], rows), form, report))
        fields = ", ".join(list(row)[:8])
        report(place, Problem("unknown_format", "", f"has the fields {fields}", "name the format with --from"))
    if form is not None:
        return Source(form, iter(()))
    raise DataError(f"{path} holds no row of a known format; name one with --from, or correct the path")


def _dialogues(rows: Iterator[tuple[str, Row]], form: Format, report: Report) -> Iterator[tuple[str, Dialogue]]:
    for number, (place, row) in enumerate(rows):
        try:
            for dialogue in form.read(row, number=number):
                yield place, dialogue
        except BadRowError as error:
            other = detect(row)
            if other is None or other.name == form.name or not _reads(other, row):
                report(place, error.problem)
            else:
                value = f"is a row of {other.name} in a file of {form.name}"
                report(place, Problem("mixed_schema", "", value, "split the file, or name its format with --from"))


def _reads(form: Format, row: Row) -> bool:
    try:
        return bool(list(form.read(row, number=0)))
    except BadRowError:
        return False


def _rows(path: Path, report: Report, seen: Callable[[int], None] | None) -> Iterator[tuple[str, Row]]:
    if path.suffix == ".eval":
        return read_archive(path)
    columns = columns_of(path)
    rows = read_rows(path, report=report, seen=seen)
    return rows if columns == Columns() else ((place, columns.standard(row)) for place, row in rows)


def source_files(path: Path) -> list[Path]:
    """Return the files of a source.

    Raises:
        DataError: a folder without data files.
    """
    if not path.is_dir():
        return [path]
    if (path / INFO).is_file():
        return _listed(path)
    folder = path / "data" if any((path / "data").glob("*.parquet")) else path
    found = sorted(file for file in folder.iterdir() if file.name.endswith(_SUFFIXES) and not file.name.startswith("."))
    if not found:
        raise DataError(f"{path} has no data files; known: {', '.join(_SUFFIXES)}")
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        entries = json.loads((folder / INFO).read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{folder / INFO} is no JSON: {error}; correct the file") from error
    names = [entry.get("file_name") for entry in entries.values() if isinstance(entry, dict)]
    found = [folder / name for name in names if isinstance(name, str) and (folder / name).is_file()]
    if not found:
        raise DataError(f"{folder / INFO} names no file of this folder; correct its entries")
    return found
