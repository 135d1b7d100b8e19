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

from agenttuning.core.belongings import hold, remove_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def cache_folder() -> Path:
    """Return the folder of root file systems: in `XDG_CACHE_HOME`, else in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agenttuning" / "rootfs"


def built(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder; where it does not exist, `build` fills a new one beside it, which then takes its name.

    Of builders in several processes one builds and the others wait for it.
    """
    hold("cache", folder)
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
    cache_folder().mkdir(parents=True, exist_ok=True)
    with _lock_file(folder).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_file(folder: Path) -> Path:
    return cache_folder() / f".{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]}.lock"


def remove_built(folder: Path) -> bool:
    """Remove a folder of the cache; who looks for it meanwhile finds all of it or nothing, and builds it anew."""
    aside = folder.with_name(f".{folder.name.lstrip('.')}.removed")
    with _locked(folder):
        if folder != aside:
            remove_path(aside)
            folder.rename(aside)
        return remove_path(aside)


def unfinished() -> list[Path]:
    """Return what builders left that were killed: folders that have not taken their name."""
    return [folder for folder in cache_folder().glob(".*.*") if folder.is_dir() and not _is_building(folder)]


def _is_building(aside: Path) -> bool:
    target = aside.with_name(aside.name[1:].rpartition(".")[0])
    try:
        with _lock_file(target).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
