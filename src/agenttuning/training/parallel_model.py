"""One model on several ranks: sent by the rank that has loaded it, sliced layer by layer, and put together again.

Only the first rank reads weights. The others get the model's structure without storage, then one layer after another:
each is complete for a moment, then every rank keeps its slice (FSDP2) or its columns and rows (tensor parallelism), so
no device ever holds more than its slices and one whole layer.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, SequenceParallel, parallelize_module

from agenttuning.errors import RecipeError
from agenttuning.training.step import require_plain_head, summed_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.tensor.parallel import ParallelStyle
    from transformers import PreTrainedModel

    from agenttuning.training.packing import Batch
    from agenttuning.training.parallel import Ranks
    from agenttuning.training.settings import Precision

    _Make = Callable[[str, torch.Tensor], torch.Tensor]

_COLUMNS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj")
"""Matrices of a layer of the Llama, Mistral and Qwen families whose outputs are split over `tensor` ranks."""
_ROWS = ("self_attn.o_proj", "mlp.down_proj")
"""Those whose inputs are split, and whose outputs are summed."""
_HEAD_NORMS = ("self_attn.q_norm", "self_attn.k_norm")
"""Norms of single heads (Qwen3)."""


class Spread(nn.Module):
    """A model on several ranks; its `forward` is where the gathering of slices begins."""

    def __init__(self, model: PreTrainedModel, home: PreTrainedModel | None) -> None:
        super().__init__()
        self.model = model
        """This rank's part."""
        self._home = (home,)  # in a tuple, so that it is no part of this module

    def forward(self, model: PreTrainedModel, batch: Batch, *, chunk: int = 0) -> torch.Tensor:
        """Return the summed loss of a batch (`SummedLoss`)."""
        return summed_loss(model, batch, chunk=chunk)

    def gather(self, ranks: Ranks) -> None:
        """Put the weights back into the model that the first rank had brought, on the CPU. All ranks must call."""
        if not ranks.sharded:
            return
        whole = {name: buffer.cpu() for name, buffer in self.model.named_buffers()}
        for name, weight in self.model.named_parameters():
            full = weight.full_tensor() if isinstance(weight, DTensor) else weight
            if ranks.leads:
                whole[name] = full.detach().cpu()
        (home,) = self._home
        if home is not None:
            _Filler(home).fill(home, lambda name, _: whole[name])


def spread(
    model: PreTrainedModel | None, ranks: Ranks, *, device: torch.device, precision: Precision = "float32"
) -> Spread:
    """Give every rank its part of the first rank's model; the other ranks pass None.

    Where ranks hold slices, the model that was passed is left without storage until `gather`.

    Raises:
        RecipeError: a model that cannot be split as asked.
        StageError: a model whose loss is more than its output layer.
    """
    if ranks.count == 1 and model is not None:
        torch.nn.Module.to(model, device)
        return Spread(model, model)
    if ranks.sharded and model is not None:
        require_plain_head(model)
        _require_splits(model, ranks.sharding.tensor)
    empty = ranks.tell(lambda: _emptied(model))
    source = dict(_tensors(model)) if model is not None else {}

    def send(name: str, tensor: torch.Tensor) -> torch.Tensor:
        value = source[name].detach().to(device) if source else torch.empty_like(tensor, device=device)
        value = value.contiguous()
        distributed.broadcast(value, src=0)
        return value

    if not ranks.sharded:
        own = empty if model is None else model
        _Filler(own).fill(own, send)
        return Spread(own, model)
    placed = Spread(empty, model)
    _slice(placed, ranks, send, device=device, precision=precision)
    if model is not None:
        _Filler(model).fill(model, lambda _, tensor: tensor.detach().to("meta"))
    return placed


