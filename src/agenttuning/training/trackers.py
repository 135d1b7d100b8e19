"""Experiment trackers, each behind the same two verbs; their packages are imported only when one is asked for.

`metrics.jsonl` is always written and is what this package itself reads. Where a tracker sends its numbers, and whether
it goes online at all, is set as its users know it (`WANDB_MODE`, `TRACKIO_DIR`, ...).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from agenttuning.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.training.settings import Tracker

PROJECT = "agenttuning"


class OpenTracker(Protocol):
    """A tracker that is running."""

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Keep the values of a step, from 1 on."""


def open_tracker(
    kind: Tracker, *, folder: Path, name: str, config: Mapping[str, JsonValue]
) -> AbstractContextManager[OpenTracker]:
    """Start a tracker for the run `name`; what it keeps in files goes under `folder` where it lets us choose.

    Raises:
        MissingExtraError: its package is not installed.
    """
    module = "torch.utils.tensorboard" if kind == "tensorboard" else kind
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"train.report_to = [\"{kind}\"] needs the package {error.name!r}; run `pip install 'agenttuning[{kind}]'`"
        ) from error
    return _OPEN[kind](_Run(folder, name, config))


@dataclass(frozen=True, slots=True)
class _Run:
    folder: Path
    name: str
    config: Mapping[str, JsonValue]


@contextmanager
def _tensorboard(run: _Run) -> Iterator[OpenTracker]:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(run.folder / "tensorboard")) as writer:
        writer.add_text("config", "\n".join(f"    {key} = {value!r}" for key, value in run.config.items()))
        yield _Logger(lambda values, step: [writer.add_scalar(key, value, step) for key, value in values.items()])


@contextmanager
def _trackio(run: _Run) -> Iterator[OpenTracker]:
    import trackio

    trackio.init(project=PROJECT, name=run.name, config=dict(run.config), resume="allow")
    try:
        yield _Logger(lambda values, step: trackio.log(values, step=step))
    finally:
        trackio.finish()


@contextmanager
def _wandb(run: _Run) -> Iterator[OpenTracker]:
    import wandb

    with wandb.init(project=PROJECT, name=run.name, dir=run.folder, config=dict(run.config)) as opened:
        yield _Logger(lambda values, step: opened.log(values, step=step))


class _Logger:
    def __init__(self, log: Callable[[dict[str, float], int], object]) -> None:
        self._log = log

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        self._log(dict(values), step)


_OPEN: dict[Tracker, Callable[[_Run], AbstractContextManager[OpenTracker]]] = {
    "tensorboard": _tensorboard,
    "trackio": _trackio,
    "wandb": _wandb,
}
