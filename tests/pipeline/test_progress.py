"""Progress where no terminal is: plain lines on stderr, never on stdout, that end where they should."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.rooms import ROOMS

from agenttuning.core.run import Run
from agenttuning.pipeline import construct, progress
from agenttuning.pipeline.construct import ConstructConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def seconds_per_look(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the clock go on by so many seconds each time that somebody looks at it."""

    def set_pace(pace: float) -> None:
        ticks = count()
        monkeypatch.setattr(progress.time, "monotonic", lambda: next(ticks) * pace)

    return set_pace


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    told = capsys.readouterr()
    assert told.out == ""
    return told.err.splitlines()


def test_quick_work_says_nothing(seconds_per_look: Callable[[float], None], capsys: pytest.CaptureFixture[str]) -> None:
    seconds_per_look(0.01)
    with progress.progress("collect", 3) as advance:
        for _ in range(3):
            advance()
    assert lines(capsys) == []


def test_long_work_says_how_far_how_fast_and_how_long(
    seconds_per_look: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    seconds_per_look(10.0)
    with progress.progress("collect", 4) as advance:
        advance(note="success 50%")
        advance(steps=3)
    told = lines(capsys)
    assert told[0].startswith("collect: 1/4, ")
    assert told[0].endswith(" s left, success 50%")
    assert told[-1].startswith("collect: 4/4, ")
    assert told[-1].endswith(" 0 s left, success 50%")


def test_the_rate_is_that_of_this_call_alone(
    seconds_per_look: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 100 episodes 98 were played before a kill: they say nothing about the speed now."""
    seconds_per_look(10.0)
    with progress.progress("collect", 100, done=98) as advance:
        advance()
    assert lines(capsys)[0] == "collect: 99/100, 0.1/s, 20 s left"


def test_all_tasks_of_a_split_are_counted_before_they_are_listed(
    tmp_path: Path, seconds_per_look: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    seconds_per_look(5.0)
    plan = {"tasks": {"train": 1, "test": "all"}}
    construct.run(ConstructConfig.model_validate({"environments": {ROOMS: plan}}), Run(tmp_path))
    told = lines(capsys)
    assert told[-1].startswith("construct: 5/5, ")
    assert "-" not in "".join(told)
