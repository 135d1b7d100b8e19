"""`agenttuning data`: what a person types, sees on stdout and stderr, and gets as exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agenttuning.datasets.registry import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call

GOOD = {
    "id": "os_1",
    "conversations": [
        {"from": "human", "loss": None, "value": "Count."},
        {"from": "gpt", "loss": False, "value": "OK."},
        {"from": "human", "loss": None, "value": "Files."},
        {"from": "gpt", "loss": True, "value": "Act: bash"},
    ],
}
TALKATIVE = {"id": "db_1", "conversations": [*GOOD["conversations"][:1] * 2, *GOOD["conversations"][1:]]}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Three sound rows, one that cannot be read, and one with two user turns in a row."""
    path = tmp_path / "rows.jsonl"
    rows = [GOOD, {**GOOD, "id": "os_2", "conversations": GOOD["conversations"][2:]}, "no json", TALKATIVE]
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_convert_says_what_it_read_wrote_and_left_behind(mixed: Path, call: Call) -> None:
    told = call("data", "convert", mixed, mixed.with_name("out.json"), "--to", "sharegpt")
    assert told.code == 0
    assert "is read as agentinstruct" in told.err
    assert "conversations: 3" in told.out
    assert "left behind: sharegpt cannot hold it" in told.out
    assert "context flags" in told.out
    assert "no_json" in told.out
    assert len(json.loads(mixed.with_name("out.json").read_text())) == 3


def test_strict_makes_a_bad_row_an_exit_code(mixed: Path, call: Call) -> None:
    target = mixed.with_name("out.json")
    assert call("data", "convert", mixed, target, "--strict").code == 1
    assert call("data", "validate", mixed).code == 0
    assert call("data", "validate", mixed, "--strict").code == 1
    assert call("data", "stats", mixed, "--strict").code == 1
    assert call("data", "validate", target, "--strict").code == 1
    assert call("data", "convert", target, mixed.with_name("sound.json"), "--fix", "--drop", "--strict").code == 0
    assert call("data", "validate", mixed.with_name("sound.json"), "--strict").code == 0


def test_validate_names_row_field_value_and_fix(mixed: Path, call: Call) -> None:
    told = json.loads(call("data", "validate", mixed, "--json").out)
    assert (told["conversations"], told["unfit"]) == (3, 1)
    assert told["rules"]["no_json"]["examples"][0].startswith(f"{mixed}:3 is no JSON")
    assert told["rules"]["alternation"]["examples"] == [
        f"{mixed}:4 (db_1) turn 1: two user turns in a row; merge them; --fix merges a user's"
    ]
    assert "--fix --drop" in call("data", "validate", mixed).out


def test_stats_are_the_papers_table(mixed: Path, call: Call) -> None:
    told = json.loads(call("data", "stats", mixed, "--json").out)
    assert (told["conversations"], told["average_turns"], told["context_turns"]) == (3, 1.0, 2)
    assert told["environments"].keys() == {"os", "db"}
    assert told["environments"]["os"]["trained_turns"] == 2
    assert told["unreadable"] == {"no_json": 1}
    assert "context" in call("data", "stats", mixed).out
    counted = json.loads(call("data", "stats", mixed, "--tokenizer", "tiny-base", "--json").out)
    assert 0 < counted["tokens"] < counted["characters"]


def test_every_format_is_listed(call: Call) -> None:
    assert json.loads(call("data", "formats", "--json").out).keys() == FORMATS.keys()
    assert "LLaMA-Factory" in call("data", "formats").out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["convert", "none.json", "out.json"], 1, "no such file: none.json"),
        (["convert", "none.json", "out.json", "--to", "opneai"], 2, "did you mean 'openai'"),
        (["validate", "none.json", "--from", "x"], 2, "unknown format 'x'"),
        (["stats", "none.json", "--tokenizer", "none"], 1, "none"),
        (["convert", "none.eval", "out.json"], 1, "none.eval"),
    ],
)
def test_a_mistake_is_one_sentence(words: list[str], code: int, told: str, call: Call) -> None:
    answer = call("data", *words)
    assert answer.code == code
    assert told in answer.sentence
