"""Which users of the host stand behind the users of a sandbox."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agenttuning.errors import WorldError

COUNT: Final = 65536
"""Users and groups of a whole system."""
_FIRST: Final = 1_879_048_192
"""First of the host's users behind a sandbox that root starts: no system gives them to anybody."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """User n inside is user `users + n` of the host; likewise groups; `count` of them."""

    kind: Literal["root", "identity", "subuid", "single"]
    users: int
    groups: int
    count: int

    def write(self, pid: int) -> None:
        """Give a process, alone in a new user namespace, its users.

        Raises:
            WorldError: the kernel or `newuidmap` refuses.
        """
        if self.kind == "subuid":
            self._write_by_program(pid)
            return
        process = Path(f"/proc/{pid}")
        try:
            if self.kind == "single":
                (process / "setgroups").write_text("deny")
            (process / "uid_map").write_text(f"0 {self.users} {self.count}")
            (process / "gid_map").write_text(f"0 {self.groups} {self.count}")
        except OSError as error:
            raise WorldError(f"the users of the sandbox cannot be mapped: {error}") from error

    def _write_by_program(self, pid: int) -> None:
        for program, own, first in (("newuidmap", os.geteuid(), self.users), ("newgidmap", os.getegid(), self.groups)):
            words = [program, str(pid), "0", str(own), "1", "1", str(first), str(self.count - 1)]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)
            if done.returncode:
                raise WorldError(f"{program} refused: {done.stderr.strip()}")


def first_user() -> int:
    """Return the owner that root gives to files of a sandbox: one that is nobody on the host, where that can be."""
    if os.geteuid():
        return os.geteuid()
    return _FIRST if _covers(_FIRST) else 0


def give(tree: Path, first: int) -> None:
    """Shift the owners of all files by `first`; root only."""
    for folder, folders, files in os.walk(tree):
        for name in (".", *folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118  some 10,000 paths
            held = os.lstat(path)
            if held.st_uid < COUNT and (name == "." or not os.path.isdir(path) or os.path.islink(path)):  # noqa: PTH112, PTH114
                os.lchown(path, held.st_uid + first, held.st_gid + first)
                if not os.path.islink(path):  # noqa: PTH114
                    os.chmod(path, held.st_mode & 0o7777)  # noqa: PTH101  a new owner takes the set-user bits away


def choose(rootfs: Path) -> Mapping:
    """Return the widest mapping that this user may have and that suits the owner of the root file system."""
    owner = rootfs.stat()
    if os.geteuid() == 0 and _covers(owner.st_uid):
        return Mapping("root" if owner.st_uid else "identity", owner.st_uid, owner.st_gid, COUNT)
    users, groups = _subordinate("/etc/subuid", os.geteuid()), _subordinate("/etc/subgid", os.getegid())
    if users and groups and shutil.which("newuidmap") and shutil.which("newgidmap"):
        return Mapping("subuid", users, groups, COUNT)
    return Mapping("single", os.geteuid(), os.getegid(), 1)


def _covers(first: int) -> bool:
    """Tell whether this process, itself perhaps in a container, has all users from `first` on."""
    try:
        ranges = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return False
    return any(start <= first and first + COUNT <= start + count for start, _, count in ranges)


def _subordinate(table: str, own: int) -> int:
    """Return the first number of this user's range of at least 65,536, else 0."""
    try:
        lines = [line.split(":") for line in Path(table).read_text().splitlines()]
        names = {str(own), getpass.getuser()}
    except (OSError, KeyError):
        return 0
    return next((int(first) for name, first, count in lines if name in names and int(count) >= COUNT), 0)
