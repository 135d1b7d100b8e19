"""Root file systems besides the reduced one: from Debian's builders, or from a container image's tarball."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.sandbox.cache import built, cache_folder, unfinished
from agenttuning.environments.worlds.sandbox.mapping import first_user, give
from agenttuning.environments.worlds.sandbox.reduced import reduced_name, reduced_rootfs
from agenttuning.environments.worlds.sandbox.runtime import runtime_name
from agenttuning.errors import DataError, MissingExtraError, StageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SourceName = Literal["debootstrap", "host", "mmdebstrap", "tarball"]
PACKAGES: Final = (
    *("adduser", "bc", "bzip2", "curl", "file", "gawk", "git", "iproute2", "jq", "less", "lsof", "net-tools", "procps"),
    *("psmisc", "python3", "python3-pip", "sudo", "tree", "unzip", "vim-tiny", "wget", "xz-utils", "zip"),
)
"""What the official image holds beyond Debian's minimum, as far as tasks use it."""
_RECIPE: Final = 2
"""Raised when the same source is to give another root file system."""
_BUILD_SECONDS: Final = 3600.0
_LEFT_OVER: Final = ("var/cache/apt/archives", "var/lib/apt/lists")
"""Downloads, of no use in an image."""


def build_rootfs(kind: SourceName, *, tarball: Path | None = None, target: Path | None = None) -> Path:
    """Build a root file system, or return the one that was built before of the same.

    Args:
        kind: where it comes from.
        tarball: the file of kind `tarball`, as `docker export` writes it.
        target: a folder that does not exist yet; None is the cache.

    Raises:
        DataError: the target exists, or the tarball is none or leaves its folder.
        MissingExtraError: a builder is not installed.
        StageError: a builder failed.
    """
    if target is not None and target.exists():
        raise DataError(f"{str(target)!r} exists; name a new folder, or remove it first")
    if kind == "host":
        made = reduced_rootfs()
        return made if target is None else built(target, lambda folder: _copy(made, folder))
    if kind == "tarball":
        if tarball is None or not tarball.is_file():
            raise DataError(f"no tarball at {str(tarball)!r}; make one with `docker export CONTAINER > image.tar`")
        source = tarball
        name = f"tarball-{_digest_of_file(source)}{_tarball_ending()}"
        return built(target or cache_folder() / name, lambda folder: _from_tarball(source, folder))
    suite, mirror = debian_mirror()
    builder = _debootstrap if kind == "debootstrap" else _mmdebstrap
    name = f"{kind}{_debian_ending(suite, mirror)}"
    return built(target or cache_folder() / name, lambda folder: builder(folder, suite, mirror))


def _tarball_ending() -> str:
    return f"-{_RECIPE}-{first_user()}"


def _debian_ending(suite: str, mirror: str) -> str:
    made_of = hashlib.sha256(repr((_RECIPE, suite, mirror, PACKAGES, first_user())).encode()).hexdigest()[:16]
    return f"-{suite}-{made_of}"


def outdated() -> list[Path]:
    """Return what of the cache this version on this machine would not use again, and what builders left unfinished.

    Where it cannot be told, as for Debian's own file systems on a machine without apt, nothing is outdated.
    """
    current = {"reduced": reduced_name(), "runtime": runtime_name(), "tarball": _tarball_ending()}
    with contextlib.suppress(MissingExtraError):
        current |= dict.fromkeys(("debootstrap", "mmdebstrap"), _debian_ending(*debian_mirror()))
    old = [
        folder
        for folder in cache_folder().glob("*-*")
        if folder.is_dir() and not folder.name.endswith(current.get(folder.name.partition("-")[0], ""))
    ]
    return sorted((*old, *unfinished()))


def debian_mirror() -> tuple[str, str]:
    """Return suite and address of the Debian that this machine's own apt uses.

    Raises:
        MissingExtraError: this machine has no apt, or no Debian in it.
    """
    words = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout
    except FileNotFoundError:
        told = ""
    for line in told.splitlines():
        origin, component, suite, address = (line.split() + [""] * 4)[:4]
        if (origin, component) == ("Debian", "main") and "-" not in suite:
            return suite, address
    raise MissingExtraError("apt on this machine knows no Debian mirror; use --from host, or --from tarball PATH")


