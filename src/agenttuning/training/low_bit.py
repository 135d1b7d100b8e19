"""AdamW whose weights and moments take fewer bits, for models whose float32 state does not fit.

    weights    bfloat16: the sum is made in float32 and rounded at random, up or down in proportion to what is lost,
               so that updates far below a weight's last bit still move it on average; or rounded to nearest beside
               a float32 master copy
    moments    float32, bfloat16 (to nearest: betas of 0.9 and 0.95 move a moment by more than its last bit), or 8 bits
               after Dettmers et al. (arXiv 2110.02861): blocks of at most 256 values of one row, each with a float32
               scale and codes of the dynamic map, dense near zero

With float32 weights and moments it is AdamW. Random bits are a function of seed, step and weight alone, so a resumed
run rounds as the uninterrupted one did. Blocks never cross rows: a matrix sharded by rows has the same codes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypedDict, cast

import torch
from torch.distributed.tensor import DTensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agenttuning.training.settings import States

    Update = Callable[..., "_Part"]

_BLOCK = 256
_SMALLEST = 4096
"""Matrices of fewer values keep float32 moments: they weigh nothing and are the touchy ones."""
_SLICE = 1 << 24
"""Values updated at a time, so that the float32 intermediates stay small."""
_EPSILON = 1e-8


class _Group(TypedDict):
    params: list[torch.nn.Parameter]
    lr: float
    weight_decay: float


class _Part(NamedTuple):
    """A slice of one flat weight with its moments; scales only where moments are codes."""

    weight: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    first_scale: torch.Tensor | None
    second_scale: torch.Tensor | None


class DynamicMap(NamedTuple):
    """What 256 codes stand for."""

    values: torch.Tensor
    """Shape (256,), ascending."""
    middles: torch.Tensor
    """Shape (255,), between two values each."""
    signed: bool


class LowBitAdamW(torch.optim.Optimizer):
    """AdamW over groups of `params` with a `weight_decay` each; see the module."""

    def __init__(
        self,
        groups: Sequence[Mapping[str, object]],
        *,
        learning_rate: float,
        betas: tuple[float, float],
        states: States,
        master: bool,
        seed: int,
        compiled: bool = False,
    ) -> None:
        super().__init__([dict(group) for group in groups], {"lr": learning_rate, "weight_decay": 0.0})
        self._betas = betas
        self._states = states
        self._master = master
        self._seed = seed
        self._update = cast("Update", torch.compile(_moved)) if compiled else _moved

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # a closure is for line searches
        """Move every weight that has a gradient."""
        del closure
        index = 0
        for raw in self.param_groups:
            group = cast("_Group", raw)
            for weight in group["params"]:
                index += 1
                if weight.grad is not None:
                    self._move(weight, weight.grad, group, index)

    def _move(self, weight: torch.nn.Parameter, gradient: torch.Tensor, group: _Group, index: int) -> None:
        state = self.state[weight] or self._new_state(weight)
        state["step"] += 1
        done = int(state["step"])
        held, slopes = _local(weight).view(-1), _local(gradient).reshape(-1)
        scalars = torch.tensor(
            [group["lr"], group["lr"] * group["weight_decay"], *(1 - beta**done for beta in self._betas)],
            device=held.device,
        )
        random = torch.Generator(held.device).manual_seed((self._seed * 1_000_003 + done) * 1_000_003 + index)
        maps = dynamic_map(signed=True, device=held.device), dynamic_map(signed=False, device=held.device)
        whole = _flat(state, held)
        for start in range(0, held.numel(), _SLICE):
            part = _cut(whole, start, min(start + _SLICE, held.numel()))
            rounded = part.weight.dtype == torch.bfloat16
            noise = _noise(part.weight, random) if rounded else None
            moved = self._update(
                part, slopes[start : start + _SLICE], noise, scalars=scalars, maps=maps, betas=self._betas
            )
            for old, new in zip(part, moved, strict=True):
                if old is not None and new is not None:
                    old.copy_(new)
            if "master" in state:
                held[start : start + _SLICE] = part.weight

    def _new_state(self, weight: torch.nn.Parameter) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = self.state[weight]
        state["step"] = torch.zeros((), dtype=torch.int64)
        block = _block(weight) if self._states == "8bit" else None
        for name in ("first", "second"):
            if block:
                state[name] = _zeros(weight, torch.uint8, weight.shape[-1])
                state[f"{name}_scale"] = _zeros(weight, torch.float32, weight.shape[-1] // block)
            else:
                kind = torch.bfloat16 if self._states == "bfloat16" else torch.float32
                state[name] = _zeros(weight, kind, weight.shape[-1])
        if self._master and weight.dtype != torch.float32:
            state["master"] = weight.detach().float()
        return state

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Load what `state_dict` returned; types are kept, where torch's own way would make all like the weight."""
        super().load_state_dict(state_dict)
        saved = cast("dict[int, dict[str, torch.Tensor]]", state_dict["state"])
        weights = [weight for group in self.param_groups for weight in group["params"]]
        for index, weight in enumerate(weights):
            for name, value in saved.get(index, {}).items():
                device = value.device if name == "step" else weight.device
                self.state[weight][name] = value.detach().clone().to(device)


