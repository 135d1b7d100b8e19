"""`train --dry-run` tells the plan of every shipped recipe, with or without model and data at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Call

FOLDER = Path(__file__).parents[2] / "recipes"


SINGLE = [path for path in sorted(FOLDER.glob("*.toml")) if "\n[study]" not in path.read_text()]


@pytest.mark.parametrize("path", SINGLE, ids=lambda path: path.stem)
def test_every_shipped_recipe_has_a_plan(path: Path, call: Call, tmp_path: Path) -> None:
    told = call("train", path, f"runs={tmp_path}", "--dry-run")
    assert (told.code, told.err) == (0, "")
    for part in (f"plan of {path.stem}", "| steps |", "| tokens |", "| memory, ", "launch: agenttuning run"):
        assert part in told.out
    assert list(tmp_path.iterdir()) == []


def test_the_papers_plan_is_told_without_model_and_data(call: Call, tmp_path: Path) -> None:
    words = ("train", FOLDER / "agentlm-7b.toml", f"runs={tmp_path}", "--dry-run")
    plan = json.loads(call(*words, "--json").out)
    epochs = {source["name"]: round(source["epochs"], 2) for source in plan["sources"]}
    assert epochs.pop("sharegpt-gpt4.jsonl") == 5.58
    assert epochs.pop("sharegpt-gpt35.jsonl") == 1.43
    assert set(epochs.values()) == {13.72}
    assert plan["model"]["parameters"] == 6_738_415_616
    told = call(*words).out
    assert "missing: the file data/sharegpt/sharegpt-gpt4.jsonl" in told
    assert "hf download meta-llama/Llama-2-7b-chat-hf" in told
    assert "| GPUs of 80 GB | 4 with sharding |" in told
    assert plan["least_ranks"] == {"80 GB": 4, "141 GB": 2}
    line = f"-m agenttuning train {FOLDER / 'agentlm-7b.toml'} runs={tmp_path}\n"
    assert "several machines: torchrun --nnodes MACHINES --nproc-per-node GPUS " in told
    assert line in told


def test_memory_is_that_of_each_rank(call: Call, tmp_path: Path) -> None:
    words = ("train", FOLDER / "agentlm-7b.toml", f"runs={tmp_path}", "train.device=cpu", "--dry-run", "--json")
    alone = json.loads(call(*words).out)
    copies = json.loads(call(*words, "train.ranks=8", "train.sharding=none").out)
    slices = json.loads(call(*words, "train.ranks=8", "train.sharding=fsdp").out)
    assert (alone["ranks"], copies["ranks"], slices["ranks"]) == (1, 8, 8)
    assert copies["memory"]["optimizer"] == alone["memory"]["optimizer"] == 8 * slices["memory"]["optimizer"]
    told = call(*words[:-1], "train.ranks=8", "train.sharding=fsdp").out
    assert "memory, each of 8 ranks" in told


def test_a_plan_that_cannot_be_made_is_one_sentence(recipe: Path, call: Call) -> None:
    told = call("train", recipe, "mix.agent_share=1.2", "--dry-run")
    assert (told.code, "mix.agent_share = 1.2" in told.sentence) == (2, True)
    broken = recipe.parent / "broken.parquet"
    broken.write_bytes(b"PAR1 no more")
    told = call("train", recipe, f"mix.agent_files=['{broken}']", "--dry-run")
    assert (told.code, "broken.parquet" in told.sentence) == (1, True)


def test_the_launch_line_is_what_can_be_typed(recipe: Path, call: Call) -> None:
    word = "mix.agent_weights={alfworld = 1}"
    told = call("train", recipe, word, "--dry-run").out
    assert f"launch: agenttuning run {recipe} '{word}' --until train\n" in told
    assert call("run", recipe, word, "--until", "mix").code == 0
    told = call("train", recipe, word, "--dry-run").out
    assert f"launch: agenttuning train {recipe} '{word}'\n" in told
    assert "| alfworld | agent | 20.0% | 4 | the mix stage |" in told


def test_torchrun_is_for_training_alone(recipe: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    told = call("run", recipe)
    assert (told.code, "torchrun is for the train stage, not for 'run'; call `agenttuning run" in told.sentence) == (
        2,
        True,
    )
    monkeypatch.setenv("RANK", "1")
    told = call("train", recipe)
    assert (told.code, "stage 'mix'" in told.sentence) == (1, True)
