"""Nothing survives `close`, nor the death of the process that opened it; starts that fail leave nothing either."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.environments.worlds.sandbox.conftest import Account, Play

OWNER = """
import asyncio, sys, time
from agenttuning.environments.worlds.sandbox.opening import open_sandbox
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

async def main():
    sandbox = open_sandbox(SandboxSettings())
    await sandbox.start()
    await sandbox.shell("setsid sleep 4242 & sleep 4242 & nohup sh -c 'trap : TERM HUP INT; sleep 4242' >/dev/null &")
    print("started", flush=True)
    if sys.stdin.readline().strip() == "close":
        await sandbox.close()
        await sandbox.close()
        print("closed", flush=True)
    time.sleep(600)

asyncio.run(main())
"""


def _descendants(ancestor: int) -> set[int]:
    """Return the processes under one, those in other namespaces too."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {ancestor}} - found:
        found |= more
    return found


def _gone(processes: set[int]) -> bool:
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not [pid for pid in processes if Path(f"/proc/{pid}").exists()]


@pytest.fixture
def owner(account: Account, tmp_path: Path) -> subprocess.Popen[str]:
    script = Path(account.variables.get("SCRATCH", tmp_path), "owner.py")
    script.write_text(OWNER)
    return account.start(script)


@pytest.mark.parametrize("how", ["close", "kill"])
def test_nothing_survives(owner: subprocess.Popen[str], how: str) -> None:
    assert owner.stdin is not None
    assert owner.stdout is not None
    with owner:
        try:
            assert owner.stdout.readline() == "started\n"
            inside = _descendants(owner.pid)
            assert len(inside) >= 5
            if how == "close":
                owner.stdin.write("close\n")
                owner.stdin.flush()
                assert owner.stdout.readline() == "closed\n"
                assert not _descendants(owner.pid)
            else:
                os.kill(owner.pid, signal.SIGKILL)
            assert _gone(inside)
        finally:
            owner.kill()


def test_what_is_written_is_gone_with_the_sandbox(play: Play) -> None:
    assert play("echo kept > /etc/passwd; rm -rf /usr/bin/python3; ls /root; touch /root/x").facts
    again = play("ls /root; head -1 /etc/passwd; ls /usr/bin/python3")
    assert again.shell(0).text == "root:x:0:0:root:/root:/bin/bash\n/usr/bin/python3\n"


def test_programs_beside_the_shell_share_its_files_and_not_its_state(play: Play) -> None:
    played = play("cd /tmp; export X=1; echo data > f", ["bash", "-c", 'cat /tmp/f; echo "$PWD $X $1"', "--", "a b"])
    assert played.execute(1).stdout == b"data\n/  a b\n"


def test_programs_tell_their_ends(play: Play) -> None:
    played = play(
        ["sh", "-c", "exit 7"],
        ["sh", "-c", "kill -9 $$"],
        ["no-such-program"],
        ["/etc/passwd"],
        ["sh", "-c", "echo out; echo err >&2; sleep 30 & exit 0"],
        ["head", "-c", "3000000", "/dev/zero"],
    )
    codes = [played.execute(at).exit_code for at in range(6)]
    assert codes == [7, 137, 127, 126, 0, 0]
    assert (played.execute(4).stdout, played.execute(4).stderr) == (b"out\n", b"err\n")
    assert len(played.execute(5).stdout) == 1 << 20


def test_a_program_past_its_deadline_is_killed(play: Play) -> None:
    begun = time.monotonic()
    played = play(["sh", "-c", "trap '' TERM; echo begun; sleep 60; sleep 60"], "pgrep -c sleep", seconds=1)
    done = played.execute(0)
    assert (done.exit_code, done.stdout, done.timed_out) == (124, b"begun\n", True)
    assert played.shell(1).text == "0\n"
    assert time.monotonic() - begun < 10


def test_memory_is_limited(play: Play) -> None:
    hungry = ["python3", "-c", "x = bytearray(600 << 20)\nx[::4096] = b'1' * len(x[::4096])\nprint('had it')"]
    played = play(hungry, "echo alive", memory_mib=128, disk_mib=16, seconds=30)
    assert b"had it" not in played.execute(0).stdout
    assert played.execute(0).exit_code != 0
    assert played.shell(1).text == "alive\n"
