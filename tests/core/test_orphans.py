"""What a killed process left is found by its registration and nothing else; what lives is left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agenttuning.cli import main
from agenttuning.core.belongings import Owner, boot, private_folder, registry, release, started
from agenttuning.core.orphans import held, leftovers, remove
from agenttuning.core.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
OWNER = """
import os, subprocess, sys, time
from pathlib import Path
from agenttuning.core.belongings import hold, mark, private_folder
folder = private_folder("jvm")
(folder / "data").write_bytes(b"x" * 100_000)
hold("run", Path(sys.argv[1]))
hold("cache", Path(sys.argv[1]) / "cache")
words = ("sh", "-c", "sleep 600 & wait")
program = subprocess.Popen(words, env={**os.environ, **mark()}, stdout=subprocess.DEVNULL, start_new_session=True)
print(program.pid, folder, flush=True)
time.sleep(600)
"""
"""Its program and folder outlive it, as after a kill of everything that would have ended them."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


class Started:
    """An owner, its program and its folder."""

    def __init__(self, run: Path) -> None:
        self.process = subprocess.Popen((sys.executable, "-c", OWNER, str(run)), stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        number, folder = self.process.stdout.readline().split()
        self.program, self.folder = int(number), Path(folder)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Started, Started]]:
    """One that will be killed, one that lives beside it."""
    pair = (Started(tmp_path / "runs" / "a"), Started(tmp_path / "runs" / "b"))
    yield pair
    for one in pair:
        one.kill()
        if started(one.program) is not None:
            os.killpg(one.program, signal.SIGKILL)


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def call(*words: str) -> str:
        assert main(["doctor", *words]) == 0
        return capsys.readouterr().out

    return call


def wait_for(program: int) -> list[int]:
    """Return the program and what it started, once that runs."""
    children = Path(f"/proc/{program}/task/{program}/children")
    deadline = time.monotonic() + 60
    while not (found := [int(word) for word in children.read_text().split()]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [program, *found]


def test_doctor_lists_and_cleans_what_a_killed_run_left_beside_a_living_one(
    two: tuple[Started, Started], doctor: Callable[..., str], tmp_path: Path
) -> None:
    dead, living = two
    for name in ("a", "b"):
        (tmp_path / "runs" / name / "6-train").mkdir(parents=True)
        (tmp_path / "runs" / name / "6-train" / ".state.pt.123.tmp").write_bytes(b"half")
        (tmp_path / "runs" / name / "6-train" / "state.pt").write_bytes(b"whole")
    programs = wait_for(dead.program)
    with Run(tmp_path / "runs" / "b").lock():  # a run that is locked is alive, whoever wrote it down
        (tmp_path / "runs" / "b" / "6-train" / ".state.pt.124.tmp").write_bytes(b"half")
        dead.kill()
        listed = doctor()
        assert f"left behind: {dead.folder}" in listed
        assert str(living.folder) not in listed
        assert all(started(program) is not None for program in programs)
        assert dead.folder.exists()
        told = json.loads(doctor("--clean", "--json"))
    kinds = [one["kind"] for one in told["removed"]]
    assert (sorted(kinds), told["kept"]) == (["entry", "folder", "program", "program", "temporary"], [])
    assert {one["pid"] for one in told["removed"] if one["kind"] == "program"} == set(programs)
    assert told["bytes"] >= 100_000
    assert [started(program) for program in programs] == [None, None]
    assert not dead.folder.exists()
    assert [path.name for path in (tmp_path / "runs" / "a" / "6-train").iterdir()] == ["state.pt"]
    assert (tmp_path / "runs" / "b" / "6-train" / ".state.pt.124.tmp").exists()
    assert (living.process.poll(), living.folder.exists()) == (None, True)
    assert started(living.program) is not None
    assert "nothing is left behind" in doctor("--clean")


def test_a_cache_that_a_living_run_uses_stays(
    two: tuple[Started, Started], doctor: Callable[..., str], tmp_path: Path
) -> None:
    dead, _ = two
    assert held() == {tmp_path / "runs" / name / "cache" for name in ("a", "b")}
    dead.kill()
    assert held() == {tmp_path / "runs" / "b" / "cache"}
    old = [tmp_path / "cache" / "agenttuning" / "rootfs" / f"reduced-{number * 16}" for number in "01"]
    for folder in old:
        (folder / "bin").mkdir(parents=True)
    assert str(old[0]) in doctor()
    doctor("--clean")
    assert not any(folder.exists() for folder in old)


def entry(name: str, **facts: object) -> Path:
    """Write an owner down whose lock nobody holds."""
    told = {
        "pid": os.getpid(),
        "started": started(os.getpid()),
        "boot": boot(),
        "host": os.uname().nodename,
        "user": os.geteuid(),
        "command": "x",
        **facts,
    }
    folder = registry() / f"{name}-1-1"
    folder.mkdir(parents=True)
    (folder / "owner.json").write_text(Owner.model_validate(told).model_dump_json())
    return folder


def test_who_is_gone() -> None:
    entry("alive")
    entry("elsewhere", pid=1, started=7, host="another-host")
    entry("stranger", pid=1, started=7, user=os.geteuid() + 1)
    entry("torn").joinpath("owner.json").write_text('{"pid": 1')
    gone = {entry("reused", started=7), entry("rebooted", boot="before the power cut"), entry("ended", pid=999_999_999)}
    assert {one.path for one in leftovers()} == gone
    assert {one.path for one in remove(leftovers())} == gone
    assert leftovers() == []


def test_only_folders_of_our_making_are_removed(tmp_path: Path) -> None:
    owner = entry("ended", pid=999_999_999)
    precious, linked = tmp_path / "precious", tmp_path / "agenttuning-link"
    precious.mkdir()
    linked.symlink_to(precious)
    for number, path in enumerate((precious, linked, tmp_path / "agenttuning-gone")):
        (owner / f"{number}.json").write_text(json.dumps({"kind": "folder", "path": str(path)}))
    (owner / "3.json").write_text('{"kind": "fol')
    assert [one.kind for one in remove(leftovers())] == ["entry"]
    assert precious.exists()


LEAKING = """
import subprocess
from agenttuning.core.orphans import end_strays_at_exit
end_strays_at_exit()
print(subprocess.Popen(("sleep", "600"), start_new_session=True, stdout=subprocess.DEVNULL).pid)
"""


def test_children_that_a_world_leaks_end_with_the_process() -> None:
    done = subprocess.run((sys.executable, "-W", "ignore", "-c", LEAKING), capture_output=True, text=True, check=True)
    assert started(int(done.stdout)) is None
    assert leftovers() == []


def test_what_was_removed_in_time_is_struck_out() -> None:
    folder = private_folder("test")
    written = [path for path in registry().glob("*/[0-9]*.json") if str(folder) in path.read_text()]
    assert len(written) <= 1  # none where this process has its entry elsewhere
    assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()
    release(folder)
    release(folder)
    assert not any(path.exists() for path in written)
