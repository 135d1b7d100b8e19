"""Whole files: real data come back equal through every format that can hold them, and all else is counted."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agenttuning.datasets.checks import Checker
from agenttuning.datasets.conversion import Conversion, Outcome
from agenttuning.datasets.dialogue import Dialogue, Turn
from agenttuning.datasets.registry import FORMATS, format_named
from agenttuning.datasets.row_writer import write_rows
from agenttuning.datasets.source import open_source
from agenttuning.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TALK = (
    Turn("user", "Hi"),
    Turn("assistant", "OK", train=False),
    Turn("user", "1+1?"),
    Turn("assistant", "2", train=True),
)
FLAGGED = [
    "agentinstruct",
    "openai",
    "trl",
    "trl-prompt",
    "llamafactory",
    "axolotl",
    "adp",
    "atif",
    "verifiers",
    "inspect",
]


def convert(dialogues: list[Dialogue], target: Path, to: str, *, fix: bool = False, drop: bool = False) -> Outcome:
    outcome = Outcome()
    Conversion(format_named(to), fix=fix, drop=drop).run([("here", one) for one in dialogues], target, outcome)
    return outcome


def read(path: Path, named: str | None = None) -> list[Dialogue]:
    return [one for _, one in open_source(path, named=named).dialogues]


def there_and_back(dialogues: list[Dialogue], name: str, folder: Path) -> list[Dialogue]:
    """Write a file of every kind that the format has; the dialogues that came back, equal from each kind."""
    found = []
    for suffix in format_named(name).suffixes:
        if suffix != ".eval":
            target = folder / name / f"rows{suffix}"
            outcome = convert(dialogues, target, name)
            assert (outcome.written, outcome.refused.counts) == (len(dialogues), Counter())
            found.append(read(target, name))
    assert all(one == found[0] for one in found)
    return found[0]


def bare(dialogues: list[Dialogue]) -> list[tuple[str | None, tuple[Turn, ...]]]:
    return [(one.id, one.turns) for one in dialogues]


@pytest.mark.parametrize("name", FLAGGED)
def test_agent_conversations_come_back_with_every_flag(
    name: str, official_data: Callable[[str], Path], tmp_path: Path
) -> None:
    dialogues = read(official_data("webshop") / "webshop_conversations_393.jsonl.gz")[::8]
    assert there_and_back(dialogues, name, tmp_path) == dialogues


@pytest.mark.parametrize(
    "name", [*FLAGGED, "sharegpt", "fastchat", "llamafactory-whole", "agentbench", "agentbench-old"]
)
def test_the_public_trajectories_come_back(name: str, official_data: Callable[[str], Path], tmp_path: Path) -> None:
    dialogues = read(official_data("agentinstruct_alfworld") / "agentinstruct_trajectories.json")
    assert len(dialogues) == 336
    if name in {"trl-prompt", "llamafactory"}:  # a row per trained turn: much to write
        dialogues = dialogues[::6]
    target = tmp_path / f"rows{format_named(name).suffixes[0]}"
    outcome = convert(dialogues, target, name)
    assert (outcome.written, outcome.refused.counts) == (len(dialogues), Counter())
    assert bare(read(target, name)) == bare(dialogues)


@pytest.mark.parametrize("name", [name for name in FLAGGED if name != "agentinstruct"])
def test_tool_calls_come_back(name: str, official_data: Callable[[str], Path], tmp_path: Path) -> None:
    dialogues = read(official_data("general_chat") / "llamafactory_glaive_toolcall_en_demo.json")[::3]
    assert sum(bool(turn.calls) for one in dialogues for turn in one.turns) > 50
    found = there_and_back(dialogues, name, tmp_path)
    assert [replace(one, id=None) for one in found] == dialogues


def test_files_come_back_as_they_were(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = official_data("general_chat")
    for name, form in (
        ("fastchat_dummy_conversation.json", "sharegpt"),
        ("fastchat_dummy_conversation.json", "fastchat"),
        ("llamafactory_glaive_toolcall_en_demo.json", "llamafactory-whole"),
        ("tinker_conversations.jsonl", "openai"),
    ):
        text = (folder / name).read_text("utf-8")
        rows = json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines() if line]
        convert(read(folder / name), tmp_path / "again.json", form)
        assert json.loads((tmp_path / "again.json").read_text("utf-8")) == rows


def test_official_data_are_sound(official_data: Callable[[str], Path]) -> None:
    for path in (
        official_data("webshop") / "webshop_conversations_393.jsonl.gz",
        official_data("general_chat") / "fastchat_dummy_conversation.json",
    ):
        checker = Checker()
        assert [problem for one in read(path) for problem in checker.check(one)] == []


def test_what_cannot_be_held_is_counted(tmp_path: Path) -> None:
    rich = Dialogue("a", TALK, reward=1.0, stop="done", extra={"source": "x"})
    outcome = convert([rich, rich], tmp_path / "a.jsonl", "sharegpt")
    assert outcome.left_behind == Counter({"context flags": 2})
    outcome = convert([rich, rich], tmp_path / "a.jsonl", "agentinstruct")
    assert outcome.left_behind == Counter({"reward": 2, "stop": 2, "further fields": 2})


def test_a_dialogue_that_cannot_be_written_is_refused_with_its_reason(tmp_path: Path) -> None:
    system = Dialogue("s", (Turn("system", "Be brief."), *TALK))
    half = Dialogue("h", (Turn("user", "\ud83d"), Turn("assistant", "x", train=True)))
    good = Dialogue("g", TALK)
    for suffix in (".json", ".jsonl", ".parquet"):
        path = tmp_path / f"a{suffix}"
        outcome = convert([system, half, good], path, "agentinstruct")
        assert outcome.refused.counts == Counter(system_turns=1, lone_surrogate=1)
        assert "--fix puts its text into the first user turn" in outcome.refused.examples["system_turns"][0]
        assert (outcome.read, outcome.written, outcome.rows) == (3, 1, 1)
        assert read(path) == [good]
        fixed = convert([system, half, good], path, "agentinstruct", fix=True)
        assert (fixed.written, fixed.refused.counts) == (3, Counter())
        assert fixed.mended == Counter({"system turns folded": 1, "half characters replaced": 1})
        assert read(path)[0].turns[0].content == "Be brief.\n\nHi"


def test_a_refusal_is_counted_once_however_many_rows_it_would_be(tmp_path: Path) -> None:
    half = Dialogue("h", (Turn("user", "\ud83d"), Turn("assistant", "x", True), Turn("user", "y"), TALK[-1]))
    outcome = convert([half, Dialogue("g", TALK)], tmp_path / "a.jsonl", "llamafactory")
    assert (outcome.written, outcome.refused.counts) == (1, Counter(lone_surrogate=1))


def test_drop_keeps_out_what_validate_calls_an_error(tmp_path: Path) -> None:
    bad = Dialogue("b", (Turn("user", "x"), Turn("user", "y"), Turn("assistant", "z", train=True)))
    doubtful = Dialogue("d", (Turn("user", "[TRUNCATED]"), Turn("assistant", "z", train=True)))
    outcome = convert([bad, doubtful, doubtful], tmp_path / "a.json", "agentinstruct", drop=True)
    assert outcome.refused.counts == Counter(alternation=1, duplicate=1)
    assert outcome.written == 1


def test_a_row_per_trained_turn_and_what_its_trainer_must_be_told(tmp_path: Path) -> None:
    long = Dialogue("a", (*TALK, Turn("user", "2+2?"), Turn("assistant", "4", train=True), Turn("user", "Thanks")))
    target = tmp_path / "a.json"
    outcome = convert([long], target, "llamafactory")
    assert (outcome.written, outcome.rows) == (1, 2)
    assert outcome.left_behind == Counter({"turns after the last trained one": 1})
    rows = json.loads(target.read_text())
    assert [len(row["conversations"]) for row in rows] == [4, 6]
    assert [row["conversations"][-1]["value"] for row in rows] == ["2", "4"]
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert (info["a"]["file_name"], info["a"]["formatting"]) == ("a.json", "sharegpt")
    assert "mask_history" in format_named("llamafactory").note
    convert([long], tmp_path / "b.json", "llamafactory-whole", fix=True)
    assert json.loads((tmp_path / "dataset_info.json").read_text()).keys() == {"a", "b"}
    assert len(read(tmp_path)) == 2


def test_llamafactory_rows_obey_its_rules(tmp_path: Path) -> None:
    """Human or observation, then gpt or function_call, in pairs; neighbours are merged and come back."""
    crowded = Dialogue(
        None,
        (
            Turn("user", "a"),
            Turn("user", "b"),
            Turn("assistant", "c", train=True),
            Turn("assistant", "d", train=True),
            Turn("tool", "e"),
            Turn("user", "f"),
            Turn("assistant", "g", train=True),
        ),
    )
    target = tmp_path / "a.jsonl"
    convert([crowded], target, "llamafactory-whole")
    (row,) = [json.loads(line) for line in target.read_text().splitlines()]
    sides = [turn["from"] in {"human", "observation"} for turn in row["conversations"]]
    assert sides == [True, False] * (len(sides) // 2)
    assert row["conversations"][0]["value"] == "a\n\nb"
    assert read(target, "llamafactory-whole") == [crowded]


def test_axolotl_gets_the_configuration_that_obeys_the_flags(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    outcome = convert([Dialogue("a", TALK)], target, "axolotl")
    text = (tmp_path / "a.jsonl.axolotl.yaml").read_text()
    assert outcome.beside == [str(tmp_path / "a.jsonl.axolotl.yaml")]
    assert "message_field_training: train" in text
    assert "roles_to_train: []" in text
    (row,) = [json.loads(line) for line in target.read_text().splitlines()]
    assert [message["train"] for message in row["messages"]] == [None, False, None, True]


def test_the_hub_layout_has_a_file_per_split(tmp_path: Path) -> None:
    dialogues = [Dialogue(name, TALK) for name in ("os_1", "knowledge_graph_2", "os_3", "odd")]
    outcome = convert(dialogues, tmp_path / "set", "agentinstruct")
    assert outcome.rows == 4
    files = sorted(path.name.partition("-")[0] for path in (tmp_path / "set" / "data").iterdir())
    assert files == ["knowledge_graph", "os", "train"]
    assert {one.id for one in read(tmp_path / "set")} == {one.id for one in dialogues}


@pytest.mark.parametrize(
    ("to", "name", "told"),
    [
        ("alpaca", "a.json", "alpaca is only read"),
        ("atif", "a.parquet", r"atif is not written to a\.parquet; known: \.json, \.jsonl"),
        ("openai", "a.eval", r"or add --to inspect"),
        ("openai", "folder", "openai is not written to folder"),
    ],
)
def test_a_target_that_does_not_fit_is_told_at_once(to: str, name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=told):
        convert([], tmp_path / name, to)


def test_an_unknown_kind_of_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown kind"):
        convert([], tmp_path / "a.csv", "openai")


def test_a_failed_conversion_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    convert([Dialogue("a", TALK)], target, "agentinstruct")
    before = target.read_bytes()
    header = {"environment": "os", "task": "7", "never_train": True}
    test_data = Dialogue("t", TALK, extra={"trajectory": header})
    with pytest.raises(DataError, match="'7' is test data"):
        convert([Dialogue("a", TALK), test_data], target, "agentinstruct")
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def rows(count: int) -> Iterator[dict[str, object]]:
        turns = [{"from": "human", "loss": None, "value": "x" * 90_000}, {"from": "gpt", "loss": True, "value": "y"}]
        for number in range(count):
            yield {"id": f"os_{number}", "conversations": turns}

    peaks = []
    for suffix in (".jsonl", ".json"):
        for count in (80, 240):
            source = tmp_path / f"{count}{suffix}"
            write_rows(source, rows(count))  # type: ignore[arg-type]
            tracemalloc.start()
            outcome = Outcome()
            Conversion(FORMATS["openai"]).run(open_source(source).dialogues, tmp_path / f"out{suffix}", outcome)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert outcome.written == count
    assert peaks[1] < 1.1 * peaks[0] + 100_000
    assert peaks[3] < 1.5 * peaks[2] + 100_000
