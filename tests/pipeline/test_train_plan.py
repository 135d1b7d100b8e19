"""The plan of a training: from the run where it has mixed, from files and the paper where it has not."""

import json
from pathlib import Path

import pytest
from tests.pipeline.mixing import kept_run

from agenttuning.core.run import Run
from agenttuning.errors import DataError
from agenttuning.pipeline import mix
from agenttuning.pipeline.construct import ConstructConfig
from agenttuning.pipeline.mix import MixConfig
from agenttuning.pipeline.train import TrainConfig
from agenttuning.pipeline.train_plan import TrainPlan, plan_training

WORLDS = ConstructConfig.model_validate(
    {"environments": {"alfworld": {}, "database": {"tasks": {"test": 4}}, "chat": {}}}
)
TINY = TrainConfig(model="tiny-base", steps=10, batch_tokens=1000, max_length=500, device="cpu")


def plan(folder: Path, mixture: MixConfig, train: TrainConfig = TINY) -> TrainPlan:
    return plan_training(WORLDS, mixture, train, run=Run(folder))


def shares(planned: TrainPlan) -> dict[str, float | None]:
    return {source.name: source.share for source in planned.sources}


def test_before_anything_is_played_only_shares_are_known(tmp_path: Path) -> None:
    planned = plan(tmp_path, MixConfig(agent_share=0.4))
    assert shares(planned) == {"alfworld": 0.4, "chat": 0.6}
    assert {source.size for source in planned.sources} == {None}
    assert (planned.volume.tokens, planned.volume.sequences, planned.volume.dialogues) == (10_000, 20, None)
    assert planned.missing == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("share", "left"), [(0.0, {"chat": 1.0}), (1.0, {"alfworld": 1.0})])
def test_a_side_without_a_share_is_left_out(share: float, left: dict[str, float], tmp_path: Path) -> None:
    assert shares(plan(tmp_path, MixConfig(agent_share=share))) == left


def test_a_share_of_tokens_is_known_after_the_mix_only(tmp_path: Path) -> None:
    assert shares(plan(tmp_path, MixConfig(unit="tokens"))) == {"alfworld": None, "chat": None}


def test_a_finished_mix_is_what_counts(tmp_path: Path) -> None:
    mixture = MixConfig(agent_share=0.2, examples=300, count_with="tiny-base")
    run = kept_run(tmp_path)
    mix.run(mixture, run)
    planned = plan_training(WORLDS, mixture, TINY, run=run)
    assert {source.name: source.size for source in planned.sources} == {"alfworld": 12, "database": 6, "chat": 30}
    told = json.loads((tmp_path / "5-mix" / "plan.json").read_text())
    tokens = sum(amount["tokens"] for amount in told["amounts"].values())
    assert planned.volume.dialogues == round(10_000 / (tokens / 300))
    for source in planned.sources:
        assert source.epochs_packed is not None
        assert source.epochs_packed == pytest.approx(told["epochs"][source.name] * planned.volume.dialogues / 300)
    other = plan_training(WORLDS, mixture.model_copy(update={"agent_share": 0.3}), TINY, run=run)
    assert {source.known_from for source in other.sources} == {"not yet known"}


def test_files_are_counted_and_absent_ones_taken_from_the_paper(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    agents = tmp_path / "mine.jsonl"
    agents.write_text("".join(json.dumps({"id": str(number), "conversations": turns}) + "\n" for number in range(3)))
    absent = tmp_path / "sharegpt-gpt4.jsonl"
    planned = plan(tmp_path, MixConfig(agent_files=(agents,), general_files=(absent, tmp_path / "unheard-of.json")))
    found = {source.name: (source.size, source.known_from) for source in planned.sources}
    assert found["mine.jsonl"] == (3, "its file")
    assert found["sharegpt-gpt4.jsonl"] == (3670, "the paper")
    assert found["unheard-of.json"] == (None, "not yet known")
    assert [str(absent) in sentence for sentence in planned.missing] == [True, False]
    agents.write_text("{}\n")
    with pytest.raises(DataError, match=r"mine\.jsonl"):
        plan(tmp_path, MixConfig(agent_files=(agents,)))


def test_the_model_is_counted_where_it_is_and_known_where_it_is_the_papers(tmp_path: Path) -> None:
    here = plan(tmp_path, MixConfig())
    assert here.model is not None
    assert here.memory is not None
    assert here.memory.weights == 4 * here.model.parameters
    longer = plan(tmp_path, MixConfig(), TINY.model_copy(update={"max_length": 4096}))
    assert longer.missing == ("a train.max_length of at most the 2,048 positions of 'tiny-base'",)
    papers = plan(tmp_path, MixConfig(), TINY.model_copy(update={"model": "meta-llama/Llama-2-13b-chat-hf"}))
    assert papers.model is not None
    assert papers.model.parameters == 13_015_864_320
    assert "hf download meta-llama/Llama-2-13b-chat-hf" in papers.missing[0]
    unknown = plan(tmp_path, MixConfig(), TINY.model_copy(update={"model": "nobody/nothing"}))
    assert (unknown.model, unknown.memory, len(unknown.missing)) == (None, None, 1)
    fresh = plan(tmp_path, MixConfig(), TINY.model_copy(update={"model": "fresh"}))
    assert fresh.model is not None
    assert fresh.model.vocabulary == 1000
