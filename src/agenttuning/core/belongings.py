"""What this process has made outside itself, written down where another process finds it after our death.

Programs that we start end with us, and take their folders along (`worlds.keeper`). Where nothing is left that could do
so, after a power cut or when a whole process group was killed, `orphans` finds here what to end and to remove:

    ~/.local/state/agenttuning/owners/<pid>-<start>-<random>/owner.json    who we are
                                                             lock          held by us; the kernel frees it
                                                             <n>.json      one thing that is ours

Programs carry the name of that folder in the variable `AGENTTUNING_OWNER`, and so does all that they start. Where the
folder cannot be written, nothing is written down and everything else goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER_VARIABLE: Final = "AGENTTUNING_OWNER"
FOLDER_PREFIX: Final = "agenttuning-"
Kind = Literal["folder", "run", "cache"]


class Owner(Record):
    """A process that owns things."""

    pid: int
    started: int
    """Clock ticks between the machine's start and its own; 0 where the system does not tell."""
    boot: str
    """The machine's start."""
    host: str
    user: int
    command: str


class Belonging(Record):
    """One thing of an owner."""

    kind: Kind
    """`folder`: private, goes with its owner; `run`: only its temporary files do; `cache`: in use, stays."""
    path: Path


def registry() -> Path:
    """Return the folder in which owners are written down."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "agenttuning" / "owners"


def boot() -> str:
    """Return a name of the machine's last start; empty where the system has none."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def started(pid: int) -> int | None:
    """Return when a process began, in clock ticks since the machine did; None without such a process, or /proc."""
    with contextlib.suppress(OSError):
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if told[0] in "ZX" else int(told[19])
    return None


class _Estate:
    """The entry of this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        begun = started(self.pid) or 0
        self.name = f"{self.pid}-{begun}-{secrets.token_hex(4)}"
        self._folder: Path | None = registry() / self.name
        self._files: dict[Path, Path] = {}
        self._count = 0
        self._lock = -1
        try:
            self._folder.mkdir(parents=True, mode=0o700)
            self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            owner = Owner(
                pid=self.pid,
                started=begun,
                boot=boot(),
                host=socket.gethostname(),
                user=os.geteuid(),
                command=" ".join(sys.argv)[:200].encode("utf-8", "replace").decode(),
            )
            (self._folder / "owner.json").write_text(owner.model_dump_json())
        except OSError:
            self._folder = None

    def add(self, belonging: Belonging) -> None:
        if belonging.path in self._files:
            return
        self._count += 1
        if self._folder is not None:
            file = self._folder / f"{self._count}.json"
            with contextlib.suppress(OSError):
                file.write_text(belonging.model_dump_json())
                self._files[belonging.path] = file

    def drop(self, path: Path) -> None:
        """Strike a thing out."""
        file = self._files.pop(path, None)
        if file is not None:
            file.unlink(missing_ok=True)

    def leave(self) -> None:
        """Remove the entry at the end of this process, where nothing is left in it."""
        if self.pid == os.getpid() and not self._files and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class _Ours:
    lock: Final = threading.RLock()
    estate: _Estate | None = None


def _estate() -> _Estate:
    with _Ours.lock:
        if _Ours.estate is None or _Ours.estate.pid != os.getpid():
            _Ours.estate = _Estate()
            atexit.register(_Ours.estate.leave)
        return _Ours.estate


def mark() -> dict[str, str]:
    """Return the variable that a program of ours must carry, so that it is found should it outlive us."""
    return {OWNER_VARIABLE: _estate().name}


def private_folder(name: str, *, parent: str | None = None) -> Path:
    """Make a folder that nobody else may enter; it is written down before it exists. `release` it once it is removed.

    Args:
        name: what it is for, as part of its name.
        parent: where it is made; None takes the machine's place for temporary files.
    """
    folder = Path(parent or tempfile.gettempdir()) / f"{FOLDER_PREFIX}{name}-{secrets.token_hex(6)}"
    hold("folder", folder)
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Give a private folder for the length of a block."""
    folder = private_folder(name)
    try:
        yield folder
    finally:
        remove_path(folder)
        release(folder)


def hold(kind: Kind, path: Path) -> None:
    """Write down that something is ours."""
    with _Ours.lock:
        _estate().add(Belonging(kind=kind, path=path.absolute()))


def release(path: Path) -> None:
    """Strike out what is gone, or not ours any more; safe to call twice, and without effect in a forked child."""
    with _Ours.lock:
        if _Ours.estate is not None and _Ours.estate.pid == os.getpid():
            _Ours.estate.drop(path.absolute())


def remove_path(path: Path) -> bool:
    """Remove a file or a folder with all in it; tells whether it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return not path.exists()
