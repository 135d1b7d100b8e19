"""AgentInstruct files come back as they were, and a wrong row is named."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Message
from agenttuning.datasets.agentinstruct import read_agentinstruct, write_agentinstruct
from agenttuning.datasets.conversation import Conversation
from agenttuning.errors import DataError

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)))
message = st.builds(Message, role=st.just("user"), content=text) | st.builds(
    Message, role=st.just("assistant"), content=text, train=st.sampled_from([None, True, False])
)
conversation = st.builds(Conversation, id=text, messages=st.lists(message, max_size=4).map(tuple))


@settings(deadline=None)
@given(conversations=st.lists(conversation, max_size=4), suffix=st.sampled_from([".json", ".jsonl", ".parquet"]))
def test_round_trip(conversations: list[Conversation], suffix: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{suffix}"
        assert write_agentinstruct(path, conversations) == len(conversations)
        assert list(read_agentinstruct(path)) == conversations


def test_flags_and_roles_are_the_data_sets(tmp_path: Path) -> None:
    path = tmp_path / "os.jsonl"
    turns = [
        {"from": "human", "loss": None, "value": "Be a shell."},
        {"from": "gpt", "loss": False, "value": "Ok."},
        {"from": "human", "loss": None, "value": "Count the files."},
        {"from": "gpt", "loss": True, "value": "Act: bash"},
    ]
    path.write_text(json.dumps({"id": "os_42", "conversations": turns}) + "\n")
    (found,) = read_agentinstruct(path)
    assert found.id == "os_42"
    assert [(m.role, m.train) for m in found.messages] == [
        ("user", None),
        ("assistant", False),
        ("user", None),
        ("assistant", True),
    ]
    write_agentinstruct(tmp_path / "again.jsonl", [found])
    assert json.loads((tmp_path / "again.jsonl").read_text()) == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"id": "a", "conversations": []}\n{"id": 3}\n', r"rows\.jsonl:2 is no AgentInstruct row: id"),
        ("{}\n", r"rows\.jsonl:1 is no AgentInstruct row: id: 'missing'; must be a string"),
        (
            '{"id": "a", "conversations": [{"from": "bot", "value": "x"}]}\n',
            r"conversations\.0\.from: 'bot'; known: human, gpt",
        ),
        ('\n{"id": \n', r"rows\.jsonl:2 is no JSON"),
        ("[1]\n", r"rows\.jsonl:1 is a list, not an object"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=told):
        list(read_agentinstruct(path))


def test_what_is_no_file_of_rows_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        list(read_agentinstruct(tmp_path / "none.json"))
    for name, content, told in (
        ("a.csv", "x", r"unknown kind; known: \.json"),
        ("b.json", '{"id": 1', r"belongs into a \.jsonl file"),
        ("a.parquet", "PAR1", "no readable Parquet file"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=told):
            list(read_agentinstruct(tmp_path / name))


def test_a_system_turn_cannot_be_written(tmp_path: Path) -> None:
    row = Conversation(id="x", messages=(Message(role="system", content="s"),))
    with pytest.raises(DataError, match="'x' has a system turn"):
        write_agentinstruct(tmp_path / "rows.json", [row])


def test_official_conversations_in_the_same_schema(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    packed = official_data("webshop") / "webshop_conversations_393.jsonl.gz"
    path = tmp_path / "webshop.jsonl"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    conversations = list(read_agentinstruct(path))
    assert len(conversations) == 393
    assert all(any(turn.train for turn in found.messages) for found in conversations)
    write_agentinstruct(tmp_path / "webshop.parquet", conversations)
    assert list(read_agentinstruct(tmp_path / "webshop.parquet")) == conversations
