"""What of a trajectory becomes an example: each dialogue that the model saw, and nothing made from test data."""

from pathlib import Path

import pytest

from agenttuning.cli import main
from agenttuning.core.records import Message, Provenance, Score, Stop, Trajectory
from agenttuning.core.store import write_records
from agenttuning.datasets.agentinstruct import read_agentinstruct
from agenttuning.errors import DataError
from agenttuning.pipeline.mix_sources import read_sources


def _trajectory(*, never_train: bool = False, last: str = "four") -> Trajectory:
    first = (Message(role="user", content="1 + 1?"), Message(role="assistant", content="two", train=True))
    second = (Message(role="user", content="2 + 2?"), Message(role="assistant", content=last, train=True))
    third = (Message(role="user", content="3 + 3?"),)
    return Trajectory(
        environment="sums",
        task="t",
        split="train",
        messages=(*first, *second, *third),
        restarts=(2, 4),
        stop=Stop.CONTEXT,
        score=Score(reward=1.0, success=True),
        never_train=never_train,
        provenance=Provenance(
            source="sums-official, test", difficulty=None, environment_version="1", prompt="", policy="oracle"
        ),
    )


def test_every_answered_dialogue_is_an_example(tmp_path: Path) -> None:
    write_records(tmp_path / "kept.jsonl", [_trajectory()])
    sources = read_sources(tmp_path / "kept.jsonl", general=(), agent_files=(), general_files=())
    said = [[message.content for message in example.messages] for example in sources.agent["sums"]]
    assert said == [["1 + 1?", "two"], ["2 + 2?", "four"]]
    assert {example.task for example in sources.agent["sums"]} == {"t"}


def test_test_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept.jsonl"
    write_records(kept, [_trajectory(), _trajectory(never_train=True)])
    with pytest.raises(DataError, match=r"'t' \(sums-official, test\) is test data.*splits\.train"):
        read_sources(kept, general=(), agent_files=(), general_files=())
    assert main(["data", "convert", str(kept), str(tmp_path / "out.json")]) == 1
    assert "never trained on" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
    assert main(["data", "stats", str(kept)]) == 0


def test_converted_dialogues_have_names_of_their_own(tmp_path: Path) -> None:
    write_records(tmp_path / "kept.jsonl", [_trajectory()])
    assert main(["data", "convert", str(tmp_path / "kept.jsonl"), str(tmp_path / "out.json")]) == 0
    names = [conversation.id for conversation in read_agentinstruct(tmp_path / "out.json")]
    assert names == ["sums_t_0_0", "sums_t_0_1"]
