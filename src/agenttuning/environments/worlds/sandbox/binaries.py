"""Which files a program of this machine needs to run elsewhere: its loader and shared libraries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agenttuning.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOUND: Final = re.compile(r"^\s+(?:(?P<name>\S+) => )?(?P<path>/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MAGIC: Final = b"\x7fELF"


def is_binary(path: Path) -> bool:
    """Tell an ELF file from a script or a data file."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _MAGIC
    except OSError:
        return False


def libraries(files: Iterable[Path]) -> dict[str, Path]:
    """Return every shared library that the files need, by the name that it is asked for, the loader by its path.

    The files are this machine's own programs: `ldd` may run their loader.

    Raises:
        MissingExtraError: `ldd` is not installed.
    """
    wanted = [str(file) for file in files]
    try:
        told = subprocess.run(["ldd", *wanted], capture_output=True, text=True, check=False, timeout=60).stdout
    except FileNotFoundError as error:
        raise MissingExtraError("ldd not found; install Debian's package libc-bin") from error
    return {found["name"] or found["path"]: Path(found["path"]) for found in _FOUND.finditer(told)}


def loader(found: dict[str, Path]) -> Path:
    """Return the program loader among them.

    Raises:
        MissingExtraError: there is none, as for static programs.
    """
    for name, path in found.items():
        if name.startswith("/") and ("/ld-" in name or "/ld." in name):
            return path
    raise MissingExtraError("the C library's loader was not found by ldd")
