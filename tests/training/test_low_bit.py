"""AdamW in few bits: AdamW where it keeps all of them, close to it where it does not, and the same after a resume."""

import io
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.small import random_rows, small_model
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from agenttuning.training.loop import LoopSettings, OptimizerConfig, fit
from agenttuning.training.low_bit import LowBitAdamW, decode, dynamic_map, encode, round_at_random, to_bfloat16
from agenttuning.training.mixture import in_order
from agenttuning.training.settings import States, Weights

CPU = torch.device("cpu")
SETTINGS = LoopSettings(
    steps=30, batch_tokens=150, optimizer=OptimizerConfig(learning_rate=5e-3, schedule="constant"), checkpoint_every=10
)


def _optimizer(
    weight: torch.nn.Parameter, *, states: States = "float32", master: bool = False, compiled: bool = False
) -> LowBitAdamW:
    groups = [{"params": [weight], "weight_decay": 0.1}]
    kinds = {"states": states, "master": master, "compiled": compiled}
    return LowBitAdamW(groups, learning_rate=1e-2, betas=(0.9, 0.95), seed=0, **kinds)  # type: ignore[arg-type]


def _steps(optimizer: torch.optim.Optimizer, weight: torch.nn.Parameter, *, count: int = 20, first: int = 0) -> None:
    for number in range(first, first + count):
        random = torch.Generator().manual_seed(number)
        weight.grad = torch.randn(weight.shape, generator=random).to(weight.dtype) * 10.0 ** (number % 3 - 2)
        optimizer.step()


def _weight(dtype: torch.dtype = torch.float32) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.randn(32, 256, generator=torch.Generator().manual_seed(9)).to(dtype))


def test_with_all_bits_it_is_adamw() -> None:
    ours, theirs = _weight(), _weight()
    _steps(_optimizer(ours), ours)
    adamw = torch.optim.AdamW([theirs], lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1)
    _steps(adamw, theirs)
    assert torch.allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize(
    ("dtype", "states", "master", "tolerance"),
    [
        (torch.float32, "bfloat16", False, 0.02),
        (torch.float32, "8bit", False, 0.08),
        (torch.bfloat16, "float32", True, 0.01),
        (torch.bfloat16, "float32", False, 0.2),
        (torch.bfloat16, "8bit", False, 0.2),
    ],
)
def test_with_fewer_it_moves_nearly_as_far(dtype: torch.dtype, states: States, master: bool, tolerance: float) -> None:
    """Mean distance from the float32 path, as a share of the mean way that it went."""
    ours, exact = _weight(dtype), torch.nn.Parameter(_weight(dtype).detach().float())
    began = exact.detach().clone()
    optimizer = _optimizer(ours, states=states, master=master)
    _steps(optimizer, ours)
    reference = _optimizer(exact)
    for number in range(20):
        random = torch.Generator().manual_seed(number)
        gradient = torch.randn(exact.shape, generator=random).to(dtype) * 10.0 ** (number % 3 - 2)
        exact.grad = gradient.float()
        reference.step()
    held = optimizer.state[ours]["master"] if master else ours.detach().float()
    exact.requires_grad_(requires_grad=False)
    assert float((held - exact).abs().mean()) < tolerance * float((exact - began).abs().mean())
    if master:
        assert torch.equal(ours, held.to(torch.bfloat16))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of torch
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="no C++ compiler")
def test_a_compiled_update_is_the_plain_one() -> None:
    """All but a few weights are equal: where a sum differs in its last bit, the same random bits may round it apart."""
    plain, fused = _weight(torch.bfloat16), _weight(torch.bfloat16)
    _steps(_optimizer(plain, states="8bit"), plain, count=3)
    _steps(_optimizer(fused, states="8bit", compiled=True), fused, count=3)
    assert float((plain != fused).float().mean()) < 0.01
    assert torch.allclose(plain, fused, rtol=0.02, atol=0.02)


def test_rounding_at_random_is_right_on_average() -> None:
    """An update of a hundredth of the last bit moves the mean of many weights, and rounding to nearest would not."""
    value = torch.full((200_000,), 1.0 + 2**-7 / 100)
    noise = torch.randint(0, 1 << 16, value.shape, generator=torch.Generator().manual_seed(0), dtype=torch.int32)
    rounded = round_at_random(value, noise)
    assert set(rounded.unique().tolist()) == {1.0, 1.0 + 2**-7}
    assert float(rounded.double().mean()) == pytest.approx(float(value[0]), abs=1e-5)
    assert torch.equal(round_at_random(-value, noise), -rounded)
    assert torch.equal(round_at_random(rounded.float(), noise), rounded)


