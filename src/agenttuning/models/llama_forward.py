"""A forward pass of Llama and Qwen2 on a CPU, where a small model's time goes into calls rather than into sums.

It computes what transformers' own computes (weights, positions and activation are the model's), with three products for
queries, keys and values joined into one, two of the feed-forward part into one, and keys and queries turned together.
Models of other kinds, and those with adapters, keep transformers' pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import torch
from torch.nn import functional
from transformers import LlamaForCausalLM, Qwen2ForCausalLM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transformers import PreTrainedModel

    from agenttuning.models.row_cache import RowCache

_SMALL = 512
"""Up to this hidden size weights lie by columns: a few rows times a small matrix are up to twice as quick so."""


class Forward(Protocol):
    """From new tokens to the scores of the next ones."""

    def __call__(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: RowCache, *, keep: int
    ) -> torch.Tensor:
        """Return `[rows, places, vocabulary]` for the last `keep` places of every row, 0 for all.

        `ids` and `positions` are `[rows, tokens]`, `mask` `[rows, 1, tokens, columns]` is added to attention's scores.
        """


def forward_of(model: PreTrainedModel) -> Forward:
    """Return the quickest pass that this model has here; its weights may move in memory."""
    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    plain = all(type(module) is torch.nn.Linear for module in linear)
    known = type(model) in (LlamaForCausalLM, Qwen2ForCausalLM)
    exact = model.device.type == "cpu" and model.dtype in (torch.float32, torch.float64)
    return LlamaForward(model) if plain and known and exact else _TransformersForward(model)


class _TransformersForward:
    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model

    def __call__(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: RowCache, *, keep: int
    ) -> torch.Tensor:
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        return cast("torch.Tensor", output.logits)


class _Product(NamedTuple):
    weight: torch.Tensor
    bias: torch.Tensor | None

    def of(self, values: torch.Tensor) -> torch.Tensor:
        return functional.linear(values, self.weight, self.bias)


class _Norm(NamedTuple):
    """Of the root mean square, by the length of the vector: `sqrt(n (mean(x^2) + e)) = hypot(|x|, sqrt(n e))`."""

    scaled_weight: torch.Tensor
    """Times `sqrt(n)`."""
    shortest: torch.Tensor
    """`sqrt(n e)`."""

    @classmethod
    def like(cls, module: torch.nn.Module) -> _Norm:
        weight = cast("torch.Tensor", module.weight).detach()
        squared = len(weight) * cast("float", module.variance_epsilon)
        return cls(weight * len(weight) ** 0.5, weight.new_tensor(squared**0.5))

    def of(self, values: torch.Tensor) -> torch.Tensor:
        length = torch.hypot(torch.linalg.vector_norm(values, dim=-1, keepdim=True), self.shortest)
        return values * self.scaled_weight / length


class _Layer(NamedTuple):
    before_attention: _Norm
    projections: _Product
    """Of queries, keys and values."""
    output: _Product
    before_feed_forward: _Norm
    gate_and_up: _Product
    down: _Product


class LlamaForward:
    """The joined pass, a `Forward`."""

    def __init__(self, model: PreTrainedModel) -> None:
        config = model.config
        body = model.get_submodule("model")
        self._embedding = model.get_input_embeddings()
        self._rotary = body.get_submodule("rotary_emb")
        self._queries, self._keys = int(config.num_attention_heads), int(config.num_key_value_heads)
        self._by_columns = config.hidden_size <= _SMALL
        self._layers = [self._layer(layer) for layer in cast("torch.nn.ModuleList", body.get_submodule("layers"))]
        self._activation = cast("Callable[[torch.Tensor], torch.Tensor]", body.get_submodule("layers.0.mlp.act_fn"))
        self._norm = _Norm.like(body.get_submodule("norm"))
        self._head = self._joined([cast("torch.nn.Linear", model.get_output_embeddings())])

    def __call__(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: RowCache, *, keep: int
    ) -> torch.Tensor:
        """Return the scores; see `Forward`."""
        hidden = self._embedding(ids)
        cosines, sines = (table[:, :, None] for table in self._rotary(hidden, positions))
        half = cosines.shape[-1] // 2
        sines = torch.cat((-sines[..., :half], sines[..., half:]), dim=-1)
        rows, tokens = ids.shape
        turning = self._queries + self._keys
        for index, layer in enumerate(self._layers):
            heads = layer.projections.of(layer.before_attention.of(hidden))
            heads = heads.view(rows, tokens, turning + self._keys, 2 * half)
            turned = heads[:, :, :turning]
            turned = torch.addcmul(turned * cosines, turned.roll(half, -1), sines).transpose(1, 2)
            queries, new = turned[:, : self._queries], turned[:, self._queries :]
            keys, values = cache.update(new, heads[:, :, turning:].transpose(1, 2), index)
            mixed = functional.scaled_dot_product_attention(
                queries, keys, values, attn_mask=mask, enable_gqa=self._keys < self._queries
            )
            hidden = hidden + layer.output.of(mixed.transpose(1, 2).reshape(rows, tokens, -1))
            gate, up = layer.gate_and_up.of(layer.before_feed_forward.of(hidden)).chunk(2, dim=-1)
            hidden = hidden + layer.down.of(self._activation(gate) * up)
        return self._head.of(self._norm.of(hidden[:, -keep:]))

    def _layer(self, layer: torch.nn.Module) -> _Layer:
        def joined(*names: str) -> _Product:
            return self._joined([cast("torch.nn.Linear", layer.get_submodule(name)) for name in names])

        return _Layer(
            _Norm.like(layer.get_submodule("input_layernorm")),
            joined("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            joined("self_attn.o_proj"),
            _Norm.like(layer.get_submodule("post_attention_layernorm")),
            joined("mlp.gate_proj", "mlp.up_proj"),
            joined("mlp.down_proj"),
        )

    def _joined(self, parts: Sequence[torch.nn.Linear]) -> _Product:
        """Join layers of the same input; their weights become views of the joined one, so nothing is held twice.

        Those of an embedding that serves as head stay as they are, since rows are looked up in them.
        """
        with torch.no_grad():
            weight = torch.cat([part.weight for part in parts]) if len(parts) > 1 else parts[0].weight.detach()
            if self._by_columns:
                weight = weight.t().contiguous().t()
            biases = [bias for part in parts if (bias := cast("torch.Tensor | None", part.bias)) is not None]
        start = 0
        for part in parts:
            if part.weight is not self._embedding.weight:
                part.weight.data = weight[start : start + part.out_features]
            start += part.out_features
        return _Product(weight, torch.cat(biases) if biases else None)
