"""Files that survive a kill: append-only JSONL for what grows, write-sync-rename for what is small."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from pydantic import BaseModel, ValidationError

from agenttuning.errors import DataError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

RecordT = TypeVar("RecordT", bound=BaseModel)

_CHUNK = 1 << 20


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one sentence; what is on disk already stays valid."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {error.strerror}; nothing finished is lost, free space and continue with --resume"
        ) from error


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a small file so that a reader sees the old content or the new, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    payload = data.encode() if isinstance(data, str) else data
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


class Appender(Generic[RecordT]):
    """Appends records, one complete line each; a torn last line of an earlier process is dropped at the start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            drop_torn_line(path)
            self._file = path.open("ab", buffering=0)

    def append(self, record: RecordT) -> None:
        """Write one line with one system call."""
        line = record.model_dump_json(exclude_defaults=True).encode() + b"\n"
        before = self._file.tell()
        with disk_errors(self.path):
            written = self._file.write(line)
            if written != len(line):
                self._file.truncate(before)
                raise OSError(28, "No space left on device")

    def close(self) -> None:
        """Sync and close; safe to call twice."""
        if not self._file.closed:
            with disk_errors(self.path):
                os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def drop_torn_line(path: Path) -> int:
    """Cut what follows the last newline; return the number of bytes dropped."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        position = end
        while position > 0:
            start = max(0, position - _CHUNK)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                position = start + found + 1
                break
            position = start
        file.truncate(position)
    return end - position


def write_records(path: Path, records: Iterable[BaseModel]) -> int:
    """Write a whole JSONL file atomically, streaming; return the number of records."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    count = 0
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                for record in records:
                    file.write(record.model_dump_json(exclude_defaults=True).encode() + b"\n")
                    count += 1
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return count


def read_records(path: Path, kind: type[RecordT]) -> Iterator[RecordT]:
    """Yield the records of a JSONL file lazily; a torn last line is left out.

    Raises:
        DataError: the file is missing, or a complete line is not a record of this kind.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}; run the stage that writes it first, or correct the path")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                raise DataError(
                    f"{path}:{number} is no {kind.__name__}: {where or 'line'}: {first['msg']}; "
                    "remove the line or rebuild the file with its stage"
                ) from error


def content_digest(path: Path) -> str:
    """Digest a file or a folder.

    JSONL is digested as a set of lines, since episodes end in any order; a folder by its sorted file names and digests.
    """
    if path.is_dir():
        parts = [
            f"{file.relative_to(path)} {content_digest(file)}" for file in sorted(path.rglob("*")) if file.is_file()
        ]
        return _hash("\n".join(parts).encode())
    if path.suffix == ".jsonl":
        with path.open("rb") as file:
            return _hash(b"".join(sorted(hashlib.sha256(line).digest() for line in file)))
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()[:16]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


@contextmanager
def locked(path: Path, folder: Path, *, kind: int) -> Iterator[None]:
    """Lock a file, shared or alone, in the name of a folder.

    Raises:
        RunError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"another process is working in {folder}; wait for it, or choose another name=..."
            ) from error
        yield
    finally:
        os.close(descriptor)
