"""What an episode could leave behind: processes, open files, threads, temporary folders."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Census:
    """Counts at one moment."""

    processes: Counter[str]
    """Descendants of this process by the name of their program."""
    files: Counter[str]
    """Open descriptors by what they lead to, numbers left out."""
    threads: int
    temporary: frozenset[str]
    """What lies in the temporary folder."""

    def leaks(self, later: Census) -> list[str]:
        """Return what a later census has more, one sentence each."""
        found = [f"{count} more process(es) {name!r}" for name, count in (later.processes - self.processes).items()]
        if later.files.total() > self.files.total():
            grown = ", ".join(f"{count} {name}" for name, count in (later.files - self.files).most_common(3))
            found.append(f"{later.files.total() - self.files.total()} more open files: {grown}")
        if later.threads > self.threads:
            found.append(f"{later.threads - self.threads} more threads")
        found += [f"left in the temporary folder: {name!r}" for name in sorted(later.temporary - self.temporary)[:5]]
        return found


def take_census() -> Census:
    """Count; what nobody refers to any more is collected first."""
    gc.collect()
    return Census(Counter(_descendants()), Counter(_files()), threading.active_count(), frozenset(_temporary()))


def _descendants() -> Iterator[str]:
    """Yield the names of all programs under this process; none where there is no /proc."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            head, _, tail = (folder / "stat").read_text(errors="replace").rpartition(") ")
        except OSError:
            continue
        state, parent = tail.split()[:2]
        if state != "Z":
            parents[int(folder.name)] = (int(parent), head.partition("(")[2])
    family = {os.getpid()}
    while more := {pid for pid, (parent, _) in parents.items() if parent in family} - family:
        family |= more
    yield from (parents[pid][1] for pid in family - {os.getpid()} if pid in parents)


def _files() -> Iterator[str]:
    for descriptor in Path("/proc/self/fd").glob("*"):
        try:
            yield str(descriptor.readlink()).partition("[")[0].rstrip("0123456789")
        except OSError:
            continue


def _temporary() -> Iterator[str]:
    yield from (entry.name for entry in Path(tempfile.gettempdir()).iterdir())


@contextmanager
def own_temporary_folder() -> Iterator[Path]:
    """Give this process and what it starts a temporary folder of its own, so that what is left in it is theirs."""
    before, told = tempfile.tempdir, os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="agenttuning-hostile-") as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
            os.environ.pop("TMPDIR")
            os.environ |= {} if told is None else {"TMPDIR": told}
