"""A clock that jumps back and forth while a run works: no wait, deadline or digest depends on it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.faults.small import command, digests, write_recipe

from agenttuning.policies.attempts import retry_after

if TYPE_CHECKING:
    from pathlib import Path

FAKED = """
import datetime, itertools, sys, time
jumps = itertools.cycle((0, -86_400, 864_000, -3_600, 30))
true = time.time
class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
time.time = lambda: true() + next(jumps)
time.time_ns = lambda: int(time.time() * 1e9)
datetime.datetime = Jumping
from agenttuning.cli import main
raise SystemExit(main(sys.argv[1:]))
"""
"""Every look at the wall clock finds another day."""


def play(recipe: Path, *, before: tuple[str, ...]) -> dict[str, str]:
    words = command(recipe, "--until", "filter")
    done = subprocess.run((*before, *words[3:]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return digests(recipe.parent / "runs" / "small")


def test_a_run_under_a_jumping_clock_has_the_same_digests(tmp_path: Path) -> None:
    for name in ("steady", "jumping"):
        (tmp_path / name).mkdir()
    steady = play(write_recipe(tmp_path / "steady"), before=(sys.executable, "-m", "agenttuning"))
    assert play(write_recipe(tmp_path / "jumping"), before=(sys.executable, "-c", FAKED)) == steady
    assert set(steady) == {"construct", "collect", "filter"}


def test_a_date_to_retry_after_is_read_by_the_servers_clock() -> None:
    later = "Wed, 21 Oct 2015 07:28:10 GMT"
    assert retry_after(later, sent="Wed, 21 Oct 2015 07:28:00 GMT") == 10.0
    assert retry_after(later) == 0.0
    assert retry_after("12", sent="no date") == 12.0
