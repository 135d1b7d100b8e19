"""The ranks of the train stage: in this process, in children of its own, or where torchrun has put them.

One command serves a laptop and a machine with eight GPUs: `agenttuning train` starts a child for every rank, and ends them
when it ends, whatever way. A rank that dies takes the others along, and its own words, or the signal that killed it,
are the one sentence of the error. On several machines torchrun starts the ranks instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from agenttuning import errors
from agenttuning.core.records import Record
from agenttuning.errors import AgentTuningError, RecipeError, StageError
from agenttuning.pipeline.train import TrainJob
from agenttuning.pipeline.tuning import choose_ranks, rank_device, tune
from agenttuning.training.parallel import Seat, joined, require_degree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 5.0
"""How long the others have to tell what happened to them, when a rank has died."""
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


class RankReport(Record):
    """What a rank leaves behind."""

    counts: dict[str, JsonValue] = {}
    error: str | None = None
    """The user's sentence."""
    kind: str = ""
    """Class of the error."""


def train_on_ranks(job: TrainJob) -> dict[str, JsonValue]:
    """Train on as many ranks as the recipe asks for, and return the counts of the stage.

    Raises:
        AgentTuningError: what a rank has told.
        StageError: a rank died.
    """
    seat = Seat.taken()
    if seat is not None:
        return train_as_rank(job, seat)
    count = choose_ranks(job.config)
    if count == 1:
        return tune(job)
    require_degree(job.config.slices, ranks=count)
    return _train_in_children(job, count)


def train_as_rank(job: TrainJob, seat: Seat, *, meet: str = "env://") -> dict[str, JsonValue]:
    """Train as one of the ranks that torchrun, or this module in another process, has started.

    Raises:
        RecipeError: the recipe asks for another number of ranks.
    """
    if job.config.ranks not in ("auto", seat.count):
        raise RecipeError(f"train.ranks={job.config.ranks} and torchrun started {seat.count}; leave train.ranks away")
    with joined(seat, job.config.slices, device=rank_device(job.config, seat), meet=meet) as ranks:
        return tune(job, ranks=ranks)


def _train_in_children(job: TrainJob, count: int) -> dict[str, JsonValue]:
    logs = job.folder / "ranks"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="agenttuning-ranks-") as name:
        folder = Path(name)
        (folder / "job.json").write_text(job.model_dump_json())
        with _children(folder, logs, count) as children:
            codes = _wait(children)
        reports = [_report(folder, rank) for rank in range(count)]
    if any(codes):
        raise _failure(codes, reports, logs)
    shutil.rmtree(logs)
    return reports[0].counts


@contextmanager
def _children(folder: Path, logs: Path, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the ranks; at the end of the block none of them is left."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(count):
            children.append(_start(folder, logs, rank=rank, count=count))
        yield children
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()
            if child.stdin is not None:
                child.stdin.close()


def _start(folder: Path, logs: Path, *, rank: int, count: int) -> subprocess.Popen[bytes]:
    """Start one rank in a session of its own: an interrupt reaches it through us. Only the first one shows progress."""
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    seat = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    environment = {"GLOO_SOCKET_IFNAME": _LOOPBACK, **os.environ, "PYTHONPATH": path}
    environment |= {name: str(value) for name, value in seat.items()}
    with (logs / f"rank-{rank}.log").open("wb") as log:
        return subprocess.Popen(
            (sys.executable, "-m", "agenttuning.pipeline.rank", str(folder), str(logs / f"rank-{rank}.log")),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=None if rank == 0 else log,
            env=environment,
            start_new_session=True,
        )


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Wait until all have ended, or for a moment after the first that failed; return their exit codes."""
    failed_at = None
    while True:
        codes = [child.poll() for child in children]
        if None not in codes:
            return [child.returncode for child in children]
        if any(codes):
            failed_at = failed_at or time.monotonic()
            if time.monotonic() - failed_at > _GRACE_SECONDS:
                return [0 if code is None else code for code in codes]
        time.sleep(_POLL_SECONDS)


def _report(folder: Path, rank: int) -> RankReport:
    try:
        return RankReport.model_validate_json((folder / f"rank-{rank}.json").read_bytes())
    except (OSError, ValidationError):
        return RankReport()


def _failure(codes: Sequence[int], reports: Sequence[RankReport], logs: Path) -> AgentTuningError:
    """Return what went wrong first: a rank's own sentence, else the signal that killed one, else the end of a log."""
    for report in reports:
        if report.error is not None:
            kind = getattr(errors, report.kind, StageError)
            return kind(report.error)
    for rank, code in enumerate(codes):
        if code < 0:
            name = signal.Signals(-code).name
            return StageError(
                f"rank {rank} of {len(codes)} was killed ({name}), and the others were ended; a machine that runs out of "
                "memory does that; continue with --resume"
            )
    rank = next(rank for rank, code in enumerate(codes) if code)
    log = logs / f"rank-{rank}.log"
    last = (log.read_text(errors="replace").strip().splitlines() or ["nothing was said"])[-1]
    return StageError(f"rank {rank} of {len(codes)} failed: {last}; more is in {log}; continue with --resume")
