"""Terminal codes go, everything that a reader sees stays, and the raw text is kept aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pipeline.filtering.made import said

from agenttuning.core.records import Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.pipeline import filter as stage
from agenttuning.pipeline.filter import FilterConfig
from agenttuning.pipeline.filtering.escapes import clean, without_codes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]0;root@box: /\x07root@box:/# ls\r\n", "root@box:/# ls\n"),
        ("\x1b]2;title\x1b\\x", "x"),
        ("\x1b[01;31m\x1b[Kred\x1b[m\x1b[K end", "red end"),
        ("\x1b[?2004hprompt\x1b[?2004l\r\r\n", "prompt\n"),
        ("\x9b31mred\x9bm", "red"),
        ("a\x1b(Bb\x1b=c\x1bMd", "abcd"),
        ("\x1bPq#0;2;0;0;0\x1b\\pixels", "pixels"),
        ("10 %\r20 %\rdone", "10 %\n20 %\ndone"),
        ("nul\x00 bell\x07 back\x08 delete\x7f", "nul bell back delete"),
        ("tab\tand\nline, caf\u00e9 \U0001f600", "tab\tand\nline, caf\u00e9 \U0001f600"),
        ("torn at the end \x1b[3", "torn at the end "),
        ("torn title \x1b]0;root", "torn title "),
    ],
)
def test_without_codes(raw: str, shown: str) -> None:
    assert without_codes(raw) == shown


@given(st.text(st.sampled_from("\x1b]0;[m\x07\\\r\n\t \x9bab\x00"), max_size=30))
def test_nothing_of_a_code_is_left_and_cleaning_twice_changes_nothing(raw: str) -> None:
    once = without_codes(raw)
    assert not any(mark in once for mark in "\x1b\x07\x9b\x00\r")
    assert without_codes(once) == once


def test_only_observations_are_cleaned() -> None:
    played = said("\x1b[1mgo", "say \x1b[1m", "fine", "b")
    assert [message.content for message in clean(played).messages] == ["go", "say \x1b[1m", "fine", "b"]
    assert clean(clean(played)) is not played
    assert clean(said("go", "a")).messages == said("go", "a").messages


def test_the_stage_keeps_the_raw_text_aside_and_counts(tmp_path: Path) -> None:
    run = Run(tmp_path)
    begun = run.open("collect", StageConfig())
    coloured, plain = said("\x1b[1mgo", "a", world="operating_system"), said("stay", "a", task="2")
    twin = said("go", "a", world="operating_system", task="3")
    write_records(begun.folder / "trajectories.jsonl", [coloured, plain, twin])
    begun.finish(outputs=("trajectories.jsonl",), counts={})
    manifest = stage.run(FilterConfig(clean_escapes=True), run)
    kept = list(read_records(run.output("filter", "kept.jsonl"), Trajectory))
    assert [one.messages[0].content for one in kept] == ["stay", "go"]
    assert list(read_records(run.output("filter", "raw.jsonl"), Trajectory)) == [coloured]
    assert manifest.counts["cleaned"] == {"operating_system": 1}
    assert manifest.counts["rejected"] == {"operating_system": {"duplicate": 1}}
