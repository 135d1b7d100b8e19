"""The mixture on disk: exact, in plan order, honest about its measures."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from tests.models.tokenizers import compact_tokenizer
from tests.pipeline.mixing import COUNTS, kept_run

from agenttuning.core.records import Message
from agenttuning.core.run import Manifest
from agenttuning.datasets.agentinstruct import write_agentinstruct
from agenttuning.datasets.conversation import Conversation
from agenttuning.errors import AgentTuningError, DataError, RecipeError, RunError, StageError
from agenttuning.models.load import LlamaShape, fresh_model
from agenttuning.pipeline.mix import MixConfig, run
from agenttuning.pipeline.training_set import TrainingExample, read_training_set
from agenttuning.training.export import export


def _mix(folder: Path, *, order: int = 0, seed: int = 0, **keys: object) -> tuple[Manifest, list[TrainingExample]]:
    manifest = run(MixConfig.model_validate({"examples": 500, **keys}), kept_run(folder, order=order, seed=seed))
    return manifest, list(read_training_set(folder / "5-mix" / "train.parquet"))


def test_a_fifth_is_agent_data_in_every_window_and_worlds_are_alike(tmp_path: Path) -> None:
    manifest, examples = _mix(tmp_path)
    assert len(examples) == 500
    for start in range(0, 500, 50):
        assert Counter(example.source for example in examples[start : start + 50]) == {"agent": 10, "general": 40}
    assert Counter(example.environment for example in examples) == {"alfworld": 50, "database": 50, "chat": 400}
    plan = json.loads((tmp_path / "5-mix" / "plan.json").read_text())
    assert plan["shares"] == {"alfworld": "1/10", "database": "1/10", "chat": "4/5"}
    assert plan["sizes"] == COUNTS
    assert plan["epochs"]["database"] == pytest.approx(50 / 6)
    assert plan["agent_share"]["examples"] == 0.2
    characters = [(e.source, sum(len(m.content) for m in e.messages)) for e in examples]
    agent = sum(length for source, length in characters if source == "agent")
    assert plan["agent_share"]["characters"] == pytest.approx(agent / sum(n for _, n in characters), abs=1e-6)
    assert manifest.counts["digest"] == plan["digest"]


def test_messages_and_flags_survive(tmp_path: Path) -> None:
    _, examples = _mix(tmp_path)
    agent = next(example for example in examples if example.environment == "alfworld")
    assert agent.messages[1] == Message(role="assistant", content="I follow.", train=False)
    assert agent.messages[0].train is None
    assert agent.messages[3].train is True


def test_races_of_collection_do_not_show_and_the_seed_does(tmp_path: Path) -> None:
    first, _ = _mix(tmp_path / "a")
    raced, _ = _mix(tmp_path / "b", order=7)
    other, _ = _mix(tmp_path / "c", seed=1)
    assert first.outputs == raced.outputs
    assert first.outputs != other.outputs


def test_each_pass_over_a_source_takes_everything_once(tmp_path: Path) -> None:
    _, examples = _mix(tmp_path)
    tasks = [example.task for example in examples if example.environment == "database"]
    passes = [tasks[start : start + 6] for start in range(0, 48, 6)]
    assert all(len(set(taken)) == 6 for taken in passes)
    assert any(one != two for one, two in pairwise(passes))


@pytest.mark.parametrize(("share", "seen"), [(1.0, {"agent"}), (0.0, {"general"})])
def test_one_side_alone(tmp_path: Path, share: float, seen: set[str]) -> None:
    _, examples = _mix(tmp_path, agent_share=share)
    assert {example.source for example in examples} == seen


def test_weights(tmp_path: Path) -> None:
    _, pooled = _mix(tmp_path / "a", agent_weights="size", agent_share=1.0)
    assert Counter(e.environment for e in pooled) == {"alfworld": 333, "database": 167}
    _, chosen = _mix(tmp_path / "b", agent_weights={"alfworld": 0.6, "database": 0.4}, agent_share=0.5)
    assert Counter(e.environment for e in chosen) == {"alfworld": 150, "database": 100, "chat": 250}


def test_files_are_sources(tmp_path: Path) -> None:
    rows = [
        Conversation(
            id=f"os_{number}",
            messages=(Message(role="user", content="ls"), Message(role="assistant", content="Act", train=True)),
        )
        for number in range(3)
    ]
    write_agentinstruct(tmp_path / "os.parquet", rows)
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    chats = [{"id": "a", "conversations": turns}, {"id": "b", "conversations": turns[:1]}]
    (tmp_path / "share.json").write_text(json.dumps(chats))
    manifest, examples = _mix(
        tmp_path / "run", agent_files=[tmp_path / "os.parquet"], general_files=[tmp_path / "share.json"], general=[]
    )
    assert Counter(e.environment for e in examples if e.source == "general") == {"share.json": 400}
    assert {e.environment for e in examples if e.source == "agent"} == {"alfworld", "chat", "database", "os.parquet"}
    assert manifest.counts["unusable"] == {"share.json": 1}
    assert {"os.parquet", "share.json"} <= manifest.start.inputs.keys()


def test_gpt_4_and_gpt_3_5_are_one_to_four_within_the_general_part(tmp_path: Path) -> None:
    """The paper's general data; the share of each is exact in every window, whatever the sizes of the files."""
    for name, count in (("gpt4.jsonl", 3), ("gpt35.jsonl", 40)):
        turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
        lines = [json.dumps({"id": f"{name}{number}", "conversations": turns}) for number in range(count)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    files = [tmp_path / "gpt4.jsonl", tmp_path / "gpt35.jsonl"]
    weights = {"gpt4.jsonl": 1, "gpt35.jsonl": 4}
    _, examples = _mix(tmp_path / "run", general=["chat"], general_files=files, general_weights=weights)
    for start in range(0, 500, 125):
        seen = Counter(e.environment for e in examples[start : start + 125] if e.source == "general")
        assert seen == {"gpt4.jsonl": 20, "gpt35.jsonl": 80}


def test_a_share_of_tokens(tmp_path: Path) -> None:
    tokenizer = compact_tokenizer()
    shape = LlamaShape(hidden=16, layers=1, heads=1, feed_forward=16, max_length=64)
    model = export(fresh_model(shape, tokenizer, seed=0), tokenizer, tmp_path / "model")
    manifest, _ = _mix(tmp_path / "run", unit="tokens", count_with=str(model), agent_share=0.5, examples=2000)
    share = manifest.counts["agent_share"]
    assert isinstance(share, dict)
    assert share["tokens"] == pytest.approx(0.5, abs=0.005)
    assert share["examples"] < 0.3


@pytest.mark.parametrize(
    ("keys", "kind", "told"),
    [
        ({"unit": "tokens"}, RecipeError, "needs mix.count_with"),
        ({"general": ["chatt"]}, StageError, "general part is asked for 0.8 of the mixture and no general trajectory"),
        ({"agent_weights": {"alfwrld": 1}}, RecipeError, r"no source 'alfwrld' to weigh \(did you mean 'alfworld'\?\)"),
        ({"general_files": ["none.json"]}, DataError, "no such file: none.json"),
        ({"count_with": "no-such-model"}, DataError, "no model 'no-such-model'"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, keys: dict[str, object], kind: type[AgentTuningError], told: str) -> None:
    with pytest.raises(kind, match=told):
        _mix(tmp_path, **keys)


def test_results_are_not_overwritten_and_a_resume_reads_them(tmp_path: Path) -> None:
    manifest, _ = _mix(tmp_path)
    with pytest.raises(RunError, match="already holds results"):
        run(MixConfig(examples=500), kept_run(tmp_path))
    assert run(MixConfig(examples=500), kept_run(tmp_path, resume=True)) == manifest


def test_a_file_that_is_no_training_set(tmp_path: Path) -> None:
    write_agentinstruct(tmp_path / "train.parquet", [])
    with pytest.raises(DataError, match="run the mix stage again"):
        list(read_training_set(tmp_path / "train.parquet"))
