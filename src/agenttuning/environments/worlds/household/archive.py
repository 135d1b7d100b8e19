"""Finds official games: in a folder, .zip, tar archive or single file; AgentBench's path lists name more splits.

A release names its games `<split>/<task>/<trial>/game.tw-pddl`. A path list (`dev.json`, `standard.json`) beside
them is a split of its own, in its own order, as soon as every game that it lists is there: half a list is no split.
"""

from __future__ import annotations

import json
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from typing import TYPE_CHECKING, Final, TypeAlias

from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SUFFIX: Final = ".tw-pddl"
_TARS: Final = (".tar", ".tar.xz", ".tar.gz", ".tgz", ".tar.bz2")
_LARGEST: Final = 16 << 20
"""Bytes; a released game has about 60 thousand."""
_TEST: Final = ("test", "standard", "dev", "valid_unseen", "valid_seen", "games")
"""What `test` stands for: the first of these that a source has."""

_Entry: TypeAlias = "tuple[str, Callable[[], bytes]]"


@dataclass(frozen=True, slots=True)
class GameFile:
    """One game file, read."""

    name: str
    """Name inside the release from the split on, without the file: `train/<task>/<trial>`."""
    data: bytes


def split_sizes(source: Path) -> dict[str, int]:
    """Return the splits of a source with the number of games in each; `test` is always among them.

    Raises:
        DataError: the source is missing or torn, or holds no game.
    """
    sizes = {split: len(names) for split, names in _splits(source).items()}
    stand_in = next(split for split in (*_TEST, *sizes) if split in sizes)
    return {**sizes, "test": sizes[stand_in]}


def games(source: Path, split: str) -> Iterator[GameFile]:
    """Yield the games of a split, each once, sorted by name; those of a path list in its own order.

    Raises:
        DataError: the source has no such split, is missing or torn, or holds no game.
    """
    splits = _splits(source)
    if split == "test" and split not in splits:
        split = next(name for name in (*_TEST, *splits) if name in splits)
    if split not in splits:
        known = ", ".join(f"{name} ({len(names)})" for name, names in splits.items())
        raise DataError(f"{source} has no split {split!r}{nearest(split, splits)}; known: {known}")
    waiting: dict[str, bytes] = {}
    order = iter(splits[split])
    due = next(order, None)
    wanted = set(splits[split])
    for name, read in _entries(source):
        if name in wanted and name not in waiting:
            waiting[name] = read()
        while due is not None and due in waiting:
            yield GameFile(due, waiting.pop(due))
            wanted.discard(due)
            due = next(order, None)
        if due is None:
            return


def _splits(source: Path) -> dict[str, list[str]]:
    names = sorted({name for name, _ in _entries(source)})
    if not names:
        raise DataError(f"{source} holds no *{_SUFFIX}; give a folder, archive or file of ALFWorld's released games")
    splits: dict[str, list[str]] = {}
    for name in names:
        splits.setdefault(_split(name), []).append(name)
    present = set(names)
    whole = {split: listed for split, listed in _lists(source) if listed and present.issuperset(listed)}
    return splits | whole


def _split(name: str) -> str:
    split, _, rest = name.partition("/")
    return split if rest else "games"


def _short(path: str) -> str:
    """Cut a path to `<split>/<task>/<trial>`; a file that lies elsewhere keeps its own name."""
    parts = path.split("/")
    return "/".join(parts[-4:-1]) if len(parts) >= 4 else parts[-1].removesuffix(_SUFFIX)


def _entries(source: Path) -> Iterator[_Entry]:
    """Yield (name, reader) of every game, archives in their own order; a reader is good until the next step."""
    if not source.exists():
        raise DataError(f"no such file or folder: {source}; give ALFWorld's games as folder, archive or file")
    paths = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    for path in paths:
        if path.name.endswith(_SUFFIX):
            yield _short(path.as_posix()), path.read_bytes
        elif path.name.endswith(".zip"):
            yield from _zipped(path)
        elif path.name.endswith(_TARS):
            yield from _tarred(path)


def _zipped(path: Path) -> Iterator[_Entry]:
    with _whole(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(_SUFFIX) and member.file_size <= _LARGEST:
                yield _short(member.filename), partial(archive.read, member)


def _tarred(path: Path) -> Iterator[_Entry]:
    with _whole(path), tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(_SUFFIX) and member.size <= _LARGEST:
                yield _short(member.name), partial(_extracted, archive, member)


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file is not None else b""


def _lists(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the path lists of a folder: JSON objects that give game paths for each task type."""
    if not source.is_dir():
        return
    for path in sorted(source.glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
        except ValueError as error:
            raise DataError(f"{path} is not JSON; restore the path list or move it away") from error
        if isinstance(content, dict):
            paths = [entry for listed in content.values() if isinstance(listed, list) for entry in listed]
            yield path.stem, [_short(entry) for entry in paths if isinstance(entry, str) and entry.endswith(_SUFFIX)]


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Say in one sentence that an archive is torn or of another format."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, LZMAError, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path} is torn or no archive ({error}); download it again") from error
