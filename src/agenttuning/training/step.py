"""One optimiser step: the mean loss over all trained tokens of the step, however it is split into batches."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from agenttuning.errors import StageError
from agenttuning.models.chat_template import IGNORED
from agenttuning.training.documents import VARLEN, register_varlen
from agenttuning.training.grouped import GROUPED, grouped_batch, register_grouped
from agenttuning.training.packing import make_batch, plan_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from transformers import PreTrainedModel

    from agenttuning.training.documents import Documents
    from agenttuning.training.grouped import Groups
    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.mixture import Plan
    from agenttuning.training.packing import Batch
    from agenttuning.training.settings import Attention, Batching, LoopSettings, Precision


@dataclass(frozen=True, slots=True)
class BatchShape:
    """How the rows of a step become forward passes."""

    batching: Batching
    width: int
    """Tokens in a packed row."""
    limit: int
    """Most tokens, padding included, in one forward pass."""
    fixed: bool = False
    """Every packed batch has the same number of rows of the same width, which compiled layers want."""
    bounded: bool = False
    """Batches say where their dialogues begin and end."""


def batch_shape(settings: LoopSettings) -> BatchShape:
    """Return the shape that settings ask for."""
    return BatchShape(
        settings.batching,
        settings.row_tokens,
        settings.pass_tokens,
        fixed=settings.compile,
        bounded=settings.attention == "varlen",
    )


@contextmanager
def attention_for(model: PreTrainedModel, batching: Batching, attention: Attention = "auto") -> Iterator[None]:
    """Give the model the attention that a batching needs, or that is asked for, and its own back afterwards.

    Raises:
        StageError: `flex` on a CPU, where it has no backward pass.
    """
    before = model.config._attn_implementation  # noqa: SLF001 - transformers keeps it nowhere else
    if batching == "grouped":
        register_grouped()
        model.set_attn_implementation(GROUPED)
    elif attention == "varlen":
        register_varlen()
        model.set_attn_implementation(VARLEN)
    elif attention == "flex":
        if next(model.parameters()).device.type != "cuda":
            raise StageError("train.attention='flex' needs a GPU; on a CPU use 'varlen', 'sdpa' or 'eager'")
        model.set_attn_implementation("flex_attention")
    elif attention != "auto":
        model.set_attn_implementation(attention)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def gather(rows: Sequence[TrainingRow], plan: Plan, *, cursor: int, tokens: int) -> tuple[list[TrainingRow], int]:
    """Draw rows from `cursor` on until they hold `tokens` real tokens; return them and the next cursor."""
    drawn: list[TrainingRow] = []
    total = 0
    while total < tokens:
        drawn.append(rows[plan(cursor)])
        total += len(drawn[-1])
        cursor += 1
    return drawn, cursor


def lay_out(drawn: Sequence[TrainingRow], shape: BatchShape, *, device: torch.device) -> list[Batch]:
    """Make the forward passes of one step."""
    if shape.batching == "grouped":
        return [grouped_batch(drawn, device=device)]
    lengths = [len(row) for row in drawn]
    layout = plan_batches(lengths, batching=shape.batching, width=shape.width, limit=shape.limit)
    fixed = (max(1, shape.limit // shape.width), shape.width) if shape.fixed else None
    return [
        make_batch([[drawn[index] for index in row] for row in rows], device=device, shape=fixed, bounded=shape.bounded)
        for rows in layout
    ]


def accumulate(model: PreTrainedModel, batches: Sequence[Batch], *, precision: Precision, chunk: int = 0) -> float:
    """Add the gradient of the step's mean loss to the weights and return that loss.

    The normaliser is the number of trained tokens of the whole step, so splitting never changes the loss.
    `chunk` is that of `summed_loss`.
    """
    trained = sum(int((batch.targets != IGNORED).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        with torch.autocast(batch.input_ids.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = summed_loss(model, batch, chunk=chunk)
        torch.autograd.backward(loss / trained)
        total += loss.item()
    return total / trained


def summed_loss(model: PreTrainedModel, batch: Batch, *, chunk: int = 0) -> torch.Tensor:
    """Return the summed cross-entropy of the trained tokens; only their positions go through the output layer.

    With a `chunk` only so many tokens have their logits at a time; the backward pass computes them again.
    """
    hidden = hidden_states(model, batch.input_ids, batch.position_ids, groups=batch.groups, documents=batch.documents)
    chosen = hidden.flatten(0, 1).index_select(0, batch.predictors)
    head = output_layer(model)
    if not 0 < chunk < len(chosen):
        return _cross_entropy(head, chosen, batch.targets)
    parts = zip(torch.split(chosen, chunk), torch.split(batch.targets, chunk), strict=True)
    sums = [checkpoint(_cross_entropy, head, states, targets, use_reentrant=False) for states, targets in parts]
    return torch.stack(sums).sum()


def _cross_entropy(head: torch.nn.Linear, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(head(states).float(), targets, reduction="sum", ignore_index=IGNORED)


def hidden_states(
    model: PreTrainedModel,
    input_ids: torch.Tensor,
    position_ids: torch.Tensor | None,
    *,
    groups: Groups | None = None,
    documents: Documents | None = None,
) -> torch.Tensor:
    """Run the layers, shape (rows, width, hidden).

    With `use_cache=False` and no attention mask, transformers derives from restarting positions that packed
    dialogues must not see each other. With either changed it silently lets them: this is the only caller.
    """
    more: dict[str, object] = {} if groups is None else {"groups": groups}
    if documents is not None:
        more["documents"] = documents
    states = model.base_model(input_ids=input_ids, position_ids=position_ids, use_cache=False, **more).last_hidden_state
    return cast("torch.Tensor", states)


def output_layer(model: PreTrainedModel) -> torch.nn.Linear:
    """Return the layer from hidden states to logits."""
    layer: Callable[[], object] = model.get_output_embeddings
    return cast("torch.nn.Linear", layer())


def require_plain_head(model: PreTrainedModel) -> None:
    """Refuse a model whose logits are more than its output layer on its last hidden state.

    Raises:
        StageError: scaled or capped logits, which this loss would train wrongly.
    """
    device = next(model.parameters()).device
    probe = torch.arange(4, device=device)[None]
    was_training = model.training
    model.train(False)  # noqa: FBT003 - torch's own signature
    with torch.no_grad():
        ours = output_layer(model)(hidden_states(model, probe, None))
        theirs = model(input_ids=probe, use_cache=False).logits
    model.train(was_training)
    if not torch.allclose(ours.float(), theirs.float(), atol=1e-3, rtol=1e-2, equal_nan=True):
        raise StageError(
            f"{type(model).__name__} changes its logits after the output layer, which this loop does not train; "
            "choose a model of the Llama, Mistral or Qwen families"
        )
