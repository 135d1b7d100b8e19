"""What a keeper holds ends with it, and with whoever started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agenttuning.environments.worlds.keeper import Keeper

OWNER = """
import sys, time
from pathlib import Path
from agenttuning.environments.worlds.keeper import Keeper
folder = Path(sys.argv[1])
kept = Keeper(["sh", "-c", "sleep 60 & echo $! > child; echo $$ > own; wait"], folder=folder, group=True)
while not ((folder / "own").exists() and (folder / "own").read_text().strip()):
    time.sleep(0.01)
print((folder / "own").read_text().strip(), (folder / "child").read_text().strip(), flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def await_end(pids: list[int], folder: Path) -> None:
    deadline = time.monotonic() + 5
    while not all(map(gone, pids)) or folder.exists():
        assert time.monotonic() < deadline, (pids, folder)
        time.sleep(0.02)


@pytest.mark.parametrize("group", [False, True])
def test_close_ends_the_program_and_removes_its_folder(tmp_path: Path, *, group: bool) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    command = ["sh", "-c", "echo told; echo $$ > own; exec sleep 60"]
    kept = Keeper(command, folder=folder, group=group, log=folder / "log", variables={"NAME": "value"})
    while not ((folder / "own").exists() and (folder / "own").read_text()):
        time.sleep(0.01)
    assert kept.ours
    assert (folder / "log").read_text() == "told\n"
    pid = int((folder / "own").read_text())
    kept.close()
    kept.close()
    assert gone(pid)
    assert not folder.exists()


def test_a_killed_owner_takes_the_whole_group_along(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(owner.pid, signal.SIGKILL)
    await_end(pids, folder)
