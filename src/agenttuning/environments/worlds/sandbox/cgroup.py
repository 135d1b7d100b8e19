"""Limits on all processes of a sandbox together: memory, processes and processor time, where a cgroup can be made.

As root under version 1, or in a delegated part of version 2 (a systemd user session, a container that owns its part).
Where none can be made, limits of each process take their place.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import anyio

from agenttuning.core.belongings import started
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

_ROOT: Final = Path("/sys/fs/cgroup")
_NAME: Final = re.compile(r"agenttuning-(\d+)\.(\d+)-[0-9a-f]+")
"""Number and birth of the process that made it."""
_OWN_PROCESSES: Final = 4
"""bubblewrap and the supervisor, with some to spare: they are not the agent's."""
_PERIOD: Final = 100_000
"""Microseconds over which processor time is counted."""
_REMOVAL_TRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A cgroup of one sandbox: one folder under version 2, one for every controller under version 1."""

    version: Literal["cgroup-v1", "cgroup-v2"]
    folders: tuple[Path, ...]

    def take(self, pid: int) -> None:
        """Move a process, which has no children yet, into the group."""
        try:
            for folder in self.folders:
                (folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise WorldError(f"the sandbox cannot be put under its limits: {error}") from error

    async def remove(self) -> None:
        """Remove the group once the kernel has buried its last process."""
        for folder in self.folders:
            for _ in range(_REMOVAL_TRIES):
                if _removed(folder):
                    break
                await anyio.sleep(0.01)


def make_cgroup(
    settings: SandboxSettings, *, root: Path = _ROOT, own: Path = Path("/proc/self/cgroup")
) -> Cgroup | None:
    """Return a new group with the limits, or None where the machine gives none.

    Args:
        settings: the limits.
        root: where the control files are.
        own: the kernel's list of the groups of this process.
    """
    try:
        paths = dict(line.split(":", 2)[1:] for line in own.read_text().splitlines())
    except OSError:
        return None
    limits = _limits(settings)
    if (root / "cgroup.controllers").exists():
        return _make_unified(root / paths.get("", "/").lstrip("/"), limits["cgroup-v2"])
    by_controller = {name: path for names, path in paths.items() for name in names.split(",")}
    parents = {
        name: root / name / by_controller[name].lstrip("/") for name in limits["cgroup-v1"] if name in by_controller
    }
    if not {"memory", "pids"} <= parents.keys():
        return None
    made: list[Path] = []
    for name, parent in parents.items():
        folder = _make(parent, limits["cgroup-v1"][name])
        if folder is None:
            for other in made:
                _removed(other)
            return None
        made.append(folder)
    return Cgroup("cgroup-v1", tuple(made))


def _limits(settings: SandboxSettings) -> dict[str, dict[str, dict[str, str]]]:
    """Return file and value of every limit, by version and controller; written files are memory too."""
    memory = str((settings.memory_mib + settings.disk_mib) << 20)
    processes = str(settings.processes + _OWN_PROCESSES)
    time = str(round(settings.processors * _PERIOD))
    return {
        "cgroup-v1": {
            "memory": {"memory.limit_in_bytes": memory},
            "pids": {"pids.max": processes},
            "cpu": {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": time},
        },
        "cgroup-v2": {
            "memory": {"memory.max": memory, "memory.swap.max": "0"},
            "pids": {"pids.max": processes},
            "cpu": {"cpu.max": f"{time} {_PERIOD}"},
        },
    }


def _make_unified(own: Path, limits: dict[str, dict[str, str]]) -> Cgroup | None:
    """Make a sibling or a child of our own group, whichever may hold the controllers."""
    for parent in (own.parent, own):
        try:
            enabled = set((parent / "cgroup.subtree_control").read_text().split())
        except OSError:
            continue
        wanted = {file: value for name in limits if name in enabled for file, value in limits[name].items()}
        if {"memory", "pids"} <= enabled and (folder := _make(parent, wanted)):
            return Cgroup("cgroup-v2", (folder,))
    return None


def _make(parent: Path, limits: dict[str, str]) -> Path | None:
    _sweep(parent)
    folder = parent / f"agenttuning-{os.getpid()}.{started(os.getpid()) or 0}-{secrets.token_hex(6)}"
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        for file, value in limits.items():
            if file != "memory.swap.max" or (folder / file).exists():
                (folder / file).write_text(value)
    except OSError:
        _removed(folder)
        return None
    return folder


def _sweep(parent: Path) -> None:
    """Remove the empty groups of processes that were killed before they could."""
    with contextlib.suppress(OSError):
        for folder in parent.glob("agenttuning-*"):
            owner = _NAME.fullmatch(folder.name)
            if owner and (started(int(owner[1])) or 0) != int(owner[2]):
                _removed(folder)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
