"""One rank of a training, as the parent of all ranks starts it: `python -m agenttuning.pipeline.rank FOLDER LOG`.

Standard input is a pipe whose other end only the parent holds: when the parent is gone, so is this process.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.store import write_atomic
from agenttuning.errors import AgentTuningError
from agenttuning.pipeline.launch import RankReport, train_as_rank
from agenttuning.pipeline.train import TrainJob
from agenttuning.training.parallel import Seat

if TYPE_CHECKING:
    from types import TracebackType


def main(folder: Path, log: Path) -> int:
    """Take the seat that the environment names, train, and leave a report."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.excepthook = _written_to(log)
    seat = Seat.taken()
    assert seat is not None, "started by pipeline.launch"
    job = TrainJob.model_validate_json((folder / "job.json").read_bytes())
    try:
        report = RankReport(counts=train_as_rank(job, seat, meet=f"file://{folder / 'meeting'}"))
    except AgentTuningError as error:
        report = RankReport(error=str(error), kind=type(error).__name__)
    write_atomic(folder / f"rank-{seat.rank}.json", report.model_dump_json())
    return 0 if report.error is None else 1


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


class _written_to:  # noqa: N801 - a function with a file
    def __init__(self, log: Path) -> None:
        self._log = log

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        with self._log.open("a") as file:
            traceback.print_exception(kind, error, trace, file=file)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
