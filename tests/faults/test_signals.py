"""The end of a session or of a job's time, in every stage: a run that can be resumed, to the same digests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.faults.small import call, command, digests, write_recipe

from agenttuning.core.run import STAGE_NAMES, Run

if TYPE_CHECKING:
    from pathlib import Path

LONG = "AGENTTUNING_LONG" in os.environ
STAGES = STAGE_NAMES if LONG else ("collect", "evaluate")
HEARS = """
import signal, sys
from agenttuning.cli import main
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
raise SystemExit(main(sys.argv[1:]))
"""
"""Whoever runs these tests may have told them to ignore signals; undone."""


def stop_in(stage: str, number: signal.Signals, recipe: Path) -> tuple[int, str]:
    """Start the run, send a signal as soon as a stage begins, and return exit code and last line."""
    words = command(recipe)[3:]
    process = subprocess.Popen((sys.executable, "-c", HEARS, *words), stderr=subprocess.PIPE, text=True)
    folder = Run(recipe.parent / "runs" / "small").stage_folder(stage)
    while process.poll() is None and not (folder / "stage.json").exists():
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate()
    return process.returncode, told


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_signal_in_any_stage_leaves_a_run_that_goes_on(undisturbed: dict[str, str], tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    stopped = 0
    for number, stage in enumerate(STAGES):
        sent = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[number % 3]
        code, told = stop_in(stage, sent, recipe)
        assert "Traceback" not in told
        if code:  # the stage, and all after it, may have been faster than the signal
            stopped += 1
            name = "interrupted" if sent is signal.SIGINT else sent.name
            assert code == 128 + sent
            assert told.splitlines()[-1] == f"agenttuning: {name}; what is finished is kept, continue with --resume"
    assert stopped > 0
    assert call(recipe).returncode == 0
    assert digests(tmp_path / "runs" / "small") == undisturbed
