"""A root file system from this machine's own programs: no root, no download, a few seconds.

Programs, their libraries, Python's and Perl's standard modules are copied; `/etc` is ours. What the machine does not
have is left out, and the sandbox says so in its facts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sandbox import skeleton
from agenttuning.environments.worlds.sandbox.binaries import is_binary, libraries
from agenttuning.environments.worlds.sandbox.cache import built, cache_folder
from agenttuning.environments.worlds.sandbox.mapping import first_user, give
from agenttuning.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REQUIRED: Final = ("bash", "cat", "find", "grep", "ls", "sed", "sh")
_NAMES: Final = (
    "[ arch awk b2sum base32 base64 basename bash bc bunzip2 bzcat bzip2 cal cat chage chattr chfn chgrp chmod "
    "chown chpasswd chroot chsh cksum clear cmp col column comm cp csplit cut dash date dc dd df diff diff3 dir "
    "dircolors dirname dmesg du echo ed egrep env expand expr factor fallocate false fgrep file find findmnt "
    "flock fmt fold free fuser gawk getconf getent getopt gpasswd grep groupadd groupdel groupmod groups gunzip "
    "gzip head hexdump hostid hostname iconv id ifconfig install ionice ip ipcs join jq kill killall last ldd "
    "less link ln locale logger logname look ls lsattr lscpu lsns lsof mawk md5sum mkdir mkfifo mknod mktemp more "
    "mount mountpoint mv namei netstat newgrp nice nl nohup nologin nproc nsenter numfmt od passwd paste patch "
    "pathchk perl pgrep pidof pinky pkill pmap pr printenv printf prlimit ps pstree ptx pwd pwdx readlink "
    "realpath renice rev rm rmdir runcon runuser rsync script sdiff sed seq setpriv setsid sh sha1sum sha224sum "
    "sha256sum sha384sum sha512sum shred shuf sleep sort split ss stat stdbuf strings stty su sudo sum sync "
    "sysctl tac tail tar taskset tee test time timeout top touch tput tr tree true truncate tsort tty umount "
    "uname uncompress unexpand uniq unlink unshare unxz unzip uptime useradd userdel usermod users uuidgen vdir "
    "vmstat w watch wc whereis which who whoami xargs xxd xz xzcat yes zcat zcmp zdiff zgrep zip zipinfo zless "
    "zmore "
)
PROGRAMS: Final = frozenset(_NAMES.split())
_PLACES: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_MERGED: Final = ("bin", "sbin", "lib", "lib64")
_LEFT_OUT: Final = frozenset(
    ("dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tests", "tkinter", "turtledemo")
)
"""Of Python's library."""
_DATA: Final = (
    "/etc/security/limits.d",
    "/lib/terminfo",
    "/usr/lib/file/magic.mgc",
    "/usr/lib/locale/C.utf8",
    "/usr/libexec/sudo",
    "/usr/share/file/magic",
    "/usr/share/misc/magic",
    "/usr/share/misc/magic.mgc",
    "/usr/share/terminfo/x/xterm",
    "/usr/share/zoneinfo/UTC",
)
_LIBRARY_DATA: Final = ("gawk", "perl-base", "security", "sudo")
"""Folders beside the C library: modules that programs load by name."""


@cache
def reduced_rootfs() -> Path:
    """Return the reduced root file system of this machine, built at the first use.

    Raises:
        MissingExtraError: one of the programs that every task needs is not on this machine.
    """
    programs = dict(_programs())
    if absent := [name for name in _REQUIRED if name not in programs]:
        raise MissingExtraError(
            f"no root file system can be made of this machine: no {', '.join(absent)}; give one with rootfs=FOLDER"
        )
    first = first_user()

    def build(folder: Path) -> None:
        build_reduced(folder, programs)
        if os.geteuid() == 0:
            give(folder, first)

    return built(cache_folder() / reduced_name(), build)


def reduced_name() -> str:
    """Return the name of this machine's reduced root file system in the cache."""
    programs = dict(_programs())
    facts = [(name, str(path), path.stat().st_size, path.stat().st_mtime_ns) for name, path in sorted(programs.items())]
    digest = hashlib.sha256(repr((facts, skeleton.files(), _DATA, first_user())).encode()).hexdigest()[:16]
    return f"reduced-{digest}"


def _programs() -> Iterator[tuple[str, Path]]:
    for name in sorted(PROGRAMS):
        found = shutil.which(name, path=":".join(_PLACES))
        if found and os.access(found, os.R_OK):
            yield name, Path(found)


def build_reduced(root: Path, programs: dict[str, Path]) -> None:
    """Fill an empty folder."""
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    binaries = [path.resolve() for path in programs.values() if is_binary(path)]
    for name, path in programs.items():
        _copy(path.resolve(), root / "usr" / ("sbin" if "sbin" in path.parts else "bin") / name)
    found = libraries(binaries)
    beside = found["libc.so.6"].parent if "libc.so.6" in found else Path("/usr/lib")
    modules = [path for path in map(Path, _DATA) if path.exists()]
    modules += [path for name in _LIBRARY_DATA if (path := Path("/usr") / beside.relative_to("/") / name).exists()]
    python = _python()
    binaries += [path for tree in modules for path in tree.rglob("*.so")]
    if python is not None:
        program, standard = python
        binaries += [program, *standard.rglob("*.so")]
        _copy(program, root / "usr/bin" / standard.name)
        (root / "usr/bin/python3").symlink_to(standard.name)
        shutil.copytree(standard, root / "usr/lib" / standard.name, ignore=_unneeded, symlinks=False)
    for name, path in libraries(binaries).items():
        _copy(path.resolve(), _library_target(root, name, path, beside))
    for path in modules:
        _copy(path, root / _merged(path))
    skeleton.write(root)


def _library_target(root: Path, name: str, path: Path, beside: Path) -> Path:
    if name.startswith("/"):
        return root / _merged(Path(name))
    folder = path.parent if path.parts[1] in (*_MERGED, "usr") else beside
    return root / _merged(folder) / name


def _merged(path: Path) -> Path:
    """Return where a path of this machine lies under a root whose `/bin`, `/lib` ... are in `/usr`."""
    inside = path.relative_to("/")
    return Path("usr") / inside if inside.parts[0] in _MERGED else inside


def _python() -> tuple[Path, Path] | None:
    """Return the system's Python and its library, else those that run this."""
    for candidate in (shutil.which("python3", path=":".join(_PLACES)), sys.executable):
        if candidate is None:
            continue
        asked = [candidate, "-I", "-S", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
        if told.returncode == 0 and (standard := Path(told.stdout.strip())).is_dir():
            return Path(candidate).resolve(), standard
    return None


def _unneeded(folder: str, names: list[str]) -> list[str]:
    top = Path(folder).name.startswith("python3")
    return [
        name
        for name in names
        if (top and (name in _LEFT_OUT or name.startswith("config-"))) or ".opt-" in name or name == "tests"
    ]


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=False, ignore_dangling_symlinks=True)
        return
    shutil.copyfile(source, target)
    shutil.copystat(source, target)
    target.chmod(target.stat().st_mode & 0o777 & ~0o022 | 0o444)
