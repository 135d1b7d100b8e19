"""Any file or folder is recognized, and bad rows are counted under a reason while the others are read."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agenttuning.datasets import rows as rows_module
from agenttuning.datasets.conversion import Findings
from agenttuning.datasets.source import open_source
from agenttuning.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agenttuning.datasets.dialogue import Dialogue

TURNS = [{"from": "human", "loss": None, "value": "Hi"}, {"from": "gpt", "loss": True, "value": "Hello"}]
GOOD = {"id": "os_1", "conversations": TURNS}
MESSAGES = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def lines(path: Path, *rows: object) -> Path:
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return path


def read(path: Path, named: str | None = None) -> tuple[list[Dialogue], Findings]:
    findings = Findings()
    return [one for _, one in open_source(path, named=named, report=findings).dialogues], findings


BAD = {
    "no_json": b'{"id": ',
    "no_object": b"[1]",
    "encoding": b'{"id": "caf\xe9"}',
    "role": json.dumps({"id": "a", "conversations": [{"from": "robot", "value": "x"}]}).encode(),
    "schema": json.dumps({"id": "a", "conversations": [{"from": "gpt", "loss": "yes", "value": "x"}]}).encode(),
    "mixed_schema": json.dumps(MESSAGES).encode(),
    "huge": b'{"id": "' + b"x" * 5000 + b'"}',
}


@pytest.mark.parametrize("rule", BAD)
def test_a_bad_row_is_counted_and_the_others_are_read(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "LONGEST", 2000)
    path = lines(tmp_path / "a.jsonl", GOOD, BAD[rule], GOOD)
    dialogues, findings = read(path)
    assert len(dialogues) == 2
    assert findings.counts == Counter({rule: 1})
    assert findings.examples[rule][0].startswith(f"{path}:2 ")
    with pytest.raises(DataError, match=r"a\.jsonl:2"):
        list(open_source(path).dialogues)


def test_a_torn_end_is_one_finding(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", GOOD, GOOD)
    path.write_bytes(path.read_bytes()[:-20])
    dialogues, findings = read(path)
    assert (len(dialogues), findings.counts) == (1, Counter(torn=1))
    array = tmp_path / "a.json"
    array.write_text(json.dumps([GOOD, GOOD, GOOD])[:-30])
    dialogues, findings = read(array)
    assert (len(dialogues), findings.counts) == (2, Counter(torn=1))
    packed = tmp_path / "a.jsonl.gz"
    rows = "".join(json.dumps({**GOOD, "id": f"os_{number}"}) + "\n" for number in range(9000))
    packed.write_bytes(gzip.compress(rows.encode())[:-12])
    dialogues, findings = read(packed)
    assert len(dialogues) > 8000
    assert findings.counts == Counter(torn=1)
    table = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([GOOD]), table)
    table.write_bytes(table.read_bytes()[:-9])
    findings = Findings()
    with pytest.raises(DataError, match="no row of a known format"):
        open_source(table, report=findings)
    assert findings.counts == Counter(torn=1)


def test_an_array_with_a_stranger_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([GOOD, 7, None, [GOOD], GOOD]))
    dialogues, findings = read(path)
    assert (len(dialogues), findings.counts) == (2, Counter(no_object=3))


def test_the_first_readable_row_decides(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"text": "x"}, b"no json", GOOD, GOOD)
    dialogues, findings = read(path)
    assert (len(dialogues), findings.counts) == (2, Counter(unknown_format=1, no_json=1))
    with pytest.raises(DataError, match="has the fields text"):
        open_source(lines(tmp_path / "b.jsonl", {"text": "x"}))


def test_a_name_overrules_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", GOOD)
    assert open_source(path).form.name == "agentinstruct"
    assert open_source(path, named="sharegpt").form.name == "sharegpt"
    with pytest.raises(RecipeError, match="did you mean 'sharegpt'"):
        open_source(path, named="sharegtp")


def test_json_may_be_lines_an_array_or_one_document(tmp_path: Path) -> None:
    one = {"trajectories": [{"task_instance_id": "alfworld_0", "task_description": "x", "state_action_pairs": []}]}
    for text, count in (
        (json.dumps(GOOD) + "\n" + json.dumps(GOOD), 2),
        (json.dumps([GOOD], indent=1), 1),
        (json.dumps(one, indent=1), 1),
        ("\ufeff" + json.dumps([GOOD]), 1),
    ):
        path = tmp_path / "a.json"
        path.write_text(text, "utf-8")
        assert len(read(path)[0]) == count


def test_folders_as_they_circulate(tmp_path: Path) -> None:
    hub = tmp_path / "hub" / "data"
    hub.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([GOOD]), hub / "os-00000-of-00001.parquet")
    pq.write_table(pa.Table.from_pylist([GOOD, GOOD]), hub / "db-00000-of-00001.parquet")
    assert len(read(tmp_path / "hub")[0]) == 3
    plain = tmp_path / "plain"
    plain.mkdir()
    lines(plain / "a.jsonl", GOOD)
    lines(plain / "b.jsonl", GOOD)
    assert len(read(plain)[0]) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no data files"):
        read(tmp_path / "empty")


def test_columns_and_tags_beside_a_file_are_obeyed(tmp_path: Path) -> None:
    entry = {
        "file_name": "mine.json",
        "formatting": "sharegpt",
        "columns": {"messages": "dialog", "system": "sys"},
        "tags": {"role_tag": "who", "content_tag": "said", "user_tag": "u", "assistant_tag": "a"},
    }
    turns = [{"who": "u", "said": "Hi"}, {"who": "a", "said": "Hello"}]
    (tmp_path / "mine.json").write_text(json.dumps([{"dialog": turns, "sys": "Be brief."}]))
    (tmp_path / "questions.json").write_text(json.dumps([{"q": "1+1?", "output": "2"}]))
    other = {"file_name": "questions.json", "columns": {"prompt": "q", "response": "output"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"mine": entry, "questions": other}))
    ((found,), _), ((question,), _) = read(tmp_path / "mine.json"), read(tmp_path / "questions.json")
    assert [(turn.role, turn.content) for turn in found.turns] == [
        ("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"),
    ]  # fmt: skip
    assert [turn.content for turn in question.turns] == ["1+1?", "2"]
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        read(tmp_path / "mine.json")


OFFICIAL = {
    "fastchat_dummy_conversation.json": ("sharegpt", 500),
    "llamafactory_alpaca_en_demo.json": ("alpaca", 999),
    "llamafactory_alpaca_zh_demo.json": ("alpaca", 1000),
    "llamafactory_glaive_toolcall_en_demo.json": ("llamafactory", 300),
    "llamafactory_identity.json": ("alpaca", 91),
    "tinker_conversations.jsonl": ("openai", 128),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_files_that_circulate_are_recognized(name: str, official_data: Callable[[str], Path]) -> None:
    path = official_data("general_chat") / name
    form, count = OFFICIAL[name]
    assert open_source(path).form.name == form
    dialogues, findings = read(path)
    assert (len(dialogues), findings.counts) == (count, Counter())
