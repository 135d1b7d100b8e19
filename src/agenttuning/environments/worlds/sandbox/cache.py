"""Folders that are built once: named by what they are made of, written aside, moved into place when whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def cache_folder() -> Path:
    """Return the folder of root file systems: in `XDG_CACHE_HOME`, else in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agenttuning" / "rootfs"


def built(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder; where it does not exist, `build` fills a new one beside it, which then takes its name.

    Of builders in several processes one builds and the others wait for it.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with _locked(folder):
        if not folder.is_dir():
            aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            try:
                aside.chmod(0o755)
                build(aside)
                aside.rename(folder)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    locks = cache_folder()
    locks.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
    with (locks / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
