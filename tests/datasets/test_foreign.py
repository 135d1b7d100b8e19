"""Files of others: rows as their own tools write them, with fields that we do not know, come back whole."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from atif import Trajectory as Document
from hypothesis import given, settings
from tests.datasets.test_formats import ANY

from agenttuning.datasets.dialogue import Dialogue, Row, Turn
from agenttuning.datasets.problems import BadRowError
from agenttuning.datasets.registry import detect, format_named

if TYPE_CHECKING:
    from pydantic import JsonValue


def read(row: Row) -> list[Dialogue]:
    form = detect(row)
    assert form is not None
    return list(form.read(row, number=0))


def said(dialogue: Dialogue) -> list[tuple[str, str, bool | None]]:
    return [(turn.role, turn.content, turn.train) for turn in dialogue.turns]


def again(name: str, row: Row) -> Row:
    """Read a row and write it in the same format."""
    (dialogue,) = read(row)
    (written,) = format_named(name).rows(dialogue, number=0)
    return written


@pytest.mark.parametrize("version", ["1.7", "1.8"])
@settings(max_examples=100)
@given(one=ANY)
def test_atif_documents_pass_the_independent_models(version: str, one: Dialogue) -> None:
    for row in format_named("atif" if version == "1.7" else "atif-1.8").rows(one, number=0):
        document = Document.model_validate(row)
        assert document.schema_version == f"ATIF-v{version}"
        assert len(document.steps) == len({step.step_id for step in document.steps})


CALL: Row = {"tool_call_id": "c1", "function_name": "look", "arguments": {"at": "desk"}}
ATIF: Row = {
    "schema_version": "ATIF-v1.6",
    "session_id": "run-7",
    "agent": {"name": "terminus", "version": "2", "model_name": "m", "tool_definitions": [{"name": "look"}]},
    "steps": [
        {"step_id": 1, "source": "user", "message": "Look.", "timestamp": "2025-10-16T14:30:00Z"},
        {"step_id": 2, "source": "agent", "message": "copied", "is_copied_context": True},
        {
            "step_id": 3,
            "source": "agent",
            "message": "",
            "reasoning_content": "hm",
            "tool_calls": [CALL],
            "observation": {"results": [{"source_call_id": "c1", "content": "A pen."}]},
            "metrics": {"prompt_tokens": 5, "completion_tokens": 2},
            "extra": {"note": 1},
        },
        {"step_id": 4, "source": "agent", "message": [{"type": "text", "text": "A pen"}]},
    ],
    "final_metrics": {"total_steps": 4},
    "extra": {"run": "x"},
}


def test_atif_of_others() -> None:
    (found,) = read(ATIF)
    assert found.id == "run-7"
    assert found.tools == ({"name": "look"},)
    assert said(found) == [
        ("user", "Look.", None),
        ("assistant", "copied", False),
        ("assistant", "", True),
        ("tool", "A pen.", None),
        ("assistant", "A pen", True),
    ]
    assert found.turns[2].reasoning == "hm"
    assert found.turns[2].calls[0].arguments == '{"at": "desk"}'
    written = again("atif", ATIF)
    Document.model_validate(written)
    steps: JsonValue = ATIF["steps"]
    assert written["steps"] == steps
    assert written["agent"] == ATIF["agent"]
    assert (written["final_metrics"], written["extra"]) == (ATIF["final_metrics"], ATIF["extra"])
    assert read(written) == [found]


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7", "1.8"])
def test_atif_versions_are_read(version: str) -> None:
    assert len(read({**ATIF, "schema_version": f"ATIF-v{version}"})) == 1


def test_an_unknown_atif_version_is_told() -> None:
    with pytest.raises(BadRowError, match=r"'2\.0'; known: 1\.4"):
        read({**ATIF, "schema_version": "ATIF-v2.0"})


def test_our_observations_stand_in_the_step_that_caused_them() -> None:
    turns = (
        Turn("user", "Task"),
        Turn("assistant", "OK", train=False),
        Turn("user", "Desk."),
        Turn("assistant", "go", train=True),
    )
    one = Dialogue("t", (*turns, Turn("user", "You see a pen.")), extra={"trajectory": {"environment": "alfworld"}})
    (row,) = format_named("atif").rows(one, number=0)
    document = Document.model_validate(row)
    assert [step.source for step in document.steps] == ["user", "agent", "user", "agent"]
    assert document.steps[-1].observation is not None
    assert document.steps[-1].observation.results[0].content == "You see a pen."
    assert read(row) == [one]


def test_a_tree_of_verifiers_is_a_dialogue_per_leaf() -> None:
    def node(parent: int | None, role: str, text: str, *, sampled: bool = False) -> Row:
        return {"parent": parent, "message": {"role": role, "content": text}, "sampled": sampled, "token_ids": [1, 2]}

    row: Row = {
        "version": 1,
        "id": "t",
        "task": {"type": "MyTask", "data": {"idx": 0}},
        "verifiers": {"version": "0.4.0"},
        "agent": {"config": {"model": "m"}, "name": "solver"},
        "nodes": [
            node(None, "user", "q"),
            node(0, "assistant", "few-shot"),
            node(0, "assistant", "a", sampled=True),
            node(2, "user", "more"),
            node(3, "assistant", "b", sampled=True),
        ],
        "rewards": {"right": {"score": 1.0, "weight": 0.5}, "style": {"score": 0.5, "weight": 0.2}, "late": None},
        "stop_condition": "max_turns",
        "is_completed": True,
        "ok": True,
        "errors": [],
    }
    first, second = read(row)
    assert said(first) == [("user", "q", None), ("assistant", "few-shot", False)]
    assert said(second) == [
        ("user", "q", None),
        ("assistant", "a", True),
        ("user", "more", None),
        ("assistant", "b", True),
    ]
    assert (second.id, second.reward, second.stop) == ("t_1", 0.6, "max_turns")
    (written,) = format_named("verifiers").rows(second, number=0)
    assert written["task"] == row["task"]
    assert written["rewards"] == row["rewards"]
    assert read(written) == [second]
    with pytest.raises(BadRowError, match=r"nodes\.0\.parent: 4; must be null or the index of an earlier node"):
        read({**row, "nodes": [node(4, "user", "q")]})


def test_adp_of_others() -> None:
    content: list[JsonValue] = [
        {"class_": "text_observation", "content": "Fix it.", "source": "user"},
        {"class_": "code_action", "language": "bash", "content": "ls", "description": "look"},
        {"class_": "text_observation", "content": "a.py", "source": "environment"},
        {"class_": "api_action", "function": "open", "kwargs": {"file": "a.py"}, "description": "I open it."},
        {"class_": "web_observation", "html": "<p>", "axtree": "[1] p", "url": "http://x", "viewport_size": [1, 2]},
        {"class_": "message_action", "content": "Done.", "description": "end", "reward": 1.0},
    ]
    row: Row = {"schema_version": "1.2.0", "id": "swe_1", "content": content, "details": {"dataset": "swe"}}
    (found,) = read(row)
    assert said(found) == [
        ("user", "Fix it.", None),
        ("assistant", "```bash\nls\n```", True),
        ("user", "a.py", None),
        ("assistant", "I open it.", True),
        ("user", "[1] p", None),
        ("assistant", "Done.", True),
    ]
    written = again("adp", row)
    assert [item for item in _items(written) if item["class_"] != "api_action"] == [
        item for item in _items(row) if item["class_"] != "api_action"
    ]
    assert read(written)[0].turns == found.turns


def _items(row: Row) -> list[Row]:
    content = row["content"]
    assert isinstance(content, list)
    return [item for item in content if isinstance(item, dict)]


def test_agentbench_of_others() -> None:
    history: list[JsonValue] = [
        {"role": "user", "content": "You are a shell."},
        {"role": "agent", "content": "OK. I'll follow your instructions."},
        {"role": "user", "content": "Count."},
        {"role": "agent", "content": "Act: bash"},
    ]
    output: Row = {"index": 3, "status": "task limit reached", "result": {"is_correct": False}, "history": history}
    row: Row = {"index": 3, "error": None, "info": None, "output": output, "time": {"timestamp": 1, "str": "now"}}
    (found,) = read(row)
    assert [turn.train for turn in found.turns] == [None, False, None, True]
    assert (found.id, found.stop) == ("3", "turns")
    assert again("agentbench", row) == row
    failed: Row = {"index": 4, "error": "START_FAILED", "info": "refused", "output": None, "time": {}}
    assert read(failed)[0].turns == ()
    old: Row = {"index": 5, "input": None, "output": None, "history": history, "exception_raised": False}
    assert said(read(old)[0]) == said(found)
    assert again("agentbench-old", old) == old


def test_function_calling_histories_are_messages() -> None:
    call: Row = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": '{"c": "ls"}'}}
    history: list[JsonValue] = [
        {"role": "user", "content": "Count."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "7"},
    ]
    row: Row = {"index": 1, "error": None, "output": {"index": 1, "status": "completed", "history": history}}
    (found,) = read(row)
    assert [turn.role for turn in found.turns] == ["user", "assistant", "tool"]
    with pytest.raises(BadRowError, match="agentbench has none"):
        format_named("agentbench").check(found)


def test_messages_of_others() -> None:
    row: Row = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is "},
                    {"type": "image_url", "image_url": {"url": "x"}},
                    {"type": "text", "text": "this?"},
                ],
                "name": "jane",
            },
            {"role": "assistant", "content": "A pen.", "weight": 0, "refusal": "no"},
        ],
        "tools": [],
        "parallel_tool_calls": False,
    }
    (found,) = read(row)
    assert said(found) == [
        ("system", "Be brief.", None),
        ("user", "What is this?", None),
        ("assistant", "A pen.", False),
    ]
    assert again("openai", row) == {key: value for key, value in row.items() if key != "tools"}
    function: Row = {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}}
    assert read({"messages": [function]})[0].turns[0].calls[0].name == "look"


def test_inspect_logs_of_others() -> None:
    messages: list[JsonValue] = [
        {"id": "m1", "role": "user", "content": "1+1?", "source": "input"},
        {
            "id": "m2",
            "role": "assistant",
            "content": [{"type": "reasoning", "reasoning": "easy"}, {"type": "text", "text": "2"}],
            "source": "generate",
            "model": "m",
        },
    ]
    sample: Row = {
        "id": 1,
        "epoch": 1,
        "input": "1+1?",
        "target": "2",
        "messages": messages,
        "scores": {"match": {"value": "C", "answer": "2"}},
        "limit": {"type": "token", "limit": 100},
        "metadata": {"q": 1},
    }
    (found,) = read({"version": 2, "eval": {"task": "t"}, "samples": [sample]})
    assert said(found) == [("user", "1+1?", None), ("assistant", "2", True)]
    assert (found.id, found.reward, found.stop, found.turns[1].reasoning) == ("1", 1.0, "budget", "easy")
    (written,) = format_named("inspect").rows(found, number=0)
    assert (written["target"], written["scores"], written["limit"]) == ("2", sample["scores"], sample["limit"])
    assert read({"eval": {}, "samples": [written]}) == [found]


@settings(max_examples=200)
@given(one=ANY)
def test_adp_links_obey_its_validator(one: Dialogue) -> None:
    """Its rules: ids of calls are unique, each has one observation after it, and none is missing before one."""
    (row,) = format_named("adp").rows(one, number=0)
    items = _items(row)
    calls = [str(item["tool_call_id"]) for item in items if "tool_call_id" in item and item["class_"] == "api_action"]
    results = [str(item["tool_call_id"]) for item in items if "tool_call_id" in item and item["class_"] != "api_action"]
    assert sorted(calls) == sorted(results)
    assert len(calls) == len(set(calls))
    for before, after in pairwise(items):
        if before["class_"] == "api_action" and after["class_"] == "text_observation":
            assert "tool_call_id" in before
    for item in items:
        assert item["class_"] != "text_observation" or item["source"] in {"user", "environment"}
