"""The tests' own files as plain items, and the few-shots that go with them.

MMLU's cells are text: "None" and "N/A" are answers, not gaps. GSM8K's shots are the seven rows of its training split
that the original evaluation shows, and row 0 in place of its sixth, which is not in the split; their solutions are the
split's own.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from agenttuning.core.records import Record
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOT_ROWS = (4997, 4280, 3996, 1344, 6011, 0, 3809, 2053)
_GOLD = re.compile(r"#### (-?[0-9.,]+)")
_CALCULATOR = re.compile(r"<<[^>]*>>")


class Choice(Record):
    """One item of MMLU."""

    id: str
    subject: str
    question: str
    choices: tuple[str, str, str, str]
    answer: int
    """Index of the right choice."""


class WordProblem(Record):
    """One item of GSM8K."""

    id: str
    question: str
    solution: str
    """Without the calculator's marks and the last line."""
    answer: str
    """The number, commas left out."""


class Programming(Record):
    """One item of HumanEval, as published."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str


def read_mmlu(path: Path, split: str) -> list[Choice]:
    """Read all subjects of a split, in the order of their names and rows.

    Raises:
        DataError: there is no such split, or a row has not six cells and a letter of A to D.
    """
    files = _mmlu_files(path, split)
    if not files:
        raise DataError(
            f"{path} holds no MMLU files {split}/<subject>_{split}.csv; name the folder that has dev/ and test/"
        )
    found = []
    for subject, text in sorted(files.items()):
        for number, row in enumerate(csv.reader(io.StringIO(text))):
            if len(row) != 6 or row[5] not in "ABCD" or not row[5]:
                raise DataError(
                    f"{path}, {subject}_{split}.csv row {number + 1} is no question, four choices and a letter"
                )
            choices = (row[1], row[2], row[3], row[4])
            found.append(
                Choice(
                    id=f"{subject}-{number}",
                    subject=subject,
                    question=row[0],
                    choices=choices,
                    answer="ABCD".index(row[5]),
                )
            )
    return found


def _mmlu_files(path: Path, split: str) -> dict[str, str]:
    """Return subject to the text of its file, from a folder or an archive."""
    archives = sorted(path.glob("*.tar*")) if path.is_dir() else [path]
    folder = path / split
    if folder.is_dir():
        return {file.stem.removesuffix(f"_{split}"): file.read_text("utf-8") for file in folder.glob(f"*_{split}.csv")}
    found = {}
    try:
        for archive in archives:
            with tarfile.open(archive) as held:
                for member in held:
                    name = Path(member.name)
                    if name.parent.name == split and name.name.endswith(f"_{split}.csv"):
                        inner = held.extractfile(member)
                        found[name.stem.removesuffix(f"_{split}")] = inner.read().decode() if inner else ""
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"cannot read MMLU from {path}: {error}") from error
    return found


def read_gsm8k(path: Path, split: str) -> list[WordProblem]:
    """Read a split in its own order.

    Raises:
        DataError: the file is missing, or a row has no question and no answer with `#### number`.
    """
    items = []
    for number, row in enumerate(_rows(_file(path, f"{split}.jsonl"))):
        question, answer = row.get("question"), row.get("answer")
        gold = _GOLD.search(answer) if isinstance(answer, str) else None
        if not isinstance(question, str) or not isinstance(answer, str) or gold is None:
            raise DataError(f"{path}, {split}.jsonl row {number + 1} has no question, or no answer with `#### number`")
        solution = _CALCULATOR.sub("", answer[: gold.start()]).strip()
        number_text = gold[1].replace(",", "").rstrip(".")
        items.append(WordProblem(id=f"{split}-{number}", question=question, solution=solution, answer=number_text))
    return items


def gsm8k_shots(path: Path) -> list[WordProblem]:
    """Return the eight few-shots, from the training split.

    Raises:
        DataError: the split is missing or too short.
    """
    rows = read_gsm8k(path, "train")
    if len(rows) <= max(SHOT_ROWS):
        raise DataError(
            f"{path}, train.jsonl has {len(rows)} rows, the few-shots want row {max(SHOT_ROWS)}; take the whole split"
        )
    return [rows[number] for number in SHOT_ROWS]


def read_humaneval(path: Path) -> list[Programming]:
    """Read all items in their own order.

    Raises:
        DataError: the file is missing, or a row lacks a field.
    """
    try:
        return TypeAdapter(list[Programming]).validate_python(list(_rows(_file(path, "HumanEval.jsonl"))))
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{path} is no HumanEval file: row {first['loc'][0]}, {first['loc'][-1]}: {first['msg']}"
        ) from error


def _file(path: Path, name: str) -> Path:
    candidates = [path] if path.is_file() else [path / name, path / f"{name}.gz"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise DataError(f"no {name} or {name}.gz in {path}; name the folder with the benchmark's own files")


def _rows(path: Path) -> Iterator[dict[str, object]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise DataError(f"{path}:{number} is no JSON object")
                yield row
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
