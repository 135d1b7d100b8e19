"""The interpreter of the supervisor: this Python, the dozen modules that it needs, its libraries and their loader.

The image may have no Python, an older C library, or programs that the agent has replaced; this copy depends on none of
them. It is mounted read-only for the moments of the start, and unmounted by the supervisor itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Final

from agenttuning.environments.worlds.sandbox import inside
from agenttuning.environments.worlds.sandbox.binaries import libraries, loader
from agenttuning.environments.worlds.sandbox.cache import built, cache_folder

_SOURCES: Final = tuple(sorted(Path(inside.__path__[0]).glob("*.py")))
_MODULES: Final = "__future__, _signal, ctypes, errno, fcntl, os, resource, select, sys, termios, time"
_LIST: Final = (
    "import {modules}; "
    "found = [m.__spec__.origin for m in sys.modules.values() if m.__spec__ and m.__spec__.has_location]; "
    "import json; print(json.dumps(found))"
)


def command(folder: str) -> list[str]:
    """Return how the supervisor is started from the folder where its runtime is mounted."""
    python = [f"{folder}/loader", "--inhibit-cache", "--library-path", f"{folder}/libraries", f"{folder}/bin/python"]
    return [*python, "-I", "-S", "-B", f"{folder}/supervisor.pyc"]


@cache
def runtime() -> Path:
    """Return the folder of the runtime, built at the first use on this machine.

    Raises:
        MissingExtraError: this interpreter cannot be copied.
    """
    program = Path(sys.executable).resolve()
    return built(cache_folder() / runtime_name(), lambda folder: _build(folder, program))


def runtime_name() -> str:
    """Return the name of this interpreter's runtime in the cache."""
    program = Path(sys.executable).resolve()
    facts = (
        platform.python_version(),
        str(program),
        program.stat().st_mtime_ns,
        [source.read_bytes() for source in _SOURCES],
    )
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return f"runtime-{digest}"


def _build(folder: Path, program: Path) -> None:
    origins = subprocess.run(
        [str(program), "-I", "-S", "-B", "-c", _LIST.format(modules=_MODULES)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    standard = Path(sysconfig.get_path("stdlib"))
    binaries = [program]
    for origin in (Path(os.__file__), *map(Path, json.loads(origins))):  # without `os`, Python finds no library
        target = folder / "lib" / standard.name / _inside(origin, standard)
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.suffix == ".py":
            _compile(origin, target.with_suffix(".pyc"))
        else:
            binaries.append(origin)
            shutil.copyfile(origin, target)
    found = libraries(binaries)
    for directory in (folder / "bin", folder / "libraries", folder / "lib" / standard.name / "lib-dynload"):
        directory.mkdir(exist_ok=True)
    for name, path in found.items():
        shutil.copyfile(path, folder / "libraries" / Path(name).name)
    _install(loader(found), folder / "loader")
    _install(program, folder / "bin" / "python")
    package = folder / "lib" / standard.name
    for part in inside.__name__.split("."):
        package /= part
        package.mkdir()
        _compile(_SOURCES[0], package / "__init__.pyc")  # it holds no more than a docstring
    for source in _SOURCES:
        _compile(source, package / f"{source.stem}.pyc")
    (folder / "supervisor.pyc").symlink_to((package / "supervisor.pyc").relative_to(folder))


def _inside(origin: Path, standard: Path) -> Path:
    """Return where a module lies under the standard library; extension modules of some systems lie elsewhere."""
    return origin.relative_to(standard) if origin.is_relative_to(standard) else Path("lib-dynload") / origin.name


def _compile(source: Path, target: Path) -> None:
    py_compile.compile(str(source), cfile=str(target), dfile=source.name, doraise=True)


def _install(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)
