"""Checkpoints that a kill cannot spoil, and from which training goes on bit for bit.

    checkpoints/step-000200/state.pt        weights, optimisers, random numbers
                            manifest.json   written last: step, cursor, size and SHA-256 of the rest

A checkpoint is written under a temporary name, synced and renamed; the last two are kept.
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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
    size: int
    sha256: str


class _State(TypedDict):
    model: dict[str, torch.Tensor]
    optimizers: list[dict[str, object]]
    random: torch.Tensor
    random_cuda: list[torch.Tensor]


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
) -> Path:
    """Write `step-NNNNNN` atomically, delete all but the last two, and return its path."""
    target = folder / f"step-{step:06d}"
    temporary = folder / f".{target.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    state: _State = {
        "model": _trained(model),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with disk_errors(target), _removed_on_error(temporary):
        temporary.mkdir(parents=True)
        _write_state(temporary / _STATE, state)
        size, sha256 = _measure(temporary / _STATE)
        manifest = CheckpointManifest(step=step, cursor=cursor, identity=identity, size=size, sha256=sha256)
        (temporary / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        for path in (temporary / _STATE, temporary / _MANIFEST, temporary):
            _sync(path)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
        _sync(folder)
    for old in sorted(folder.glob("step-*"))[:-_KEPT]:
        shutil.rmtree(old)
    return target


def resume_checkpoint(
    folder: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], *, identity: str
) -> Resumed:
    """Load the newest checkpoint that verifies into the model and the optimisers; start at 0 when there is none.

    Raises:
        RunError: the checkpoint belongs to other data or other settings.
    """
    damaged: list[str] = []
    for path in sorted(folder.glob("step-*"), reverse=True):
        manifest = _verified(path)
        if manifest is None:
            damaged.append(path.name)
            continue
        if manifest.identity != identity:
            raise RunError(
                f"{path} was made from other data or settings ({manifest.identity}, now {identity}); "
                "restore them, or delete the checkpoints to train anew"
            )
        state: _State = torch.load(path / _STATE, weights_only=True)
        model.load_state_dict(state["model"], strict=not _frozen(model))
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])
        return Resumed(manifest.step, manifest.cursor, tuple(damaged))
    return Resumed(damaged=tuple(damaged))


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state without frozen weights: under an adapter they are the base, which is at hand."""
    if not _frozen(model):
        return dict(model.state_dict())
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def _frozen(model: nn.Module) -> bool:
    return not all(weight.requires_grad for weight in model.parameters())


def _write_state(path: Path, state: _State) -> None:
    try:
        with path.open("wb") as file:
            torch.save(state, file)
    except RuntimeError as error:
        # torch speaks of a corrupt archive when the disk is full; the system's own words are one step behind it.
        raise error.__context__ if isinstance(error.__context__, OSError) else error from None


@contextmanager
def _removed_on_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _verified(path: Path) -> CheckpointManifest | None:
    try:
        manifest = CheckpointManifest.model_validate_json((path / _MANIFEST).read_bytes())
        intact = _measure(path / _STATE) == (manifest.size, manifest.sha256)
    except (OSError, ValidationError):
        return None
    return manifest if intact else None


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, sha256


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
