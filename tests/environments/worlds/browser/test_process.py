"""The browser belongs to one process and goes with it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agenttuning.environments.worlds.browser.process import missing_program

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_program()), reason=missing_program() or "present"),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]
pytest.importorskip("playwright", reason="playwright is not installed")

OWNER = """
import asyncio, os, sys, time
from agenttuning.environments.worlds.browser.owner import shared_browser
browser = shared_browser()
context = asyncio.run(browser.run(browser.new_context(allowed="file:///"), seconds=60))
asyncio.run(browser.run(context.new_page(), seconds=60))
print(browser.folder, flush=True)
if sys.argv[1] == "fork" and os.fork() == 0:
    sys.exit()
if sys.argv[1] != "exit":
    time.sleep(600)
"""
_SECONDS = 5


def _left(folder: Path, owner: int) -> list[bytes]:
    """Return the command lines of the browser's processes, and of the owner's children, that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != owner:
            try:
                line = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if str(folder).encode() in line or parent == str(owner):
                found.append(line)
    return found


def _start(how: str) -> tuple[subprocess.Popen[str], Path]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    owner = subprocess.Popen([sys.executable, "-c", OWNER, how], stdout=subprocess.PIPE, text=True, env=environment)
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().strip())


def _end(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def _gone(folder: Path, owner: int) -> bool:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if not _left(folder, owner) and not folder.exists():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", ["exit", "SIGKILL", "SIGTERM"])
def test_browser_and_profile_go_with_their_owner(how: str) -> None:
    owner, folder = _start(how)
    try:
        if how != "exit":
            assert folder.is_dir()
            assert len(_left(folder, owner.pid)) > 2
            owner.send_signal(signal.Signals[how])
        owner.wait(30)
        assert _gone(folder, owner.pid)
    finally:
        _end(owner)


def test_a_forked_child_leaves_its_parents_browser_alone() -> None:
    owner, folder = _start("fork")
    try:
        time.sleep(1)
        assert _left(folder, owner.pid)
        assert owner.poll() is None
    finally:
        _end(owner)
    assert _gone(folder, owner.pid)
