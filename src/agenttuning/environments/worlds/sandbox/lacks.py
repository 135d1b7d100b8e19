"""What a sandbox cannot do, in words that tasks use: such tasks are refused, never silently failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS: Final = (
    *(
        "apt",
        "bc",
        "bzip2",
        "crontab",
        "curl",
        "file",
        "gawk",
        "gcc",
        "git",
        "gzip",
        "ip",
        "jq",
        "less",
        "lsof",
        "make",
    ),
    *(
        "man",
        "netstat",
        "node",
        "perl",
        "pip",
        "ps",
        "python3",
        "rsync",
        "ssh",
        "su",
        "sudo",
        "systemctl",
        "tar",
        "tree",
    ),
    *("unzip", "useradd", "vim", "wget", "xz", "zip"),
)
"""Programs that tasks ask for and that a root file system may lack."""
_NEED_USERS: Final = frozenset({"chown", "su", "sudo", "useradd"})
"""Of no use where there is one user only."""
_FOLDERS: Final = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin")


def lacking(rootfs: Path, *, users: bool, network: bool) -> frozenset[str]:
    """Return what tasks may ask for and do not get.

    Args:
        rootfs: the root file system.
        users: there are users besides root.
        network: there is a network.
    """
    absent = {name for name in PROGRAMS if not any((rootfs / folder / name).exists() for folder in _FOLDERS)}
    if not users:
        absent |= _NEED_USERS
    if not network:
        absent |= {"apt", "network"}
    return frozenset(absent)
