"""Shards on machines that share a folder: merged, they are the undivided run, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import WORLDS
from tests.pipeline.executors.worlds import LIFTS, constructed

from agenttuning.core.shards import Shard, ShardedRun, read_shard
from agenttuning.errors import RecipeError, RunError
from agenttuning.pipeline import collect, evaluate
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.evaluate import EvaluateConfig
from agenttuning.pipeline.executors.shards import rates_of, share_of_budget
from agenttuning.pipeline.merge import merge
from agenttuning.policies import OpenAIConfig
from agenttuning.policies.budget import BudgetConfig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call

    from agenttuning.core.run import Manifest, Run

CONFIG = CollectConfig(samples=2, enough=2)
ORACLES = EvaluateConfig.model_validate({"models": {"a": {"policy": "oracle"}, "b": {"policy": "oracle"}}})


def play(run: Run, number: int, of: int = 3, config: CollectConfig = CONFIG, *, resume: bool = False) -> Manifest:
    shard = ShardedRun(run.folder, "collect", Shard(number=number, of=of), seed=run.seed, resume=resume)
    with shard.lock():
        return collect.run(config, shard)


def resumed(run: Run) -> Run:
    return constructed(run.folder, tasks=20, resume=True)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return constructed(tmp_path / "run", tasks=20)


def test_merged_shards_are_the_undivided_run_and_merging_again_changes_nothing(run: Run, tmp_path: Path) -> None:
    whole = collect.run(CONFIG, constructed(tmp_path / "whole", tasks=20))
    sizes = [json.loads(json.dumps(play(run, number).counts))[LIFTS]["episodes"] for number in range(3)]
    assert sum(sizes) == 40
    assert min(sizes) > 0
    merged = merge("collect", CONFIG, resumed(run))
    assert (merged.outputs, merged.counts) == (whole.outputs, whole.counts)
    assert merged.start == whole.start
    assert merge("collect", CONFIG, resumed(run)) == merged


def test_evaluation_merges_to_the_same_scores(run: Run, tmp_path: Path) -> None:
    whole = evaluate.run(ORACLES, constructed(tmp_path / "whole", tasks=20))
    for number in range(2):
        shard = ShardedRun(run.folder, "evaluate", Shard(number=number, of=2), seed=run.seed)
        evaluate.run(ORACLES, shard)
    merged = merge("evaluate", ORACLES, resumed(run))
    assert (merged.outputs, merged.counts) == (whole.outputs, whole.counts)


def test_gaps_are_refused_and_named(run: Run) -> None:
    play(run, 0)
    play(run, 2)
    with pytest.raises(RunError, match=r"1 of 3 shards of 'collect' are not finished: 1/3; .*--shard 1/3 --resume"):
        merge("collect", CONFIG, resumed(run))
    assert not run.stage_folder("collect").exists()


def test_shards_of_two_divisions_are_refused(run: Run) -> None:
    play(run, 0)
    play(run, 0, of=2)
    with pytest.raises(RunError, match="shards of 2 and 3 divisions"):
        merge("collect", CONFIG, resumed(run))


def test_shards_of_unlike_configurations_are_refused(run: Run) -> None:
    for number in range(3):
        play(run, number, config=CollectConfig(samples=1 + (number == 2)))
    with pytest.raises(RunError, match=r"2-of-3 was made with another configuration: collect.samples \(was 2, is 1\)"):
        merge("collect", CollectConfig(), resumed(run))


def test_a_damaged_shard_is_refused(run: Run) -> None:
    for number in range(3):
        play(run, number)
    damaged = run.shards_folder("collect") / "1-of-3" / "trajectories.jsonl"
    damaged.write_bytes(damaged.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(RunError, match=r"is not what shard 1/3 has written; delete the folder"):
        merge("collect", CONFIG, resumed(run))


def test_results_that_were_played_undivided_are_not_overwritten(run: Run) -> None:
    collect.run(CollectConfig(samples=1), run)
    for number in range(3):
        play(run, number, config=CollectConfig(samples=1, enough=1))
    with pytest.raises(RunError, match="another configuration"):
        merge("collect", CollectConfig(samples=1, enough=1), resumed(run))


def test_a_shard_resumes_what_it_did_not_finish(run: Run) -> None:
    first = play(run, 0)
    folder = run.shards_folder("collect") / "0-of-3"
    (folder / "manifest.json").unlink()
    path = folder / "trajectories.jsonl"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(RunError, match="--resume"):
        play(run, 0)
    assert play(run, 0, resume=True).outputs == first.outputs


def test_one_shard_is_played_once_at_a_time_beside_others(run: Run) -> None:
    first, again, other = (ShardedRun(run.folder, "collect", Shard(number=number, of=2)) for number in (0, 0, 1))
    with first.lock(), other.lock():
        with pytest.raises(RunError, match=r"another process is working in .*0-of-2"), again.lock():
            pass
        with pytest.raises(RunError, match="another process is working"), run.lock():
            pass


def test_what_needs_all_results_is_refused_by_name(run: Run) -> None:
    with pytest.raises(RecipeError, match=r"collect\.enough_per_world .* which no shard knows"):
        play(run, 0, config=CollectConfig(enough_per_world={LIFTS: 3}))


def test_every_task_is_in_exactly_one_shard_of_about_the_same_size() -> None:
    names = [f"world/task-{number}" for number in range(4000)]
    sizes = [sum(Shard(number=number, of=8).holds(name) for name in names) for number in range(8)]
    assert sum(sizes) == 4000
    assert 400 < min(sizes) <= max(sizes) < 600


def test_rates_and_budgets_are_divided() -> None:
    shard = Shard(number=1, of=4)
    policy = OpenAIConfig(base_url="http://h/v1", model="m", requests_per_minute=10, tokens_per_minute=1000)
    part = rates_of(policy, shard)
    assert (part.requests_per_minute, part.tokens_per_minute, part.max_connections) == (2, 250, 64)
    told = share_of_budget(BudgetConfig(dollars=10, calls=9), shard)
    assert (told.dollars, told.calls, told.tokens) == (2.5, 2, None)
    with pytest.raises(RecipeError, match="calls = 3 cannot be divided among 4 shards"):
        share_of_budget(BudgetConfig(calls=3), shard)


@pytest.mark.parametrize("word", ["3", "4/4", "-1/4", "a/b", "1/0"])
def test_a_shard_that_is_none_is_explained(word: str) -> None:
    with pytest.raises(RecipeError, match="counted from 0"):
        read_shard(word)


def test_the_commands(tmp_path: Path, call: Call) -> None:
    for name in ("whole", "parts"):
        (tmp_path / f"{name}.toml").write_text(f'runs = "{tmp_path}"\n{WORLDS}')
        assert call("construct", tmp_path / f"{name}.toml").code == 0
    assert call("collect", tmp_path / "whole.toml").code == 0
    parts = tmp_path / "parts.toml"
    for number in range(2):
        told = call("collect", parts, "--shard", f"{number}/2", "--profile", "--json")
        assert told.code == 0
    told = call("collect", parts)
    assert told.code == 1
    assert f"run `agenttuning merge {tmp_path / 'parts'}`" in told.sentence
    assert call("merge", tmp_path / "whole").code == 1
    told = call("merge", tmp_path / "parts", "--json")
    assert told.code == 0
    whole = json.loads((tmp_path / "whole" / "2-collect" / "manifest.json").read_text())
    assert [one["outputs"] for one in json.loads(told.out)] == [whole["outputs"]]
    assert call("filter", parts).code == 0
