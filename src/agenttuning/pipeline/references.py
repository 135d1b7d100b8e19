"""General tests as the evaluation side of the contamination check: what their questions say, without the answers.

    [decontaminate.references.gsm8k]
    path = "gsm8k/test.jsonl"
    format = "gsm8k"

Only the part that a model is shown counts: a training text that holds a question holds the sample, whether or not the
answer follows. `mmlu` reads the authors' archive, its folder or one CSV file, test rows only, and takes the question
with its four choices, letters left out.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from agenttuning.core.records import Record
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

Format = Literal["mmlu", "gsm8k", "humaneval", "mt_bench", "jsonl"]
_FIELDS = {"gsm8k": "question", "humaneval": "prompt", "mt_bench": "turns"}
_FILES = {"gsm8k": "test.jsonl", "humaneval": "HumanEval.jsonl", "mt_bench": "question.jsonl"}
_NAMES = {"humaneval": "task_id", "mt_bench": "question_id"}
_COLUMNS = 6
_TEST = "_test.csv"


class GeneralTest(Record):
    """One general test."""

    path: Path
    """Its file, which may be compressed with gzip, or the folder that holds it under its authors' name."""
    format: Format = "jsonl"
    """`jsonl`: one object per line, whose `field` is the text; the others know their field."""
    field: str | None = None
    """Where `jsonl` has the text: a string, or a list of them."""

    @model_validator(mode="after")
    def _named_field(self) -> GeneralTest:
        if (self.format == "jsonl") != (self.field is not None):
            raise ValueError('format "jsonl" needs `field`, the key of the text; the other formats know theirs')
        return self

    def existing(self) -> Path:
        """Return the path.

        Raises:
            DataError: nothing is there.
        """
        if not self.path.exists():
            raise DataError(f"no such file: {self.path}; correct decontaminate.references")
        return self.path


def read_tests(file: GeneralTest) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of every sample.

    Raises:
        DataError: of another format; names the row.
    """
    try:
        yield from _mmlu(file.path) if file.format == "mmlu" else _lines(file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, lzma.LZMAError, tarfile.TarError) as error:
        raise DataError(f"{file.path} cannot be read as {file.format}: {error}; fetch it again") from error


def _lines(file: GeneralTest) -> Iterator[tuple[str, str]]:
    field, path = file.field or _FIELDS[file.format], file.path
    if path.is_dir() and file.format in _FILES:
        plain = path / _FILES[file.format]
        path = plain if plain.exists() else plain.with_name(f"{plain.name}.gz")
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            place = f"{path}:{number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{place} is no JSON: {error}; correct or remove the line") from error
            text = row.get(field) if isinstance(row, dict) else None
            if isinstance(text, list) and all(isinstance(part, str) for part in text):
                text = "\n".join(text)
            if not isinstance(text, str):
                known = [str(key) for key in row] if isinstance(row, dict) else []
                raise DataError(
                    f"{place} has no text in {field!r}{nearest(field, known)}; its fields: {', '.join(known) or 'none'}"
                )
            yield str(row.get(_NAMES.get(file.format, "id"), number)), text


def _mmlu(path: Path) -> Iterator[tuple[str, str]]:
    for name, text in _mmlu_files(path):
        subject = name.removesuffix(_TEST)
        for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), start=1):
            if len(row) != _COLUMNS:
                raise DataError(f"{path}, {name}, row {number} has {len(row)} columns; MMLU's rows have {_COLUMNS}")
            yield f"{subject}/{number}", "\n".join(row[:5])


def _mmlu_files(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of the test rows, by name."""
    if path.is_dir():
        for file in sorted(path.rglob(f"*{_TEST}")):
            yield file.name, file.read_text(encoding="utf-8")
    elif path.suffix == ".csv":
        yield path.name, path.read_text(encoding="utf-8")
    else:
        with tarfile.open(path) as archive:
            members = [member for member in archive if member.isfile() and member.name.endswith(_TEST)]
            for member in sorted(members, key=lambda one: one.name):
                opened = archive.extractfile(member)
                assert opened is not None
                yield Path(member.name).name, opened.read().decode("utf-8")