def _debootstrap(folder: Path, suite: str, mirror: str) -> None:
    if os.geteuid():
        raise StageError("debootstrap needs root; use --from host, --from mmdebstrap or --from tarball PATH")
    words = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(folder), mirror]
    _build(words)
    _finish(folder)


def _mmdebstrap(folder: Path, suite: str, mirror: str) -> None:
    """Let mmdebstrap write a tarball, which needs no users of ours, and unpack that."""
    archive = folder.parent / f"{folder.name}.tar"
    words = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(archive), mirror]
    try:
        _build(words)
        _unpack(archive, folder)
    finally:
        archive.unlink(missing_ok=True)
    _finish(folder)


def _build(words: list[str]) -> None:
    if shutil.which(words[0]) is None:
        raise MissingExtraError(f"{words[0]} not found; install Debian's package {words[0]}")
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C",
        "DEBIAN_FRONTEND": "noninteractive",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        words, capture_output=True, text=True, errors="replace", check=False, timeout=_BUILD_SECONDS, env=environment
    )
    if done.returncode:
        raise StageError(f"{words[0]} failed: {(done.stderr.strip() or done.stdout.strip())[-400:]}")


def _finish(folder: Path) -> None:
    """Drop downloads, let the host name resolve, and give the files to their users."""
    for name in _LEFT_OVER:
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            shutil.rmtree(folder / name)
            (folder / name).mkdir()
    etc = folder / "etc"
    if etc.is_dir() and not etc.is_symlink():
        for name, text in (("hostname", "sandbox\n"), ("hosts", "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n")):
            (etc / name).unlink(missing_ok=True)
            (etc / name).write_text(text)
    if os.geteuid() == 0:
        give(folder, first_user())


def _from_tarball(source: Path, folder: Path) -> None:
    _unpack(source, folder)
    _finish(folder)


def _unpack(tarball: Path, folder: Path) -> None:
    """Unpack an image: no devices, nothing outside the folder, whatever the archive's links say."""
    root = folder.resolve()
    try:
        with tarfile.open(tarball) as archive:
            archive.extraction_filter = lambda member, _: _safe(member, root)
            archive.extractall(root, numeric_owner=True)  # noqa: S202  every member has passed the filter
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{str(tarball)!r}: {error}") from error
    if not (folder / "bin").exists():
        hint = "; that is `docker save`, use `docker export`" if (folder / "manifest.json").exists() else ""
        raise DataError(f"{str(tarball)!r} holds no root file system: no /bin{hint}")


def _safe(member: tarfile.TarInfo, root: Path) -> tarfile.TarInfo | None:
    """Return the member as it may be written; None leaves it out."""
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return None
    name = member.name.lstrip("/")
    targets = [name, member.linkname.lstrip("/")] if member.islnk() else [name]
    for target in targets:
        parent = (root / target).parent.resolve()
        if ".." in Path(target).parts or not parent.is_relative_to(root):
            raise tarfile.TarError(f"{member.name!r} leads out of the archive's folder")
    mode = member.mode | (0o700 if member.isdir() else 0)
    linkname = targets[1] if member.islnk() else member.linkname
    return member.replace(name=name, linkname=linkname, mode=mode, deep=False)


def _copy(source: Path, folder: Path) -> None:
    shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)
    if os.geteuid() == 0:
        give(folder, first_user())


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@cache
def description(rootfs: Path) -> str:
    """Return name and digest: of what it was made of where the cache names it by that, else of its listing."""
    if rootfs.parent == cache_folder():
        return rootfs.name
    listing = hashlib.sha256()
    for path, size in _files(rootfs):
        listing.update(f"{path}\0{size}\n".encode("utf-8", "surrogateescape"))
    return f"{rootfs.name}-{listing.hexdigest()[:16]}"


def _files(rootfs: Path) -> Iterator[tuple[str, int]]:
    for folder, folders, names in os.walk(rootfs):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            yield str(path.relative_to(rootfs)), path.lstat().st_size