def _flat(state: Mapping[str, torch.Tensor], held: torch.Tensor) -> _Part:
    first, second = (_local(state[name]).view(-1) for name in ("first", "second"))
    exact = _local(state["master"]).view(-1) if "master" in state else held
    if "first_scale" not in state:
        return _Part(exact, first, second, None, None)
    return _Part(exact, first, second, *(_local(state[f"{name}_scale"]).view(-1) for name in ("first", "second")))


def _cut(whole: _Part, start: int, end: int) -> _Part:
    def cut(tensor: torch.Tensor | None) -> torch.Tensor | None:
        if tensor is None:
            return None
        block = whole.first.numel() // tensor.numel()
        return tensor[start // block : end // block]

    return _Part(
        whole.weight[start:end],
        whole.first[start:end],
        whole.second[start:end],
        cut(whole.first_scale),
        cut(whole.second_scale),
    )


def _moved(
    part: _Part,
    gradient: torch.Tensor,
    noise: torch.Tensor | None,
    *,
    scalars: torch.Tensor,
    maps: tuple[DynamicMap, DynamicMap],
    betas: tuple[float, float],
) -> _Part:
    """Return weight and moments after a step. `scalars`: rate, rate x decay, both bias corrections."""
    rate, decay, first_correction, second_correction = scalars.unbind()
    slope, weight = gradient.float(), part.weight.float()
    first = _read(part.first, part.first_scale, maps[0])
    first = first + (slope - first) * (1 - betas[0])
    second = _read(part.second, part.second_scale, maps[1]) * betas[1] + slope * slope * (1 - betas[1])
    spread = (second / second_correction).sqrt() + _EPSILON
    weight = weight - weight * decay - rate / first_correction * first / spread
    held = weight if noise is None else round_at_random(weight, noise)
    if part.first_scale is None or part.second_scale is None:
        return _Part(held, first.to(part.first.dtype), second.to(part.second.dtype), None, None)
    first_codes, first_scale = encode(first, maps[0], blocks=len(part.first_scale))
    second_codes, second_scale = encode(second, maps[1], blocks=len(part.second_scale))
    return _Part(held, first_codes, second_codes, first_scale, second_scale)


def _read(held: torch.Tensor, scale: torch.Tensor | None, codes: DynamicMap) -> torch.Tensor:
    return held.float() if scale is None else decode(held, scale, codes)


def encode(values: torch.Tensor, codes: DynamicMap, *, blocks: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return 8-bit codes, shape (n,), and scales, shape (blocks,), of n float32 values.

    A second moment above zero never becomes zero: something is divided by its root.
    """
    table = values.view(blocks, -1)
    scale = table.abs().amax(1)
    found = torch.bucketize(table / scale.clamp(min=1e-30)[:, None], codes.middles, out_int32=True)
    if not codes.signed:
        found = torch.where((found == 0) & (table > 0), 1, found)
    return found.to(torch.uint8).view(-1), scale


def decode(held: torch.Tensor, scale: torch.Tensor, codes: DynamicMap) -> torch.Tensor:
    """Return the float32 values that codes and scales stand for, shape (n,)."""
    return (codes.values[held.int()].view(len(scale), -1) * scale[:, None]).view(-1)


@lru_cache(maxsize=8)
def dynamic_map(*, signed: bool, device: torch.device) -> DynamicMap:
    """Return the dynamic map of Dettmers et al.

    Seven decades below 1; the k-th from below holds 2^k values of either sign, or 2^(k+1) of one, in the middles of
    equal parts of its [0.1, 1]; then 0 and 1.
    """
    found = [0.0, 1.0]
    for decade in range(7):
        edges = torch.linspace(0.1, 1.0, (2**decade if signed else 2 ** (decade + 1)) + 1, dtype=torch.float64)
        middles = ((edges[:-1] + edges[1:]) / 2 * 10.0 ** (decade - 6)).tolist()
        found += middles + [-value for value in middles if signed]
    values = torch.tensor(sorted(found), dtype=torch.float32, device=device)
    return DynamicMap(values, (values[:-1] + values[1:]) / 2, signed)


def round_at_random(values: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Round float32 to bfloat16, away from zero with the probability that makes the mean exact.

    `noise` is int32, uniform in [0, 2^16).
    """
    return ((values.view(torch.int32) + noise) & -65536).view(torch.float32).to(torch.bfloat16)


def _noise(like: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 1 << 16, like.shape, generator=random, device=like.device, dtype=torch.int32)


def to_bfloat16(model: torch.nn.Module) -> None:
    """Round the weights to bfloat16, in place; buffers, as the frequencies of positions, stay what they are."""
    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16)


def _block(weight: torch.Tensor) -> int | None:
    """Return the largest power of two up to 256 that divides a row; None for what keeps float32 moments."""
    if weight.ndim != 2 or weight.numel() < _SMALLEST or weight.shape[1] % 64:
        return None
    return math.gcd(weight.shape[1], _BLOCK)


def _local(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor.detach()


def _zeros(weight: torch.Tensor, dtype: torch.dtype, columns: int) -> torch.Tensor:
    """Return zeros of the weight's shape but for the columns, sharded over the ranks as it is."""
    own = _local(weight)
    zeros = own.new_zeros((*own.shape[:-1], columns), dtype=dtype)
    if not isinstance(weight, DTensor):
        return zeros
    shape = torch.Size((*weight.shape[:-1], columns))
    stride = (columns, 1)[-len(shape) :]
    return DTensor.from_local(zeros, weight.device_mesh, weight.placements, run_check=False, shape=shape, stride=stride)
