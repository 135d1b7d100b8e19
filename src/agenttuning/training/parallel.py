"""Ranks: the processes that train one model together, one for each GPU, or one for each core of a CPU.

All ranks draw the same rows for a step. Each takes its share of them, a pure function of the rows' lengths, and adds
its part of the gradient of one and the same loss: the mean over the trained tokens of all shares. So the batch, the
loss and the plan do not depend on how many ranks there are.

    sharding = "none"     every rank holds the whole model; gradients are summed once a step
    sharding = "fsdp"     every rank holds a slice of each weight, gradient and moment (FSDP2)
    sharding = "hsdp"     slices inside a machine, whole copies across machines
    tensor = 2, 4, ...    besides: so many neighbouring ranks compute each layer together, on the same rows

One process is `ALONE`: the same code, with nobody to talk to.
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import distributed
from torch.distributed.tensor import DTensor

from agenttuning.errors import RecipeError, StageError
from agenttuning.models.chat_template import IGNORED
from agenttuning.training.mask import TrainingRow
from agenttuning.training.settings import ShardSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch.distributed.device_mesh import DeviceMesh

T = TypeVar("T")

_LOGGER = logging.getLogger("torch.distributed.tensor._redistribute")

_BUCKET = 1 << 25
"""Numbers summed in one message: all of a small model, and 128 MB of a large one."""
_PATIENCE = timedelta(days=2)
"""How long a rank waits for the first one, which reads, tokenises and writes for all. A dead one is noticed at once."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """All ranks, seen from one of them."""

    rank: int = 0
    count: int = 1
    on_machine: int = 1
    """Ranks on each machine."""
    sharding: ShardSettings = field(default_factory=ShardSettings)
    waiting: distributed.ProcessGroup | None = None
    """Where ranks wait for the first one."""

    @property
    def leads(self) -> bool:
        """Is it the rank that reads, reports and exports for all."""
        return self.rank == 0

    @property
    def sharded(self) -> bool:
        """Does no rank hold the whole model."""
        return self.count > 1 and self.sharding.kind != "none"

    @property
    def slices(self) -> int:
        """Into how many slices the model's state is cut."""
        return {"none": 1, "fsdp": self.count, "hsdp": self.on_machine}[self.sharding.kind]

    @property
    def shares(self) -> int:
        """Into how many shares a step's rows are split."""
        return self.count // self.sharding.tensor

    @property
    def share(self) -> int:
        """The share that is this rank's; `tensor` neighbours have the same."""
        return self.rank // self.sharding.tensor

    def own(self, drawn: Sequence[TrainingRow]) -> list[TrainingRow]:
        """Return this rank's share of a step's rows; a row without trained tokens where there are not enough."""
        if self.count == 1:
            return list(drawn)
        return [drawn[index] for index in split([len(row) for row in drawn], self.shares)[self.share]] or [idle_row()]

    def total(self, *numbers: float) -> tuple[float, ...]:
        """Return the sums of some numbers over all shares."""
        if self.count == 1:
            return numbers
        once = self.rank % self.sharding.tensor == 0
        summed = torch.tensor(numbers if once else [0.0] * len(numbers), dtype=torch.float64)
        distributed.all_reduce(summed)
        return tuple(summed.tolist())

    def most(self, number: int) -> int:
        """Return the largest of the ranks' numbers."""
        if self.count == 1:
            return number
        largest = torch.tensor(number)
        distributed.all_reduce(largest, op=distributed.ReduceOp.MAX)
        return int(largest)

    def add_gradients(self, weights: Sequence[torch.Tensor]) -> None:
        """Sum the gradients over all ranks, in place; a sharded model has done so in its backward pass."""
        if self.count == 1 or self.sharded:
            return
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.flatten() for gradient in bucket])
            distributed.all_reduce(flat)
            for gradient, summed in zip(bucket, torch.split(flat, [part.numel() for part in bucket]), strict=True):
                gradient.copy_(summed.view_as(gradient))

    def clip(self, weights: Sequence[torch.Tensor], limit: float) -> float:
        """Scale the gradients so that their norm, taken over all slices, is at most `limit`; return it from before."""
        if not self.sharded:
            return float(torch.nn.utils.clip_grad_norm_(weights, limit))
        meshes: dict[DeviceMesh, list[torch.Tensor]] = {}
        for weight in weights:
            assert isinstance(weight, DTensor), "a weight escaped sharding"
            meshes.setdefault(weight.device_mesh, []).append(weight)
        norms = [_norm([weight.grad for weight in group if weight.grad is not None]) for group in meshes.values()]
        norm = torch.stack(norms).norm()
        for group in meshes.values():
            torch.nn.utils.clip_grads_with_norm_(group, limit, norm)
        return float(norm)

    def reseed(self, seed: int, *, step: int, together: bool = False) -> None:
        """Make the random numbers of a step a function of (seed, step, share), so that no checkpoint holds them.

        `together` gives all ranks the same: what they do to their copies of one weight must agree.
        """
        share = "all" if together else self.share
        state = hashlib.blake2b(f"{seed}/{step}/{share}".encode(), digest_size=8).digest()
        torch.manual_seed(int.from_bytes(state, signed=True))

    def tell(self, make: Callable[[], T]) -> T:
        """Let the first rank make something, and return it on all."""
        if self.count == 1:
            return make()
        told: list[T | None] = [make() if self.leads else None]
        distributed.broadcast_object_list(told, src=0, group=self.waiting)
        return told[0]  # type: ignore[return-value]  # the first rank has made it

    def all(self, mine: T) -> list[T]:
        """Return what every rank has."""
        if self.count == 1:
            return [mine]
        found: list[T] = [mine] * self.count
        distributed.all_gather_object(found, mine, group=self.waiting)
        return found


