"""Compiled layers: one graph for all layers and batches, and a clear word where nothing compiles."""

import shutil
from contextlib import ExitStack

import pytest
import torch
from tests.training.small import random_rows, small_model
from torch._dynamo.utils import counters

from agenttuning.errors import MissingExtraError
from agenttuning.training.activations import recomputed
from agenttuning.training.compiled import compiled, require_compiler
from agenttuning.training.loop import fit
from agenttuning.training.mixture import in_order
from agenttuning.training.settings import LoopSettings, Recompute
from agenttuning.training.step import BatchShape, accumulate, attention_for, lay_out

CPU = torch.device("cpu")
SHAPE = BatchShape("packed", 64, 128, fixed=True)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # dynamo looks, and hides the warning in its own way
@pytest.mark.parametrize("recompute", ["none", "all"])
def test_one_graph_serves_all_layers_and_batches(recompute: Recompute) -> None:
    """Dynamo's part alone, whose graphs run as they are: what a compiler would get, without its minutes."""
    torch._dynamo.reset()
    counters.clear()
    plain, model = small_model("sdpa"), small_model("sdpa")
    with recomputed(model, recompute), compiled(model, backend="eager"), attention_for(model, "packed", "sdpa"):
        for seed in range(4):
            rows = random_rows(3 + seed, seed=seed)
            batches = lay_out(rows, SHAPE, device=CPU)
            assert {tuple(batch.input_ids.shape) for batch in batches} == {(2, 64)}
            expected = accumulate(plain, batches, precision="float32")
            assert accumulate(model, batches, precision="float32") == pytest.approx(expected, abs=1e-6)
            if seed == 0:
                first = counters["stats"]["unique_graphs"]
    assert 0 < first == counters["stats"]["unique_graphs"] <= 2
    for one, two in zip(plain.parameters(), model.parameters(), strict=True):
        assert one.grad is not None
        assert two.grad is not None
        assert torch.allclose(one.grad, two.grad, atol=1e-5)
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert all(layer._compiled_call_impl is None for layer in model.model.layers)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # see above
def test_attention_by_boundaries_can_be_traced() -> None:
    torch._dynamo.reset()
    rows, losses = random_rows(5), []
    for run_compiled in (False, True):
        model = small_model("sdpa")
        batches = lay_out(rows, BatchShape("packed", 64, 128, fixed=True, bounded=True), device=CPU)
        with ExitStack() as stack:
            stack.enter_context(attention_for(model, "packed", "varlen"))
            if run_compiled:
                stack.enter_context(compiled(model, backend="eager"))
            losses.append(accumulate(model, batches, precision="bfloat16"))
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of torch
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="no C++ compiler")
def test_compiled_layers_train_what_plain_ones_do() -> None:
    plain = {"steps": 2, "batch_tokens": 100, "batching": "packed", "row_tokens": 64, "pass_tokens": 64}
    settings = LoopSettings.model_validate({**plain, "precision": "float32", "attention": "sdpa"})
    losses = []
    for compile_them in (False, True):
        asked = settings.model_copy(update={"compile": compile_them})
        result = fit(small_model("sdpa"), random_rows(4), settings=asked, plan=in_order(4))
        losses.append([step.loss for step in result.metrics])
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_a_machine_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(MissingExtraError, match=r"needs a C\+\+ compiler .*apt-get install g\+\+"):
        require_compiler(CPU)
    with pytest.raises(MissingExtraError, match="or set it to false"), compiled(small_model()):
        pass
