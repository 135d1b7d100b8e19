"""The reader of AgentBench's own questions: `dev`, `std` (or its half) and `kg_rl_all`, as `.json` or `.json.gz`."""

from __future__ import annotations

import gzip
import random
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from agenttuning.environments.worlds.graph.actions import read_action
from agenttuning.environments.worlds.graph.triples import plain
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SAMPLE_SIZE: Final = 300
_FILES: Final = {"dev": "dev", "std": "std", "std_half": "std", "kg_rl_all": "train"}
"""Name of a file without endings -> split; the first file of a split is taken."""
_STRIDE: Final = {"std_half": 2}
"""Distance in the benchmark's numbering between two questions of the file."""
_ENDINGS: Final = (".json", ".json.gz")
_NAME: Final = re.compile(r"[\w.]+")


@dataclass(frozen=True, slots=True)
class OfficialQuestion:
    """One question of the benchmark."""

    file: str
    """The split whose file it stands in."""
    index: int
    """Place in the benchmark's full file, from 0."""
    source: str
    """The data set it comes from: `grailqa`, `cwq`, `graphquestions` or `webqsp`."""
    text: str
    entities: Mapping[str, str]
    actions: tuple[str, ...]
    answer: tuple[str, ...]


class _Answer(BaseModel):
    answer_argument: str


class _Row(BaseModel):
    question: str
    source: str
    entities: dict[str, str]
    actions: list[str] = Field(min_length=1)
    answer: list[_Answer]


_ROWS: Final = TypeAdapter(list[_Row])


def find_files(path: Path) -> Mapping[str, Path]:
    """Return split -> file for a folder, or for one file (whose split is its name without endings).

    Raises:
        DataError: there is no such file, or none of the benchmark's in the folder.
    """
    if path.is_file():
        name = _stem(path)
        return {_FILES.get(name, name): path}
    found: dict[str, Path] = {}
    for name, split in _FILES.items():
        for ending in _ENDINGS:
            if (path / f"{name}{ending}").is_file():
                found.setdefault(split, path / f"{name}{ending}")
    if not found:
        names = ", ".join(f"{name}.json" for name in _FILES)
        raise DataError(f"no AgentBench questions at {str(path)!r}; name a file or a folder with {names} (or .json.gz)")
    return found


def count_questions(path: Path) -> dict[str, int]:
    """Return the number of questions of every split found, and of the fixed sample of a large one."""
    counts = {}
    for split, file in find_files(path).items():
        counts[split] = len(_read(file))
        if counts[split] > SAMPLE_SIZE:
            counts[f"{split}-{SAMPLE_SIZE}"] = SAMPLE_SIZE
    return counts


def read_questions(path: Path, *, split: str) -> Iterator[OfficialQuestion]:
    """Yield the questions of a split in the file's order; `train-300` is a fixed sample of `train`.

    Raises:
        DataError: no such split, or a file of another format.
    """
    files = find_files(path)
    name = split.removesuffix(f"-{SAMPLE_SIZE}")
    if name not in files:
        raise DataError(f"no split {split!r}{nearest(split, files)} at {str(path)!r}; found: {', '.join(files)}")
    rows = _read(files[name])
    chosen: Sequence[int] = range(len(rows))
    if name != split:
        chosen = sorted(random.Random("train-300").sample(chosen, min(SAMPLE_SIZE, len(rows))))
    stride = _STRIDE.get(_stem(files[name]), 1)
    for number in chosen:
        try:
            yield _question(rows[number], file=name, index=number * stride)
        except DataError as error:
            raise DataError(f"{files[name]}, question {number}: {error}; fetch the file again") from error


def _question(row: _Row, *, file: str, index: int) -> OfficialQuestion:
    for action in row.actions:
        read_action(action)
    for name in row.entities.values():
        if not _NAME.fullmatch(name):
            raise DataError(f"{name!r} is no id of Freebase")
    return OfficialQuestion(
        file=file,
        index=index,
        source=row.source,
        text=row.question,
        entities=row.entities,
        actions=tuple(row.actions),
        answer=tuple(sorted({plain(answer.answer_argument) for answer in row.answer})),
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")


def _read(file: Path) -> tuple[_Row, ...]:
    return _parsed(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _parsed(file: Path, changed: int) -> tuple[_Row, ...]:
    del changed
    try:
        data = gzip.decompress(file.read_bytes()) if file.name.endswith(".gz") else file.read_bytes()
        return tuple(_ROWS.validate_json(data))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read: {error}; fetch the file again") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise DataError(f"{file} holds no AgentBench questions: {where}: {first['msg']}; fetch it again") from error
