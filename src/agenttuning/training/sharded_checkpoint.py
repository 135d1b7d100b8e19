"""The state of a sliced model on disk: every rank writes its slices, any number of ranks reads them.

The format is torch.distributed.checkpoint's; weights and moments stand in it by name, so that a later run may slice
them otherwise.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch
    from torch import nn

    from agenttuning.training.parallel import Ranks

_TRAINED = StateDictOptions(ignore_frozen_params=True, strict=False)


def write_slices(folder: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], ranks: Ranks) -> None:
    """Write this rank's slices into a folder that is there.

    Raises:
        OSError: on all ranks, when one of them cannot write.
    """
    weights, moments = get_state_dict(model, optimizers, options=_TRAINED)
    try:
        save(
            {"model": weights, "optimizers": moments},
            storage_writer=FileSystemWriter(folder),
            process_group=ranks.waiting,
        )
    except CheckpointException as error:
        raise _cause(error) from None


def read_slices(folder: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], ranks: Ranks) -> None:
    """Read this rank's slices into the model and the optimisers."""
    weights, moments = get_state_dict(model, optimizers, options=_TRAINED)
    load(
        {"model": weights, "optimizers": moments},
        storage_reader=FileSystemReader(folder),
        process_group=ranks.waiting,
    )
    set_state_dict(model, optimizers, model_state_dict=weights, optim_state_dict=moments, options=_TRAINED)


def _cause(error: CheckpointException) -> OSError:
    """Return what a rank's disk has said; torch hides it behind words of its own."""
    failures = [failure for failure, _ in error.failures.values()]
    for failure in failures:
        for told in (failure, failure.__context__):
            if isinstance(told, OSError):
                return told
    return OSError(errno.EIO, str(failures[0]).splitlines()[0] if failures else "a rank failed")
