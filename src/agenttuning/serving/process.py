"""A server as a child: started, waited for, stopped; never left behind, however the parent ends."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from agenttuning.core.belongings import mark, temporary_folder
from agenttuning.errors import MissingExtraError, StageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.serving.settings import ServerSettings

_TAIL_CHARACTERS = 2000
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers."""

    url: str
    pid: int


@contextmanager
def running_server(
    model: str | Path, settings: ServerSettings, *, start_seconds: float = 300.0
) -> Iterator[RunningServer]:
    """Serve a model in a child process, from the first healthy answer to the end of the block.

    Raises:
        MissingExtraError: the server's packages are not installed.
        StageError: it died or did not answer within `start_seconds`; carries the end of its stderr.
    """
    for name in ("starlette", "uvicorn", "torch", "transformers"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(
                f"the server needs {name!r}; install it with `pip install 'agenttuning[train,serve]'`"
            )
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with temporary_folder("serve") as folder:
        told, log = folder / "stdout", folder / "stderr"
        with told.open("wb") as stdout, log.open("wb") as stderr:
            child = subprocess.Popen(
                (sys.executable, "-m", "agenttuning.serving", str(model), settings.model_dump_json()),
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **mark(), "PYTHONPATH": path},
            )
        try:
            url = _wait(child, told, log, deadline=time.monotonic() + start_seconds)
            yield RunningServer(url, child.pid)
        finally:
            _stop(child, grace_seconds=settings.drain_seconds + 5.0)


def _wait(child: subprocess.Popen[bytes], told: Path, log: Path, *, deadline: float) -> str:
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
        if child.stdin is not None:
            child.stdin.close()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL_CHARACTERS:].strip() or "(nothing on stderr)"
