"""Checkpoints that a kill cannot spoil, and from which training goes on bit for bit.

    checkpoints/step-000200/state.pt        weights and optimisers; of sliced models *.distcp, a file from every rank
                            manifest.json   written last: step, cursor, size and SHA-256 of the rest

A checkpoint is written under a temporary name, synced and renamed; the last two are kept. Random numbers are a function
of the step, so none are in it, and any number of ranks goes on from it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import torch
from pydantic import ValidationError

from agenttuning.core.records import Record
from agenttuning.core.store import disk_errors
from agenttuning.errors import RunError
from agenttuning.training.parallel import ALONE, Ranks
from agenttuning.training.sharded_checkpoint import read_slices, write_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from torch import nn

_KEPT = 2
_STATE = "state.pt"
_MANIFEST = "manifest.json"


class CheckpointManifest(Record):
    """What a checkpoint holds."""

    step: int
    """Finished optimiser steps."""
    cursor: int
    """Next draw of the plan."""
    identity: str
    """Digest of rows, plan and settings; a resume must agree."""
    files: dict[str, tuple[int, str]]
    """Size and SHA-256 of each."""


class _State(TypedDict):
    model: dict[str, torch.Tensor]
    optimizers: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where training goes on."""

    step: int = 0
    cursor: int = 0
    damaged: tuple[str, ...] = ()
    """Checkpoints that did not verify and were passed over."""


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    *,
    step: int,
    cursor: int,
    identity: str,
    ranks: Ranks = ALONE,
) -> Path:
    """Write `step-NNNNNN` atomically, delete all but the last two, and return its path. All ranks must call."""
    target = folder / f"step-{step:06d}"
    temporary = folder / f".{target.name}.tmp"
    with disk_errors(target), _removed_on_error(temporary):
        ranks.tell(lambda: _new_folder(temporary))
        if ranks.sharded:
            write_slices(temporary, model, optimizers, ranks)
        elif ranks.leads:
            _write_state(temporary / _STATE, model, optimizers)
        names = ranks.tell(lambda: [path.name for path in temporary.iterdir()])
        measured = {name: _measure(temporary / name, sync=True) for name in _own(names, ranks)}
        files = {name: found for part in ranks.all(measured) for name, found in part.items()}
        manifest = CheckpointManifest(step=step, cursor=cursor, identity=identity, files=files)
        ranks.tell(lambda: _complete(temporary, target, manifest))
    return target


def resume_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    *,
    identity: str,
    ranks: Ranks = ALONE,
) -> Resumed:
    """Load the newest checkpoint that verifies into the model and the optimisers; start at 0 when there is none.

    Raises:
        RunError: the checkpoint belongs to other data or other settings.
    """
    damaged: list[str] = []
    for path in ranks.tell(lambda: sorted(folder.glob("step-*"), reverse=True)):
        manifest = ranks.tell(lambda path=path: _manifest(path))  # type: ignore[misc]  # a default is no argument
        if manifest is None or not all(ranks.all(_intact(path, manifest, ranks))):
            damaged.append(path.name)
            continue
        if manifest.identity != identity:
            raise RunError(
                f"{path} was made from other data or settings ({manifest.identity}, now {identity}); "
                "restore them, or delete the checkpoints to train anew"
            )
        if ranks.sharded:
            read_slices(path, model, optimizers, ranks)
        else:
            _read_state(path / _STATE, model, optimizers)
        return Resumed(manifest.step, manifest.cursor, tuple(damaged))
    return Resumed(damaged=tuple(damaged))


def _new_folder(temporary: Path) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)


def _complete(temporary: Path, target: Path, manifest: CheckpointManifest) -> None:
    """Write the manifest, give the folder its name, and delete what is too old."""
    (temporary / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    for path in (temporary / _MANIFEST, temporary):
        _sync(path)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    _sync(target.parent)
    for old in sorted(target.parent.glob("step-*"))[:-_KEPT]:
        shutil.rmtree(old)


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state without frozen weights: under an adapter they are the base, which is at hand."""
    if not _frozen(model):
        return dict(model.state_dict())
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def _frozen(model: nn.Module) -> bool:
    return not all(weight.requires_grad for weight in model.parameters())


def _write_state(path: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> None:
    state: _State = {
        "model": _trained(model),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    try:
        with path.open("wb") as file:
            torch.save(state, file)
    except RuntimeError as error:
        # torch speaks of a corrupt archive when the disk is full; the system's own words are one step behind it.
        raise error.__context__ if isinstance(error.__context__, OSError) else error from None


def _read_state(path: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> None:
    state: _State = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"], strict=not _frozen(model))
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)


@contextmanager
def _removed_on_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _manifest(path: Path) -> CheckpointManifest | None:
    try:
        return CheckpointManifest.model_validate_json((path / _MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def _intact(path: Path, manifest: CheckpointManifest, ranks: Ranks) -> bool:
    """Verify this rank's share of the files."""
    try:
        return all(_measure(path / name) == manifest.files[name] for name in _own(manifest.files, ranks))
    except OSError:
        return False


def _own(names: Iterable[str], ranks: Ranks) -> list[str]:
    return sorted(names)[ranks.rank :: ranks.count]


def _measure(path: Path, *, sync: bool = False) -> tuple[int, str]:
    if sync:
        _sync(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, sha256


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