ALONE = Ranks()
"""One process."""


def split(lengths: Sequence[int], parts: int) -> list[list[int]]:
    """Split rows into parts of about as many tokens: longest first, each to the part that has the least."""
    found: list[list[int]] = [[] for _ in range(parts)]
    tokens = [0] * parts
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        least = tokens.index(min(tokens))
        found[least].append(index)
        tokens[least] += lengths[index]
    return [sorted(part) for part in found]


@dataclass(frozen=True, slots=True)
class Seat:
    """A rank before it has joined the others, as `torchrun` and our own launcher say it in the environment."""

    rank: int
    count: int
    local: int
    """Number on its machine."""
    on_machine: int

    @classmethod
    def taken(cls) -> Seat | None:
        """Return the seat that the environment gives this process; None when it trains alone."""
        if os.environ.get("WORLD_SIZE", "1") in {"", "1"}:
            return None
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        missing = [name for name in names if not os.environ.get(name, "").isdigit()]
        if missing:
            raise StageError(f"WORLD_SIZE is set, but not {', '.join(missing)}; start the ranks with torchrun")
        return cls(*(int(os.environ[name]) for name in names))


@contextmanager
def joined(seat: Seat, sharding: ShardSettings, *, device: torch.device, meet: str = "env://") -> Iterator[Ranks]:
    """Meet the other ranks; `meet` says where, by default at torchrun's address.

    Raises:
        RecipeError: their number is no multiple of `tensor`.
    """
    require_degree(sharding, ranks=seat.count)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    bound = device if device.type == "cuda" else None
    distributed.init_process_group(backend, init_method=meet, rank=seat.rank, world_size=seat.count, device_id=bound)
    _LOGGER.setLevel(logging.ERROR)  # how DTensor gathers what is sliced twice, told on every rank
    waiting = distributed.new_group(backend="gloo", timeout=_PATIENCE)
    try:
        yield Ranks(seat.rank, seat.count, seat.on_machine, sharding, waiting)
    except BaseException:
        if device.type == "cpu":  # NCCL would wait for ranks that wait for this one
            distributed.destroy_process_group()
        raise
    distributed.destroy_process_group()


def require_degree(sharding: ShardSettings, *, ranks: int) -> None:
    """Refuse a number of ranks that `tensor` does not divide.

    Raises:
        RecipeError: it does not.
    """
    if ranks % sharding.tensor:
        raise RecipeError(
            f"train.tensor={sharding.tensor} does not divide {ranks} ranks; "
            f"start a multiple of {sharding.tensor}, or lower it"
        )


def _buckets(gradients: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Yield runs of gradients of one kind that make a message."""
    bucket: list[torch.Tensor] = []
    for gradient in gradients:
        full = sum(part.numel() for part in bucket) + gradient.numel() > _BUCKET
        if bucket and (full or gradient.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(gradient)
    if bucket:
        yield bucket


def _norm(gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    norm = torch.nn.utils.get_total_norm(gradients)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def idle_row() -> TrainingRow:
    """Return a row that has no say in the loss, for a rank without rows: it still takes part in every exchange."""
    return TrainingRow(np.zeros(2, dtype=np.int32), np.full(2, IGNORED, dtype=np.int32), "")
