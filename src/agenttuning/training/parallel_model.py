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

_COLUMNS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj")
"""Matrices of a layer of the Llama, Mistral and Qwen families whose outputs are split over `tensor` ranks."""
_ROWS = ("self_attn.o_proj", "mlp.down_proj")
"""Those whose inputs are split, and whose outputs are summed."""
_HEAD_NORMS = ("self_attn.q_norm", "self_attn.k_norm")
"""Norms of single heads (Qwen3)."""


class Spread(nn.Module):
    """A model on several ranks; its `forward` is where the gathering of slices begins."""

    def __init__(self, model: PreTrainedModel, structure: PreTrainedModel | None) -> None:
        super().__init__()
        self.model = model
        self._structure = (structure,)  # in a tuple, so that it is no part of this module

    def forward(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        """Return the summed loss of a batch (`SummedLoss`)."""
        return summed_loss(model, batch)

    def gathered(self, ranks: Ranks) -> PreTrainedModel:
        """Put the model together on the CPU of the first rank. All ranks must call; the others get it empty."""
        (structure,) = self._structure
        if structure is None or not ranks.sharded:
            return self.model
        whole = {name: buffer.cpu() for name, buffer in self.model.named_buffers()}
        for name, weight in self.model.named_parameters():
            full = weight.full_tensor() if isinstance(weight, DTensor) else weight
            if ranks.leads:
                whole[name] = full.detach().cpu()
        return _remade(structure, lambda name, empty: whole.get(name, empty))


def spread(
    model: PreTrainedModel | None, ranks: Ranks, *, device: torch.device, precision: Precision = "float32"
) -> Spread:
    """Give every rank its part of the first rank's model; the other ranks pass None.

    Raises:
        RecipeError: a model that cannot be split as asked.
        StageError: a model whose loss is more than its output layer.
    """
    if ranks.count == 1 and model is not None:
        torch.nn.Module.to(model, device)
        return Spread(model, None)
    if ranks.sharded and model is not None:
        require_plain_head(model)
        _require_splits(model, ranks.sharding.tensor)
    structure = ranks.tell(lambda: _empty(model))
    own = _remade(structure, lambda _, empty: empty)
    sender = _Sender(own, model, device)
    placed = Spread(own, structure)
    if not ranks.sharded:
        sender.fill(own)
        return placed
    mesh = _mesh(ranks, device)
    options = _options(ranks, mesh, precision)
    for layer in _layers(own):
        sender.fill(layer)
        _split(layer, mesh, ranks.sharding.tensor)
        fully_shard(layer, **options)
    sender.fill(own)
    fully_shard(placed, **options)
    for module in placed.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)  # the loss is normalised over all ranks: gradients add up
            module.set_force_sum_reduction_for_comms(True)
    return placed


class _Sender:
    """Fills an empty model from the first rank's, part by part."""

    def __init__(self, empty: PreTrainedModel, model: PreTrainedModel | None, device: torch.device) -> None:
        self._names = {id(tensor): name for name, tensor in _tensors(empty)}
        self._source = dict(_tensors(model)) if model is not None else {}
        self._device = device
        self._sent: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def fill(self, part: nn.Module) -> None:
        """Give all empty tensors of a part their values; what is tied stays tied."""
        for module in part.modules():
            own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
            for name, tensor in own:
                if tensor.is_meta:
                    setattr(module, name, self._value(tensor))

    def _value(self, empty: torch.Tensor) -> torch.Tensor:
        if id(empty) not in self._sent:
            source = self._source.get(self._names[id(empty)])
            value = torch.empty_like(empty, device=self._device) if source is None else source.detach()
            value = value.to(self._device).contiguous()
            distributed.broadcast(value, src=0)
            self._sent[id(empty)] = (empty, _like(empty, value))
        return self._sent[id(empty)][1]


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _like(old: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return nn.Parameter(value, requires_grad=old.requires_grad) if isinstance(old, nn.Parameter) else value


def _empty(model: PreTrainedModel | None) -> PreTrainedModel:
    assert model is not None, "the first rank has the model"
    return _remade(model, lambda _, tensor: tensor.detach().to("meta"))


def _remade(model: PreTrainedModel, make: Callable[[str, torch.Tensor], torch.Tensor]) -> PreTrainedModel:
    """Copy a model with other tensors, tied where its own are tied."""
    memo = {id(tensor): _like(tensor, make(name, tensor)) for name, tensor in _tensors(model)}
    return copy.deepcopy(model, memo)


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


def _options(ranks: Ranks, mesh: DeviceMesh, precision: Precision) -> _Options:
    half = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    return {
        "mesh": mesh["machines", "slices"] if ranks.sharding.kind == "hsdp" else mesh["slices"],
        "mp_policy": half if precision == "bfloat16" else MixedPrecisionPolicy(),
        "reshard_after_forward": ranks.sharding.reshard_after_forward,
    }


def _split(layer: nn.Module, mesh: DeviceMesh, tensor: int) -> None:
    """Split a layer's heads and feed-forward over the `tensor` ranks; norms of heads see only theirs."""
    if tensor == 1:
        return
    styles: dict[str, ParallelStyle] = {name: ColwiseParallel() for name in _COLUMNS}
    styles |= {name: RowwiseParallel() for name in _ROWS}
    inside = {name for name, _ in layer.named_modules()}
    styles |= {name: SequenceParallel(sequence_dim=2) for name in _HEAD_NORMS if name in inside}
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
