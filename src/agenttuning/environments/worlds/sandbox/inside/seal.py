"""Have the programs that a checker runs been touched? The supervisor looks itself; nothing inside can make it see less.

A file's change time is set by the kernel at every change of content, name, owner or mode, and nobody inside may set the
clock: what was replaced and put back shows, too. A task may ask for another mode of a program, so the content of what
was touched is handed out, and compared outside with what it was.
"""

from __future__ import annotations

import os

_PROGRAMS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/etc/alternatives")
"""Folders in which changes count and new names do not: tasks put new programs there."""
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
"""Folders in which new names count, too: what lies there is found before what belongs there."""
_LOADER = ("/etc/ld.so.preload", "/etc/ld.so.cache", "/etc/ld.so.conf")
_DEPTH = 2
"""Levels below the folders of libraries in which the loader and the interpreters look; deeper lies data."""
_SHOWN, _LONGEST = 5, 8 << 20
"""Touched files whose content is handed out, and its length at most."""
_COMPILED = "__pycache__"
"""Written by everybody who runs Python; checkers do not read it."""

Print = tuple[int, ...]


def take_prints() -> dict[str, Print]:
    """Return path -> what changes when the file does, for all that checkers depend on."""
    found = {path: _print(path) for path in _LOADER}
    for folder in _PROGRAMS:
        _walk(folder, 0, found, closed=False)
    for folder in _LIBRARIES:
        _walk(folder, _DEPTH, found, closed=True)
    return found


def differences(before: dict[str, Print], now: dict[str, Print]) -> list[str]:
    """Return the paths that have changed, are gone, or have got new entries where none belong."""
    return [path for path, mark in before.items() if now.get(path, ()) != mark]


def show(paths: list[str]) -> list[bytes]:
    """Return path and content of the first files, one after the other; nothing for what is no file of its own."""
    return [part for path in paths[:_SHOWN] for part in (path.encode(errors="surrogateescape"), _content(path))]


def _content(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        return os.read(descriptor, size) if size <= _LONGEST else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _print(path: str) -> Print:
    try:
        status = os.lstat(path)
    except OSError:
        return ()
    return (status.st_ino, status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _walk(folder: str, depth: int, found: dict[str, Print], *, closed: bool) -> None:
    found[folder] = _print(folder)
    try:
        if os.readlink(folder):  # noqa: PTH115  another name of a folder that is walked
            return
    except OSError:
        entries = _entries(folder)
    found[folder] = (hash(tuple(sorted(entry.name for entry in entries))),) if closed else ()
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            found[entry.path] = _print(entry.path)
        elif depth:
            _walk(entry.path, depth - 1, found, closed=closed)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(folder) if entry.name != _COMPILED]
    except OSError:
        return []
