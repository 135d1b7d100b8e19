"""Any number of ranks trains the same model: losses, checkpoints, deaths."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.errors import RecipeError, StageError
from agenttuning.training.parallel import ALONE, Ranks, Seat, require_degree, split
from agenttuning.training.settings import ShardSettings

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(900)  # the first test waits for all that `rank_cases.py` trains

lengths = st.lists(st.integers(1, 400), max_size=60)


@given(lengths, st.integers(1, 9))
def test_every_row_falls_to_one_rank_and_ranks_have_about_as_much(rows: list[int], parts: int) -> None:
    found = split(rows, parts)
    assert sorted(index for part in found for index in part) == list(range(len(rows)))
    assert all(part == sorted(part) for part in found)
    tokens = [sum(rows[index] for index in part) for part in found]
    assert max(tokens) - min(tokens) <= max(rows, default=0)


def test_one_process_exchanges_nothing() -> None:
    assert ALONE.total(1.5, 2) == (1.5, 2)
    assert ALONE.tell(lambda: "told") == "told"
    assert ALONE.all(3) == [3]
    assert (ALONE.leads, ALONE.sharded, ALONE.shares, ALONE.share) == (True, False, 1, 0)


def test_random_numbers_are_those_of_seed_step_and_share() -> None:
    drawn = []
    with torch.random.fork_rng():
        for seed, step, rank, together in ((0, 1, 0, False), (0, 1, 1, False), (0, 2, 0, False), (1, 1, 0, False)):
            Ranks(rank, 2).reseed(seed, step=step, together=together)
            drawn.append(float(torch.rand(())))
        for rank in (0, 1):
            Ranks(rank, 2).reseed(0, step=1, together=True)
            drawn.append(float(torch.rand(())))
        Ranks(0, 2).reseed(0, step=1)
        assert float(torch.rand(())) == drawn[0]
    assert len(set(drawn[:5])) == 5
    assert drawn[4] == drawn[5]


def test_a_seat_is_read_as_torchrun_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert Seat.taken() is None
    monkeypatch.setenv("WORLD_SIZE", "16")
    with pytest.raises(StageError, match=r"not RANK, LOCAL_RANK, LOCAL_WORLD_SIZE; start the ranks with torchrun"):
        Seat.taken()
    for name, value in (("RANK", "9"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "8")):
        monkeypatch.setenv(name, value)
    assert Seat.taken() == Seat(rank=9, count=16, local=1, on_machine=8)


def test_a_degree_that_does_not_divide_the_ranks_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.tensor=4 does not divide 6 ranks"):
        require_degree(ShardSettings(kind="fsdp", tensor=4), ranks=6)
    with pytest.raises(ValueError, match="tensor=2 needs sharding"):
        ShardSettings(tensor=2)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all that `rank_cases.py` has trained."""
    folder = tmp_path_factory.mktemp("ranks")
    script = ROOT / "tests" / "training" / "rank_cases.py"
    variables = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = (sys.executable, str(script), str(folder))
    done = subprocess.run(command, env={**os.environ, **variables}, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _numbers(cases: Path, case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((cases / "numbers" / f"{case}.json").read_text())
    return found


@pytest.mark.ranks
@pytest.mark.parametrize(
    "case",
    [
        "2/none/buckets/llama",
        "2/none/grouped/llama",
        "2/none/muon/llama",
        "2/fsdp/packed/llama",
        "2/fsdp/recomputed/llama",
        "2/fsdp/lora/lora",
        "2/fsdp-kept/buckets/llama",
        "2/tensor/grouped/llama",
        "2/tensor/packed/qwen3",
        "4/none/idle/llama",
        "4/fsdp/idle/llama",
        "4/hsdp/buckets/llama",
        "4/tensor/packed/llama",
    ],
)
def test_losses_norms_and_weights_are_those_of_one_process(cases: Path, case: str) -> None:
    count, name = case.split("/", 1)
    many, one = (_numbers(cases, f"{ranks}/{name}".replace("/", "-")) for ranks in (count, 1))
    near = 1e-3 if "muon" in name else 5e-6  # Muon makes much of the last bits
    assert many["loss"] == pytest.approx(one["loss"], abs=near)
    assert many["norm"] == pytest.approx(one["norm"], abs=near)
    assert many["trained"] == one["trained"]
    assert many["tied"] == one["tied"]
    assert many["weights"].keys() == one["weights"].keys()
    for weight, values in many["weights"].items():
        assert values == pytest.approx(one["weights"][weight], abs=2 * near), weight


@pytest.mark.ranks
@pytest.mark.parametrize("case", ["half-llama", "bits-bits"])
def test_slices_in_half_precision_stay_near(cases: Path, case: str) -> None:
    many, one = (_numbers(cases, f"{ranks}-fsdp-{case}") for ranks in (2, 1))
    assert many["loss"] == pytest.approx(one["loss"], abs=0.05)


@pytest.mark.ranks
@pytest.mark.parametrize("case", ["none-llama", "fsdp-llama", "fsdp-bits"])
def test_kill_and_resume_on_two_ranks_is_bit_exact(cases: Path, case: str) -> None:
    for name in ("metrics.jsonl", "digest.txt"):
        assert (cases / f"{case}-killed" / name).read_text() == (cases / f"{case}-whole" / name).read_text()
    assert len((cases / f"{case}-killed" / "metrics.jsonl").read_text().splitlines()) == 12


@pytest.mark.ranks
@pytest.mark.parametrize("kind", ["none", "fsdp"])
def test_another_number_of_ranks_goes_on(cases: Path, kind: str) -> None:
    """Dropout falls otherwise with other ranks, so only the steps before the resume are the same to the bit."""
    moved, whole = (
        [json.loads(line) for line in (cases / f"{kind}-{name}" / "metrics.jsonl").read_text().splitlines()]
        for name in ("moved", "llama-whole")
    )
    assert [step["step"] for step in moved] == list(range(1, 13))
    assert [step["cursor"] for step in moved] == [step["cursor"] for step in whole]
    begun = 3 if kind == "fsdp" else 6
    assert moved[:begun] == whole[:begun]
    assert [step["loss"] for step in moved] == pytest.approx([step["loss"] for step in whole], abs=0.2)


@pytest.mark.ranks
def test_a_broken_slice_is_named_and_the_checkpoint_before_it_taken(cases: Path) -> None:
    assert json.loads((cases / "fsdp-moved" / "damaged.json").read_text()) == ["step-000006"]
    assert json.loads((cases / "none-moved" / "damaged.json").read_text()) == []


@pytest.mark.ranks
@pytest.mark.parametrize("kind", ["none", "fsdp"])
def test_a_full_disk_is_told_and_the_last_good_checkpoint_is_left(cases: Path, kind: str) -> None:
    folder = cases / f"{kind}-full"
    told = (folder / "error-0.txt").read_text()
    assert "step-000006" in told
    assert told.endswith("nothing finished is lost, free space and continue with --resume")
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step-000003"]
