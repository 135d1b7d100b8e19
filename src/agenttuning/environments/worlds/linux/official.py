"""The reader of AgentBench's own operating-system files: folders of items, the dev list, the generated training list.

Splits: `std` (folders 1 to 7; folder 7 may be the full `bootstrap.json` or its half), `dev`, `training` and
`training-200`, a fixed sample of it.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from agenttuning.environments.worlds.linux.problem import CheckEntry, Comparison, Evaluation, Example, Match, Script
from agenttuning.environments.worlds.linux.programs import COMPARISONS, PROGRAMS
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_FOLDERS: Final = ("1", "2", "3", "4", "5", "6", "7")
_HALF: Final = "bootstrap_half.json"
"""Holds every second item of the benchmark's `bootstrap.json`, from the first."""
_TRAINING: Final = "training.json.gz"
SAMPLE_SPLIT: Final = "training-200"
_SAMPLE_SIZE: Final = 200
_SU_SESSION: Final = "su - jack -c 'chmod 777 test && ~/test'"
CORRECTED: Final = {("6/new", 0): _SU_SESSION, ("6/new", 1): _SU_SESSION, ("dev", 24): _SU_SESSION}
"""References of our own where the published one cannot work: its `su` ends with the preparation."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the benchmark."""

    name: str
    """Folder, file and place in the benchmark's full file, such as `4/Q30-2`."""
    description: str
    image: str
    """The container image that it names."""
    setup: tuple[Script, ...]
    """Run one after another before the episode; their exit codes do not matter."""
    start: str | None
    """Typed into the agent's own shell before its first turn."""
    evaluation: Evaluation


class _Named(BaseModel):
    code: str | None = None
    file: str | None = None
    language: str = "bash"


_Entry: TypeAlias = str | _Named | None


class _Match(BaseModel):
    answer: str | None = None
    regex: str | None = None
    strip: bool = True


class _Create(BaseModel):
    local: str = "default"
    init: _Entry | list[_Entry] = []


class _Evaluation(BaseModel):
    match: str | _Match | None = None
    check: _Entry | list[_Entry] = []
    example: _Entry = None


class _Item(BaseModel):
    description: str
    create: _Create | list[JsonValue] = _Create()
    """Two items hold a list here, by mistake: no preparation."""
    start: str | None = None
    evaluation: _Evaluation
    example: _Entry = None
    """Where folder 6 keeps what others keep in `evaluation`."""


_ITEMS: Final = TypeAdapter(list[_Item] | _Item)


def find_files(path: Path) -> Mapping[str, tuple[Path, ...]]:
    """Return split -> files for a folder, or for one file (whose split is its name without the endings).

    Raises:
        DataError: there is no file of the benchmark.
    """
    if path.is_file():
        split = path.name.split(".")[0]
        return {split: (path,), SAMPLE_SPLIT: (path,)} if path.name == _TRAINING else {split: (path,)}
    root = path if (path / "data").is_dir() else path.parent
    standard = tuple(file for folder in _FOLDERS for file in _standard(root / "data" / folder))
    training = next((file for file in (root / "train_0317" / _TRAINING, path / _TRAINING) if file.is_file()), None)
    found: dict[str, tuple[Path, ...]] = {"std": standard} if standard else {}
    if (root / "data" / "dev.json").is_file():
        found["dev"] = (root / "data" / "dev.json",)
    if training is not None:
        found |= {"training": (training,), SAMPLE_SPLIT: (training,)}
    if not found:
        raise DataError(
            f"no operating-system data at {str(path)!r}; name AgentBench's folder os_interaction, or one of its files"
        )
    return found


def count_items(path: Path) -> dict[str, int]:
    """Return the number of items of every split found."""
    return {split: sum(1 for _ in read_items(path, split=split)) for split in find_files(path)}


def read_items(path: Path, *, split: str) -> Iterator[Item]:
    """Yield the items of a split in the benchmark's order.

    Raises:
        DataError: no such split, or a file holds what is no item.
    """
    files = find_files(path)
    if split not in files:
        raise DataError(f"no split {split!r}{nearest(split, files)} at {str(path)!r}; found: {', '.join(files)}")
    items = (item for file in files[split] for item in _read(file, label=_label(file, split)))
    if split != SAMPLE_SPLIT:
        return items
    everything = list(items)
    chosen = random.Random(0).sample(range(len(everything)), min(_SAMPLE_SIZE, len(everything)))
    return (everything[index] for index in sorted(chosen))


def _standard(folder: Path) -> Iterable[Path]:
    files = sorted(folder.glob("*.json"))
    if any(file.name == "bootstrap.json" for file in files):
        return [file for file in files if file.name != _HALF]
    return files


def _label(file: Path, split: str) -> str:
    if split == SAMPLE_SPLIT:
        return "training"
    return f"{file.parent.name}/{file.stem.removesuffix('_half')}" if split == "std" else split


@cache
def _parse(file: Path) -> tuple[_Item, ...]:
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        parsed = _ITEMS.validate_python(json.loads(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise DataError(f"{file} is no list of items: {where}: {first['msg']}; fetch the file again") from error
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"cannot read {file}: {error}; fetch the file again") from error
    return tuple(parsed) if isinstance(parsed, list) else (parsed,)


def _read(file: Path, *, label: str) -> Iterator[Item]:
    stride = 2 if file.name == _HALF else 1
    for place, raw in enumerate(_parse(file)):
        index = place * stride
        try:
            yield _item(raw, label=label, index=index)
        except KeyError as error:
            raise DataError(f"{file}, item {place}: unknown program {error}; known: {_known()}") from error


def _item(raw: _Item, *, label: str, index: int) -> Item:
    create = raw.create if isinstance(raw.create, _Create) else _Create()
    example = raw.evaluation.example or raw.example
    reference = CORRECTED.get((label, index))
    return Item(
        name=f"{label}-{index}",
        description=raw.description,
        image=create.local,
        setup=tuple(_script(entry) for entry in _listed(create.init) if entry is not None),
        start=raw.start,
        evaluation=Evaluation(
            match=_match(raw.evaluation.match),
            check=tuple(_entry(entry) for entry in _listed(raw.evaluation.check)),
            example=Script(code=reference) if reference else _script(example) if example is not None else None,
        ),
    )


def _listed(value: _Entry | list[_Entry]) -> list[_Entry]:
    return value if isinstance(value, list) else [value]


def _match(raw: str | _Match | None) -> Match | None:
    if raw is None:
        return None
    if isinstance(raw, str):
        return Match(answer=raw)
    return Match(answer=raw.answer, regex=raw.regex, strip=raw.strip)


def _entry(raw: _Entry) -> CheckEntry:
    if raw is None:
        return Example()
    if isinstance(raw, _Named) and raw.file in COMPARISONS:
        return Comparison(compare=COMPARISONS[raw.file])
    return _script(raw)


def _script(raw: str | _Named) -> Script:
    if isinstance(raw, str):
        return Script(code=raw)
    if raw.file is not None:
        return Script(code=PROGRAMS[raw.file])
    if raw.language not in ("bash", "python") or raw.code is None:
        raise KeyError(raw.language)
    return Script(code=raw.code, language="python" if raw.language == "python" else "bash")


def _known() -> str:
    return ", ".join((*COMPARISONS, *PROGRAMS))
