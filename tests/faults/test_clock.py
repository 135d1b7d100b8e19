"""A clock that jumps back and forth while a run works: no wait, deadline or digest depends on it."""

from __future__ import annotations

import os
import subprocess
import time
from itertools import cycle
from pathlib import Path

import pytest
from tests.faults.small import command, digests, write_recipe

from agenttuning.policies.attempts import retry_after

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
JUMPS = ("+0", "-1d", "+10d", "-3600s", "+30s")


def play(recipe: Path, clock: Path | None) -> None:
    """Run collect and filter; where there is a file for the clock, the time jumps ten times a second."""
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    words = command(recipe, "--until", "filter")
    with subprocess.Popen(words, stderr=subprocess.PIPE, env={**os.environ, **(faked if clock else {})}) as process:
        for jump in cycle(JUMPS):
            if process.poll() is not None:
                break
            if clock is not None:
                clock.with_suffix(".new").write_text(f"{jump}\n")
                clock.with_suffix(".new").replace(clock)
            time.sleep(0.1)
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read()


@pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed")
def test_a_run_under_a_jumping_clock_has_the_same_digests(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    clock = tmp_path / "clock"
    clock.write_text("-1d\n")
    play(recipe, clock)
    whole = tmp_path / "whole"
    whole.mkdir()
    play(write_recipe(whole), None)
    assert digests(tmp_path / "runs" / "small") == digests(whole / "runs" / "small")
    assert set(digests(whole / "runs" / "small")) == {"construct", "collect", "filter"}


def test_a_date_to_retry_after_is_read_by_the_servers_clock() -> None:
    later = "Wed, 21 Oct 2015 07:28:10 GMT"
    assert retry_after(later, sent="Wed, 21 Oct 2015 07:28:00 GMT") == 10.0
    assert retry_after(later) == 0.0
    assert retry_after("12", sent="no date") == 12.0