class _Filler:
    """Gives the tensors of a model other values, in place; what is tied inside a part stays tied."""

    def __init__(self, model: nn.Module) -> None:
        self._known = {id(tensor): (name, tensor) for name, tensor in _tensors(model)}

    def fill(self, part: nn.Module, make: _Make) -> None:
        """Replace what a part of the model still has of its first tensors, and keep no hold of the new ones."""
        made: dict[int, torch.Tensor] = {}
        for module in part.modules():
            for key, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
                if id(tensor) not in self._known:
                    continue
                if id(tensor) not in made:
                    made[id(tensor)] = _like(tensor, make(self._known[id(tensor)][0], tensor))
                setattr(module, key, made[id(tensor)])


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _like(old: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return nn.Parameter(value, requires_grad=old.requires_grad) if isinstance(old, nn.Parameter) else value


def _emptied(model: PreTrainedModel | None) -> PreTrainedModel:
    """Return a copy that has everything but values; tied weights are tied in it, too."""
    assert model is not None, "the first rank brings the model"
    memo = {id(tensor): _like(tensor, tensor.detach().to("meta")) for _, tensor in _tensors(model)}
    return copy.deepcopy(model, memo)


def _slice(placed: Spread, ranks: Ranks, send: _Make, *, device: torch.device, precision: Precision) -> None:
    """Fill an empty model layer by layer, and keep of each what is this rank's."""
    mesh = _mesh(ranks, device)
    half = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    filler = _Filler(placed.model)
    options: _Options = {
        "mesh": mesh["machines", "slices"] if ranks.sharding.kind == "hsdp" else mesh["slices"],
        "mp_policy": half if precision == "bfloat16" else MixedPrecisionPolicy(),
        "reshard_after_forward": ranks.sharding.reshard_after_forward,
    }
    for layer in _layers(placed.model):
        filler.fill(layer, send)
        _split(layer, mesh, ranks.sharding.tensor)
        fully_shard(layer, **options)
    filler.fill(placed.model, send)
    fully_shard(placed, **options)
    for module in placed.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)  # the loss is normalised over all ranks: gradients add up
            module.set_force_sum_reduction_for_comms(True)


def _layers(model: PreTrainedModel) -> list[nn.Module]:
    names = set(model._no_split_modules or ())  # noqa: SLF001 - where transformers keeps the class of a layer
    return [module for module in model.modules() if type(module).__name__ in names]


def _mesh(ranks: Ranks, device: torch.device) -> DeviceMesh:
    """Return the ranks as machines x slices x tensor; without `hsdp` all machines are one."""
    tensor = ranks.sharding.tensor
    per_machine = ranks.on_machine if ranks.sharding.kind == "hsdp" else ranks.count
    if per_machine % tensor or ranks.count % per_machine:
        raise RecipeError(
            f"{ranks.count} ranks, {per_machine} on a machine, cannot be laid out with train.tensor={tensor}; "
            "start equally many ranks on every machine, a multiple of train.tensor"
        )
    shape = (ranks.count // per_machine, per_machine // tensor, tensor)
    return init_device_mesh(device.type, shape, mesh_dim_names=("machines", "slices", "tensor"))


class _Options(TypedDict):
    mesh: DeviceMesh
    mp_policy: MixedPrecisionPolicy
    reshard_after_forward: bool


def _split(layer: nn.Module, mesh: DeviceMesh, tensor: int) -> None:
    """Split a layer's heads and feed-forward over the `tensor` ranks; norms of heads see only theirs."""
    if tensor == 1:
        return
    styles: dict[str, ParallelStyle] = {name: ColwiseParallel() for name in _COLUMNS}
    styles |= {name: RowwiseParallel() for name in _ROWS}
    inside = {name for name, _ in layer.named_modules()}
    styles |= {name: SequenceParallel(sequence_dim=2, use_local_output=True) for name in _HEAD_NORMS if name in inside}
    parallelize_module(layer, mesh["tensor"], styles)


def _require_splits(model: PreTrainedModel, tensor: int) -> None:
    if tensor == 1:
        return
    layer = _layers(model)[0]
    known = {*_COLUMNS, *_ROWS, *_HEAD_NORMS, "input_layernorm", "post_attention_layernorm"}
    unknown = {name.rpartition(".")[0] for name, _ in layer.named_parameters()} - known
    config = model.config.get_text_config()
    heads = int(config.to_dict().get("num_key_value_heads") or config.num_attention_heads)
    if unknown:
        raise RecipeError(
            f"train.tensor={tensor} knows layers of the Llama, Mistral and Qwen families, not one with "
            f"{min(unknown)!r}; set train.tensor=1"
        )
    if heads % tensor or int(config.intermediate_size) % tensor:
        raise RecipeError(
            f"train.tensor={tensor} must divide the {heads} key heads and the feed-forward width "
            f"{config.intermediate_size} of the model"
        )
