"""One optimiser step: the mean loss over all trained tokens of the step, however it is split into batches."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

from agenttuning.errors import StageError
from agenttuning.models.chat_template import IGNORED
from agenttuning.training.grouped import GROUPED, grouped_batch, register_grouped
from agenttuning.training.packing import make_batch, plan_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from transformers import PreTrainedModel

    from agenttuning.training.grouped import Groups
    from agenttuning.training.mask import TrainingRow
    from agenttuning.training.mixture import Plan
    from agenttuning.training.packing import Batch
    from agenttuning.training.settings import Batching, Precision


@dataclass(frozen=True, slots=True)
class BatchShape:
    """How the rows of a step become forward passes."""

    batching: Batching
    width: int
    """Tokens in a packed row."""
    limit: int
    """Most tokens, padding included, in one forward pass."""


@contextmanager
def attention_for(model: PreTrainedModel, batching: Batching) -> Iterator[None]:
    """Give the model the attention that a batching needs, and its own back afterwards."""
    before = model.config._attn_implementation  # noqa: SLF001 - transformers keeps it nowhere else
    if batching == "grouped":
        register_grouped()
        model.set_attn_implementation(GROUPED)
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
    return [make_batch([[drawn[index] for index in row] for row in rows], device=device) for rows in layout]


def accumulate(model: PreTrainedModel, batches: Sequence[Batch], *, precision: Precision) -> float:
    """Add the gradient of the step's mean loss to the weights and return that loss.

    The normaliser is the number of trained tokens of the whole step, so splitting never changes the loss.
    """
    trained = sum(int((batch.targets != IGNORED).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        with torch.autocast(batch.input_ids.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = summed_loss(model, batch)
        torch.autograd.backward(loss / trained)
        total += loss.item()
    return total / trained


def summed_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Return the summed cross-entropy of the trained tokens; only their positions go through the output layer."""
    hidden = hidden_states(model, batch.input_ids, batch.position_ids, groups=batch.groups)
    chosen = hidden.flatten(0, 1).index_select(0, batch.predictors)
    logits = output_layer(model)(chosen)
    return functional.cross_entropy(logits.float(), batch.targets, reduction="sum", ignore_index=IGNORED)


def hidden_states(
    model: PreTrainedModel, input_ids: torch.Tensor, position_ids: torch.Tensor | None, *, groups: Groups | None = None
) -> torch.Tensor:
    """Run the layers, shape (rows, width, hidden).

    With `use_cache=False` and no attention mask, transformers derives from restarting positions that packed
    dialogues must not see each other. With either changed it silently lets them: this is the only caller.
    """
    more = {} if groups is None else {"groups": groups}
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


def require_separate(model: PreTrainedModel) -> None:
    """Refuse a model in which packed dialogues see each other: some kinds of attention do so without a word.

    Raises:
        StageError: the second of two packed dialogues has other hidden states than alone.
    """
    device = next(model.parameters()).device
    first, second = torch.arange(4, device=device), torch.arange(4, 8, device=device)
    positions = torch.arange(4, device=device).repeat(2)
    was_training = model.training
    model.train(False)  # noqa: FBT003 - torch's own signature
    with torch.no_grad():
        packed = hidden_states(model, torch.cat((first, second))[None], positions[None])[:, 4:]
        alone = hidden_states(model, second[None], None)
    model.train(was_training)
    if not torch.allclose(packed.float(), alone.float(), atol=1e-3, rtol=1e-2, equal_nan=True):
        attention = model.config._attn_implementation  # noqa: SLF001 - transformers keeps it nowhere else
        raise StageError(
            f"packed dialogues see each other in {type(model).__name__} with {attention!r} attention; "
            'set train.batching = "buckets"'
        )
