"""The ranks of one machine as children of this process, which watches over them.

All of them end when this process ends, whatever way. A rank that dies takes the others along: its own sentence, or the
signal that killed it, becomes the error. Nothing heavy is imported here.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from agenttuning import errors
from agenttuning.core.records import Record
from agenttuning.core.store import write_atomic
from agenttuning.errors import AgentTuningError, StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 5.0
"""How long the others have to tell what happened to them, when a rank has failed."""
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


class _Report(Record):
    """What a rank leaves behind."""

    counts: dict[str, JsonValue] = {}
    error: str | None = None
    """A sentence for the user."""
    kind: str = ""
    """Class of the error."""


def run_ranks(command: Sequence[str], *, count: int, logs: Path, job: str) -> dict[str, JsonValue]:
    """Run a command once for every rank and return what the first one counted.

    Each gets a folder as its last argument, with `job` in the file `job.json`; its place among the ranks stands in the
    environment under torchrun's names. What the ranks print goes into `logs`; of the first one, stderr is ours.

    Raises:
        AgentTuningError: what a rank has told.
        StageError: a rank died.
    """
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="agenttuning-ranks-") as name:
        folder = Path(name)
        (folder / "job.json").write_text(job)
        with _children((*command, name), logs, count) as children:
            codes = _wait(children)
        reports = [_read(folder, rank) for rank in range(count)]
    if any(codes):
        raise _failure(codes, reports, logs)
    shutil.rmtree(logs)
    return reports[0].counts


def be_rank(folder: Path, work: Callable[[], dict[str, JsonValue]]) -> int:
    """Do a rank's work in a child of `run_ranks`, leave a report for it, and return the exit code."""
    end_with_parent()
    sys.excepthook = _to_log
    try:
        report = _Report(counts=work())
    except AgentTuningError as error:
        report = _Report(error=str(error), kind=type(error).__name__)
    write_atomic(folder / f"rank-{os.environ['RANK']}.json", report.model_dump_json())
    return 0 if report.error is None else 1


def end_with_parent() -> None:
    """End this process when stdin does, a pipe whose other end only the parent holds, however the parent ends."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def with_package(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a child finds this package where we have it."""
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package, environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path}


def _to_log(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody caught where the parent looks for it: stdout is the log, stderr may be a person's terminal."""
    traceback.print_exception(kind, error, trace, file=sys.stdout)


@contextmanager
def _children(command: Sequence[str], logs: Path, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the ranks; at the end of the block none of them is left."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(count):
            child = _start(command, logs / f"rank-{rank}.log", rank=rank, count=count)
            children.append(child)
        yield children
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()
            if child.stdin is not None:
                child.stdin.close()


def _start(command: Sequence[str], log: Path, *, rank: int, count: int) -> subprocess.Popen[bytes]:
    """Start one rank in a session of its own, so that an interrupt reaches it only through us."""
    seat = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    places = {name: str(value) for name, value in seat.items()}
    environment = with_package({"GLOO_SOCKET_IFNAME": _LOOPBACK, **os.environ, **places})
    with log.open("wb") as sink:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=None if rank == 0 else sink,
            env=environment,
            start_new_session=True,
        )


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Wait until all have ended, or for a moment after one has failed; return the exit codes, 0 for those that run."""
    deadline = None
    while True:
        codes = [child.poll() for child in children]
        if any(codes) and deadline is None:
            deadline = time.monotonic() + _GRACE_SECONDS
        if None not in codes or (deadline is not None and time.monotonic() > deadline):
            return [code or 0 for code in codes]
        time.sleep(_POLL_SECONDS)


def _read(folder: Path, rank: int) -> _Report:
    try:
        return _Report.model_validate_json((folder / f"rank-{rank}.json").read_bytes())
    except (OSError, ValidationError):
        return _Report()


def _failure(codes: Sequence[int], reports: Sequence[_Report], logs: Path) -> AgentTuningError:
    """Return what went wrong: a rank's own sentence, else the signal that killed one, else the end of a log."""
    for report in reports:
        if report.error is not None:
            kind = getattr(errors, report.kind, StageError)
            told: AgentTuningError = kind(report.error)
            return told
    killed = [(rank, -code) for rank, code in enumerate(codes) if code < 0]
    if killed:
        rank, number = killed[0]
        return StageError(
            f"rank {rank} of {len(codes)} was killed ({signal.Signals(number).name}) and the others were ended; "
            "a machine that runs out of memory does that; continue with --resume"
        )
    rank = next(rank for rank, code in enumerate(codes) if code)
    log = logs / f"rank-{rank}.log"
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    return StageError(f"rank {rank} of {len(codes)} failed: {last}; see {log}, and continue with --resume")