def test_the_dynamic_map_is_the_published_one() -> None:
    signed, unsigned = (dynamic_map(signed=signed, device=CPU) for signed in (True, False))
    assert len(signed.values.unique()) == len(unsigned.values.unique()) == 256
    assert signed.values[[0, -1]].tolist() == pytest.approx([-0.99296875, 1.0])
    assert unsigned.values[[0, 1, -2, -1]].tolist() == pytest.approx([0.0, 3.25e-7, 0.996484375, 1.0])
    assert torch.equal(signed.values[128:255].flip(0), -signed.values[:127])


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), exponent=st.integers(-12, 3), signed=st.booleans())
def test_codes_stand_for_the_nearest_value(seed: int, exponent: int, signed: bool) -> None:
    values = torch.randn(512, generator=torch.Generator().manual_seed(seed)) ** 3 * 10.0**exponent
    values = values if signed else values.abs()
    codes = dynamic_map(signed=signed, device=CPU)
    held, scale = encode(values, codes, blocks=2)
    back = decode(held, scale, codes)
    relative, heights = values.view(2, -1) / scale[:, None], codes.values
    nearest = heights[(relative[..., None] - heights).abs().argmin(-1)] * scale[:, None]
    if not signed:
        nearest = torch.where(values.view(2, -1) > 0, nearest.clamp(min=float(heights[1]) * scale[:, None]), nearest)
    assert torch.allclose(back, nearest.view(-1), rtol=1e-5, atol=0.0)
    assert torch.equal(back.sign().abs(), back.abs().sign())
    assert bool((back[values > 0] > 0).all()) or signed


def test_states_take_the_bits_that_they_should() -> None:
    for states, each in (("float32", 8), ("bfloat16", 4), ("8bit", 2 + 2 * 4 / 256)):
        weight = _weight(torch.bfloat16)
        optimizer = _optimizer(weight, states=states)  # type: ignore[arg-type]
        _steps(optimizer, weight, count=1)
        held = optimizer.state[weight]
        assert sum(one.numel() * one.element_size() for one in held.values() if one.ndim) == each * weight.numel()


@pytest.mark.parametrize("states", ["bfloat16", "8bit"])
def test_a_saved_optimiser_goes_on_bit_for_bit(states: States) -> None:
    whole, halved = _weight(torch.bfloat16), _weight(torch.bfloat16)
    _steps(_optimizer(whole, states=states, master=True), whole)
    optimizer = _optimizer(halved, states=states, master=True)
    _steps(optimizer, halved, count=10)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    again = _optimizer(halved, states=states, master=True)
    again.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    _steps(again, halved, count=10, first=10)
    assert torch.equal(whole, halved)


def test_a_sharded_weight_is_moved_like_a_whole_one(tmp_path: Path) -> None:
    """On one rank: states are sharded as the weight is, so that a distributed checkpoint can take them."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        whole = _weight(torch.bfloat16)
        sharded = torch.nn.Parameter(distribute_tensor(_weight(torch.bfloat16).detach(), mesh, [Shard(0)]))
        optimizers = [_optimizer(weight, states="8bit") for weight in (whole, sharded)]
        for number in range(3):
            gradient = torch.randn(whole.shape, generator=torch.Generator().manual_seed(number)).to(torch.bfloat16)
            whole.grad, sharded.grad = gradient, distribute_tensor(gradient, mesh, [Shard(0)])
            for optimizer in optimizers:
                optimizer.step()
        assert isinstance(sharded.data, DTensor)
        assert torch.equal(sharded.data.full_tensor(), whole)
        held = optimizers[1].state[sharded]
        for name, shape in (("first", (32, 256)), ("first_scale", (32, 1))):
            assert isinstance(held[name], DTensor)
            assert held[name].shape == shape
            assert held[name].placements == (Shard(0),)
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("weights", "states"), [("bfloat16", "8bit"), ("bfloat16", "bfloat16"), ("bfloat16-master", "float32")]
)
def test_a_few_rows_are_learned_as_with_all_bits(weights: Weights, states: States) -> None:
    plain = fit(small_model(), random_rows(4), settings=SETTINGS, plan=in_order(4)).metrics[-1].loss
    model = small_model()
    to_bfloat16(model)
    asked = SETTINGS.model_copy(update={"weights": weights, "optimizer_states": states})
    low = [step.loss for step in fit(model, random_rows(4), settings=asked, plan=in_order(4)).metrics]
    assert low[-1] < 0.5 * low[0]
    assert low[-1] == pytest.approx(plain, rel=0.1)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    assert model.model.rotary_emb.inv_freq.dtype == torch.float32


def test_a_run_in_few_bits_resumes_to_the_same_bits(tmp_path: Path) -> None:
    asked = SETTINGS.model_copy(
        update={"steps": 6, "checkpoint_every": 3, "weights": "bfloat16", "optimizer_states": "8bit"}
    )

    def model() -> torch.nn.Module:
        made = small_model()
        to_bfloat16(made)
        return made

    whole, half = model(), model()
    losses = [step.loss for step in fit(whole, random_rows(9), settings=asked, folder=tmp_path / "a").metrics]
    fit(half, random_rows(9), settings=asked, folder=tmp_path / "b")
    (tmp_path / "b" / "checkpoints" / "step-000006" / "manifest.json").unlink()
    again = model()
    result = fit(again, random_rows(9), settings=asked, folder=tmp_path / "b")
    assert result.resumed.step == 3
    assert [step.loss for step in result.metrics] == losses[3:]
    assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), again.parameters(), strict=True))
