"""Every weight moves once per step, and rates rise and fall as asked."""

import pytest
import torch
from tests.training.small import small_model

from agenttuning.training.optimizer import build_optimizers, learning_rate
from agenttuning.training.settings import OptimizerConfig


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_every_weight_belongs_to_one_optimiser(kind: str) -> None:
    model = small_model()
    optimizers = build_optimizers(model, OptimizerConfig.model_validate({"kind": kind}))
    owned = [id(weight) for optimizer in optimizers for group in optimizer.param_groups for weight in group["params"]]
    assert sorted(owned) == sorted(id(weight) for weight in model.parameters())


def test_muon_takes_the_hidden_matrices_only() -> None:
    model = small_model()
    muon, adamw = build_optimizers(model, OptimizerConfig(kind="muon"))
    assert isinstance(muon, torch.optim.Muon)
    assert len(muon.param_groups[0]["params"]) == 7 * model.config.num_hidden_layers
    assert any(weight is model.get_input_embeddings().weight for weight in adamw.param_groups[0]["params"])


def test_the_papers_schedule() -> None:
    config = OptimizerConfig()
    rates = [learning_rate(step, steps=2000, config=config) for step in range(2000)]
    assert rates[0] == pytest.approx(5e-5 / 40)
    assert rates[39] == rates[40] == 5e-5
    assert rates[1020] == pytest.approx(2.5e-5)
    assert rates[40:] == sorted(rates[40:], reverse=True)
    assert 0 < rates[-1] < 1e-9


def test_the_flat_schedule() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="flat-linear", warmup=0.05)
    rates = [learning_rate(step, steps=1000, config=config) for step in range(1000)]
    assert rates[24] == 0.5
    assert set(rates[50:600]) == {1.0}
    assert rates[800] == pytest.approx(0.51)
    assert rates[-1] == pytest.approx(0.02, abs=0.003)
    assert learning_rate(999, steps=1000, config=OptimizerConfig(schedule="constant")) == 5e-5
