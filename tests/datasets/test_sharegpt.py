"""General conversations in both circulating schemas."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.core.records import Message
from agenttuning.datasets.sharegpt import read_sharegpt
from agenttuning.errors import DataError


def _write(folder: Path, *rows: object) -> Path:
    path = folder / "chat.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_both_schemas_read_alike(tmp_path: Path) -> None:
    share = {"id": "a", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
    plain = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    first, second = read_sharegpt(_write(tmp_path, share, plain))
    expected = (Message(role="user", content="Hi"), Message(role="assistant", content="Hello", train=True))
    assert first.messages == second.messages == expected
    assert (first.id, second.id) == ("a", "1")


def test_an_opening_answer_is_left_out(tmp_path: Path) -> None:
    turns = [{"from": role, "value": role} for role in ("gpt", "human", "chatgpt")]
    (found,) = read_sharegpt(_write(tmp_path, {"id": "a", "conversations": turns}))
    assert [turn.role for turn in found.messages] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"instruction": "x"}, r"chat\.jsonl:1 has neither 'conversations' nor 'messages'; known fields: instruction"),
        ({"messages": ["x"]}, "messages.0: 'x'; must be an object"),
        (
            {"messages": [{"role": "usr", "content": "x"}]},
            r"messages.0.role: 'usr'; is no role \(did you mean 'user'\?\)",
        ),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content: None; must be a string"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        list(read_sharegpt(_write(tmp_path, row)))


def test_files_that_circulate(official_data: Callable[[str], Path]) -> None:
    folder = official_data("general_chat")
    assert len(list(read_sharegpt(folder / "fastchat_dummy_conversation.json"))) == 500
    assert len(list(read_sharegpt(folder / "tinker_conversations.jsonl"))) == 128
    with pytest.raises(DataError, match="'function_call'; is no role"):
        list(read_sharegpt(folder / "llamafactory_glaive_toolcall_en_demo.json"))
