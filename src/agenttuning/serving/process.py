"""A server as a child: started, waited for, stopped; never left behind, however the parent ends."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from agenttuning.core.belongings import mark, temporary_folder
from agenttuning.errors import MissingExtraError, StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agenttuning.serving.settings import ServerSettings

_TAIL_CHARACTERS = 2000
_POLL_SECONDS = 0.05
_RESTARTS = 3
_TOLD = "stdout"
_LOG = "stderr"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers."""

    url: str
    pid: int


@contextmanager
def running_server(
    model: str | Path, settings: ServerSettings, *, start_seconds: float = 300.0
) -> Iterator[RunningServer]:
    """Serve a model in a child process, from the first healthy answer to the end of the block; again when it dies.

    Raises:
        MissingExtraError: the server's packages are not installed.
        StageError: it died or did not answer within `start_seconds`; carries the end of its stderr.
    """
    for name in ("starlette", "uvicorn", "torch", "transformers"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(
                f"the server needs {name!r}; install it with `pip install 'agenttuning[train,serve]'`"
            )
    with temporary_folder("serve") as folder:
        child = _start(model, settings, folder)
        kept: _Kept | None = None
        try:
            url = _wait(child, folder, deadline=time.monotonic() + start_seconds)
            kept = _Kept(child, partial(_start, model, _at(url, settings), folder))
            yield RunningServer(url, child.pid)
        finally:
            last = child if kept is None else kept.leave()
            _stop(last, grace_seconds=settings.drain_seconds + 5.0)


class _Kept:
    """Starts a server anew when it dies, on the same port: requests are tried again, so that no episode fails by it."""

    def __init__(self, child: subprocess.Popen[bytes], start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._child = child
        self._start = start
        self._lock = threading.Lock()
        self._left = False
        threading.Thread(target=self._watch, name="server", daemon=True).start()

    def _watch(self) -> None:
        for _ in range(_RESTARTS):
            self._child.wait()
            with self._lock:
                if self._left:
                    return
                _close_stdin(self._child)
                self._child = self._start()

    def leave(self) -> subprocess.Popen[bytes]:
        """Return the last one, which from now on may end."""
        with self._lock:
            self._left = True
            return self._child


def _start(model: str | Path, settings: ServerSettings, folder: Path) -> subprocess.Popen[bytes]:
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with (folder / _TOLD).open("wb") as stdout, (folder / _LOG).open("ab") as stderr:
        return subprocess.Popen(
            (sys.executable, "-m", "agenttuning.serving", str(model), settings.model_dump_json()),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, **mark(), "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the parent, which ends the server itself
        )


def _at(url: str, settings: ServerSettings) -> ServerSettings:
    return settings.model_copy(update={"port": urlsplit(url).port})


def _wait(child: subprocess.Popen[bytes], folder: Path, *, deadline: float) -> str:
    told, log = folder / _TOLD, folder / _LOG
    while time.monotonic() < deadline:
        url = told.read_text()
        if url.endswith("\n") and _healthy(url.strip()):
            return url.strip()
        if child.poll() is not None:
            raise StageError(f"the server ended with code {child.returncode} before it answered: {_tail(log)}")
        time.sleep(_POLL_SECONDS)
    raise StageError(f"the server did not answer in time; the end of what it said: {_tail(log)}")


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5.0).is_success
    except httpx.TransportError:
        return False


def _stop(child: subprocess.Popen[bytes], *, grace_seconds: float) -> None:
    child.terminate()
    try:
        child.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    finally:
        _close_stdin(child)


def _close_stdin(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL_CHARACTERS:].strip() or "(nothing on stderr)"
