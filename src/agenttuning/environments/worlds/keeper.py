"""A program with a folder of its own, held so that neither outlives this process, whatever way it ends.

A shell holds the program and reads from a pipe whose other end is ours: when this process ends or closes it, the pipe
breaks, and the shell kills the program and removes its folder with all that it wrote.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agenttuning.core.belongings import mark, release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ONE: Final = '"$@" & kept=$!; read -r _; kill -9 $kept; wait $kept; rm -rf "$FOLDER"'
_GROUP: Final = """
setsid "$@" & kept=$!
read -r _
kill -9 -$kept
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 -$kept && sleep 0.05; done
rm -rf "$FOLDER"
"""
"""The dead of a group may wait for someone to count them, so that the wait for its end is bounded."""
_MEMORY_FREE: Final = 2 << 30


class Keeper:
    """A running program; `close` ends it and removes its folder."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        group: bool = False,
        log: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start the program in a session of its own.

        Args:
            command: the program and its arguments.
            folder: what is removed at the end; a `private_folder`, so that it is found should even the shell be killed.
            group: the program starts others, which end with it (needs `setsid`).
            log: file for all that it prints; None drops it.
            variables: added to the environment.
        """
        self._owner = os.getpid()
        self._folder = folder
        self._closing = threading.Lock()
        with Path(log or os.devnull).open("wb") as sink:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _GROUP if group else _ONE, "keeper", *command],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                cwd=folder,
                env={**os.environ, **(variables or {}), **mark(), "FOLDER": str(folder)},
            )

    @property
    def ours(self) -> bool:
        """Was it started by this process, not by the one that this was forked from."""
        return os.getpid() == self._owner

    def close(self) -> None:
        """End the program; safe to call twice, and without effect in a forked child."""
        if not self.ours:
            return
        with self._closing:
            if self._shell.stdin is not None and not self._shell.stdin.closed:
                self._shell.stdin.close()
            self._shell.wait()
            if not self._folder.exists():
                release(self._folder)


def fast_folder() -> str | None:
    """Return a folder in memory for private folders of databases; None where there is none with room."""
    memory = Path("/dev/shm")  # noqa: S108  fresh private folders are made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _MEMORY_FREE
    return str(memory) if roomy else None
