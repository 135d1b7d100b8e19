"""The loss is the mean over a step's trained tokens, sees only them, and dialogues never see each other."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.small import random_rows, small_model
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaForCausalLM, PreTrainedModel

from agenttuning.errors import StageError
from agenttuning.models.chat_template import IGNORED
from agenttuning.training.mask import TrainingRow
from agenttuning.training.mixture import reshuffled
from agenttuning.training.packing import Batch, make_batch
from agenttuning.training.step import (
    BatchShape,
    accumulate,
    gather,
    hidden_states,
    lay_out,
    require_plain_head,
    summed_loss,
)

CPU = torch.device("cpu")
SHAPES = (
    BatchShape("buckets", 64, 10**6),
    BatchShape("buckets", 64, 70),
    BatchShape("packed", 64, 64),
    BatchShape("packed", 256, 512),
)


def _loss_and_gradient(model: PreTrainedModel, batches: list[Batch]) -> tuple[float, torch.Tensor]:
    model.zero_grad(set_to_none=True)
    loss = accumulate(model, batches, precision="float32")
    gradients = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    return loss, torch.cat(gradients)


def _reference(model: PreTrainedModel, rows: list[TrainingRow]) -> float:
    """Transformers' own loss of every row alone, weighted by its trained tokens."""
    total = 0.0
    for row in rows:
        ids = torch.from_numpy(row.input_ids.astype("int64"))[None]
        labels = torch.from_numpy(row.labels.astype("int64"))[None]
        with torch.no_grad():
            total += model(input_ids=ids, labels=labels, use_cache=False).loss.item() * row.trained
    return total / sum(row.trained for row in rows)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 9))
def test_the_loss_does_not_depend_on_how_a_step_is_split(seed: int, count: int) -> None:
    model, rows = small_model(), random_rows(count, seed=seed)
    expected = _reference(model, rows)
    results = [_loss_and_gradient(model, lay_out(rows, shape, device=CPU)) for shape in SHAPES]
    for loss, gradient in results:
        assert loss == pytest.approx(expected, abs=1e-5)
        assert torch.allclose(gradient, results[0][1], atol=1e-5)


def test_a_masked_label_has_no_influence_and_a_trained_one_has() -> None:
    model, rows = small_model(), random_rows(3, seed=5)
    batch = make_batch([[row] for row in rows], device=CPU)
    logits = model(input_ids=batch.input_ids, use_cache=False).logits
    logits.retain_grad()
    labels = torch.full_like(batch.input_ids, IGNORED)
    labels.flatten()[batch.predictors + 1] = batch.targets
    functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum").backward()
    assert logits.grad is not None
    touched = logits.grad.abs().sum(-1).flatten().nonzero().flatten()
    assert touched.tolist() == sorted(batch.predictors.tolist())


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_packed_dialogues_never_see_each_other(attention: str) -> None:
    """And the two calls that silently let them, so that nobody simplifies `hidden_states` into one of them."""
    model, rows = small_model(attention), random_rows(4, seed=3)
    batch = make_batch([rows[:2], rows[2:]], device=CPU)
    assert batch.position_ids is not None
    with torch.no_grad():
        alone = [hidden_states(model, torch.from_numpy(row.input_ids.astype("int64"))[None], None)[0] for row in rows]
        packed = hidden_states(model, batch.input_ids, batch.position_ids)
        cached = model.base_model(input_ids=batch.input_ids, position_ids=batch.position_ids).last_hidden_state
        masked = model.base_model(
            input_ids=batch.input_ids,
            position_ids=batch.position_ids,
            attention_mask=torch.ones_like(batch.input_ids),
            use_cache=False,
        ).last_hidden_state
    assert _difference(packed, alone) < 1e-5
    assert _difference(cached, alone) > 1e-2
    assert _difference(masked, alone) > 1e-2


def _difference(packed: torch.Tensor, alone: list[torch.Tensor]) -> float:
    pairs = ((packed[0], alone[:2]), (packed[1], alone[2:]))
    return max(float((row[: sum(map(len, own))] - torch.cat(own)).abs().max()) for row, own in pairs)


def test_a_step_draws_until_it_has_its_tokens() -> None:
    rows = random_rows(20)
    plan = reshuffled(20, seed=0)
    drawn, cursor = gather(rows, plan, cursor=7, tokens=100)
    lengths = [len(row) for row in drawn]
    assert sum(lengths) >= 100 > sum(lengths[:-1])
    assert cursor == 7 + len(drawn)
    assert [id(row) for row in drawn] == [id(rows[plan(index)]) for index in range(7, cursor)]


class _Capped(LlamaForCausalLM):
    def forward(self, *args: object, **kwargs: object) -> object:
        output = super().forward(*args, **kwargs)
        output.logits = torch.tanh(output.logits)
        return output


def test_a_model_with_capped_logits_is_refused() -> None:
    model = _Capped(small_model().config)
    torch.nn.init.normal_(model.lm_head.weight, std=5.0)
    with pytest.raises(StageError, match="_Capped changes its logits after the output layer"):
        require_plain_head(model)
    require_plain_head(small_model())


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_chunked_loss_has_the_same_gradient(tied: bool, precision: str) -> None:
    config = small_model().config
    config.tie_word_embeddings = tied
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    batches = lay_out(random_rows(5, seed=2), SHAPES[0], device=CPU)
    found = []
    for chunk in (0, 7, 64, 10**6):
        model.zero_grad(set_to_none=True)
        loss = accumulate(model, batches, precision=precision, chunk=chunk)  # type: ignore[arg-type]
        found.append((loss, [weight.grad for weight in model.parameters() if weight.grad is not None]))
    tolerance = 1e-6 if precision == "float32" else 2e-3
    for loss, gradients in found[1:]:
        assert loss == pytest.approx(found[0][0], abs=1e-6)
        for one, two in zip(gradients, found[0][1], strict=True):
            assert torch.allclose(one, two, atol=tolerance, rtol=10 * tolerance)


def test_chunked_logits_never_exist_whole() -> None:
    """The largest table of the vocabulary's width that the loss makes, forward and backward (weights have 32 rows)."""
    model = small_model()
    batch = lay_out(random_rows(5, seed=2), BatchShape("buckets", 64, 10**6), device=CPU)[-1]
    vocabulary = model.config.vocab_size

    class Widest(TorchDispatchMode):
        rows = 0

        def __torch_dispatch__(
            self,
            func: Callable[..., object],
            types: object,
            args: tuple[object, ...] = (),
            kwargs: dict[str, object] | None = None,
        ) -> object:
            made = func(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor) and made.ndim == 2 and made.shape[1] == vocabulary:
                self.rows = max(self.rows, made.shape[0])
            return made

    rows = []
    for chunk in (0, 40):
        with Widest() as seen:
            summed_loss(model, batch, chunk=chunk).backward()
        rows.append(seen.rows)
    assert rows == [len(batch.targets), 40]
