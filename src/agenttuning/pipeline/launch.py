"""Where the ranks of the train stage come from: this process, children of it, or torchrun.

One command serves a laptop and a machine with eight GPUs: `agenttuning train` starts a child for every rank. On several
machines torchrun starts the ranks, and each of them calls the same command.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.errors import RecipeError
from agenttuning.pipeline.children import be_rank, run_ranks
from agenttuning.pipeline.tuning import choose_device, choose_ranks, rank_device, tune
from agenttuning.training.parallel import Seat, joined, require_degree

if TYPE_CHECKING:
    from pydantic import JsonValue

    from agenttuning.pipeline.train import TrainJob

_RANK = "import sys; from agenttuning.pipeline.launch import main; raise SystemExit(main(sys.argv[1]))"


def train_on_ranks(job: TrainJob) -> dict[str, JsonValue]:
    """Train on as many ranks as the recipe asks for, and return the counts of the stage.

    Raises:
        AgentTuningError: what a rank has told.
        StageError: a rank died.
    """
    seat = Seat.taken()
    if seat is not None:
        return _train_as_rank(job, seat)
    count = choose_ranks(job.config)
    if count == 1:
        return tune(job, device=choose_device(job.config.device))
    require_degree(job.config.slices, ranks=count)
    command = (sys.executable, "-c", _RANK)
    return run_ranks(command, count=count, logs=job.folder / "ranks", job=job.model_dump_json())


def main(folder: str) -> int:
    """Train as a child of `train_on_ranks`; the ranks meet in a file of their common folder."""
    from agenttuning.pipeline.train import TrainJob

    job = TrainJob.model_validate_json(Path(folder, "job.json").read_bytes())
    seat = Seat.taken()
    assert seat is not None, "started by run_ranks"
    return be_rank(Path(folder), lambda: _train_as_rank(job, seat, meet=f"file://{folder}/meeting"))


def _train_as_rank(job: TrainJob, seat: Seat, *, meet: str = "env://") -> dict[str, JsonValue]:
    if job.config.ranks not in ("auto", seat.count):
        raise RecipeError(f"train.ranks={job.config.ranks}, but {seat.count} were started; leave train.ranks away")
    device = rank_device(job.config, seat)
    with joined(seat, job.config.slices, device=device, meet=meet) as ranks:
        return tune(job, device=device, ranks=ranks)
