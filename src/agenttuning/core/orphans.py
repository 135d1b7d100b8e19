"""What processes left that are gone: their programs still running, their folders, the temporary files of their runs.

An owner is gone when no process has its number and its time of birth, and nobody holds its lock. What a living owner
has is never touched, nor what another user owns, nor what was written down on another machine (the registry may lie in
a shared home). A program is known by the variable that it carries (see `belongings`), never by its name.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import ValidationError

from agenttuning.core.belongings import (
    FOLDER_PREFIX,
    OWNER_VARIABLE,
    Belonging,
    Owner,
    boot,
    mark,
    registry,
    remove_path,
    started,
)
from agenttuning.core.records import Record
from agenttuning.core.run import stale_temporaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_END_SECONDS: Final = 10.0
_STRAY: Final = "-stray"
"""Behind the mark of what nobody holds."""


class Leftover(Record):
    """One thing whose owner is gone."""

    kind: Literal["program", "folder", "temporary", "cache", "entry"]
    """`cache` is a root file system of an older version; `entry` is the owner's own entry in the registry."""
    owner: str
    """Name of the entry; of a program, the mark that it carries."""
    told: str
    """For people: what it is, and of which command."""
    path: Path | None = None
    run: Path | None = None
    """Of a temporary file: the run that it lies in."""
    pid: int | None = None
    started: int | None = None
    size: int = 0
    """Bytes on disk."""


def leftovers() -> list[Leftover]:
    """Return everything that owners left who are gone: programs first, then files, then the entries themselves."""
    found: list[Leftover] = []
    for entry in sorted(registry().glob("*-*-*")):
        owner = _read_owner(entry)
        if owner is not None and _is_gone(entry, owner):
            found += _left_by(entry, owner)
    order = ("program", "folder", "temporary", "entry")
    return sorted(found, key=lambda one: order.index(one.kind))


def held() -> set[Path]:
    """Return the caches that living owners use."""
    found = ((entry, _read_owner(entry)) for entry in registry().glob("*-*-*"))
    living = [entry for entry, owner in found if owner is not None and not _is_gone(entry, owner)]
    return {thing.path for entry in living for thing in _belongings(entry) if thing.kind == "cache"}


def remove(found: Iterable[Leftover]) -> list[Leftover]:
    """End the programs, then remove the files; return what is gone now.

    What has changed since it was found is left alone: a process with that number but another birth, a run that
    another process has begun to continue.
    """
    things = list(found)
    programs = [one for one in things if one.kind == "program"]
    gone = _end_all(programs)
    for one in things:
        if one.kind != "program" and one.path is not None and _removed(one):
            gone.append(one)
    return gone


def end_strays_at_exit() -> None:
    """Have ended with this process what it starts without a keeper: children of a careless world, say.

    Call it first of all: what is registered for the exit last is done first, and closes what it can by itself.
    """
    stray = mark()[OWNER_VARIABLE] + _STRAY
    if os.environ.get(OWNER_VARIABLE) != stray:
        os.environ[OWNER_VARIABLE] = stray
        atexit.register(_end_strays, stray, os.getpid())


def _end_strays(stray: str, pid: int) -> None:
    if os.getpid() == pid:
        _end_all([_program(stray, *found, by="of this process") for found in _programs(stray)])


def _read_owner(entry: Path) -> Owner | None:
    """Return the owner of an entry that is this user's and of this machine."""
    try:
        if entry.stat().st_uid != os.geteuid():
            return None
        owner = Owner.model_validate_json((entry / "owner.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return owner if (owner.user, owner.host) == (os.geteuid(), socket.gethostname()) else None


def _is_gone(entry: Path, owner: Owner) -> bool:
    if owner.boot == boot() and owner.started and started(owner.pid) == owner.started:
        return False
    return _is_free(entry / "lock")


def _is_free(lock: Path) -> bool:
    with _locked(lock) as free:
        return free


@contextmanager
def _locked(lock: Path) -> Iterator[bool]:
    """Hold a lock file for a block, if nobody else does; one that is not there is held by nobody."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        yield True
        return
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _belongings(entry: Path) -> Iterator[Belonging]:
    for file in sorted(entry.glob("[0-9]*.json")):
        with contextlib.suppress(OSError, ValidationError):  # torn by the power cut: there was no folder yet
            yield Belonging.model_validate_json(file.read_bytes())


def _left_by(entry: Path, owner: Owner) -> Iterator[Leftover]:
    by = f"of process {owner.pid} ({owner.command[:60] or 'unknown'})"
    for value in (entry.name, entry.name + _STRAY):
        for found in _programs(value):
            yield _program(value, *found, by=by)
    for thing in _belongings(entry):
        if thing.kind == "folder" and _is_ours(thing.path):
            yield Leftover(
                kind="folder", owner=entry.name, told=f"folder {by}", path=thing.path, size=size_of(thing.path)
            )
        elif thing.kind == "run" and _is_free(thing.path / ".lock"):
            for path in stale_temporaries(thing.path):
                told = f"unfinished file {by}"
                size = size_of(path)
                yield Leftover(kind="temporary", owner=entry.name, told=told, path=path, run=thing.path, size=size)
    yield Leftover(kind="entry", owner=entry.name, told=f"entry {by}", path=entry)


def _program(value: str, pid: int, begun: int, name: str, *, by: str) -> Leftover:
    return Leftover(kind="program", owner=value, told=f"program {name!r}, process {pid}, {by}", pid=pid, started=begun)


def _programs(value: str) -> Iterator[tuple[int, int, str]]:
    """Yield number, birth and name of the processes that carry a mark; nothing where there is no /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if _carries(pid, value) and (begun := started(pid)) is not None:
            with contextlib.suppress(OSError):
                yield pid, begun, (folder / "comm").read_text().strip()


def _carries(pid: int, value: str) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{OWNER_VARIABLE}={value}".encode() in variables and pid != os.getpid()


def _end_all(programs: list[Leftover]) -> list[Leftover]:
    """Kill processes and wait until they are gone; a handle keeps the number from meaning another."""
    for one in programs:
        assert one.pid is not None
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(one.pid)
            try:
                if started(one.pid) == one.started and _carries(one.pid, one.owner):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)
    deadline = time.monotonic() + _END_SECONDS
    while (left := [one for one in programs if _runs(one)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [one for one in programs if one not in left]


def _runs(one: Leftover) -> bool:
    return one.pid is not None and started(one.pid) == one.started


def _is_ours(folder: Path) -> bool:
    """May this folder be removed: made by us under the name that we give, and by this user or one that root chose."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return folder.name.startswith(FOLDER_PREFIX) and not folder.is_symlink() and os.geteuid() in {0, facts.st_uid}


def _removed(one: Leftover) -> bool:
    assert one.path is not None
    if one.kind == "folder":
        return _is_ours(one.path) and remove_path(one.path)
    lock = one.path / "lock" if one.run is None else one.run / ".lock"
    with _locked(lock) as free:
        return free and not any(_programs(one.owner)) and remove_path(one.path)


def size_of(path: Path) -> int:
    """Return the bytes that a file or a folder takes on its disk."""
    total = 0
    with contextlib.suppress(OSError):
        total = path.lstat().st_blocks * 512
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_blocks * 512
    return total
