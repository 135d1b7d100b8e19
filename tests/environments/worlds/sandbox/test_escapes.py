"""No way out: every attempt, by every kind of user; the host is the same afterwards."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environments.worlds.sandbox.conftest import Play
from tests.environments.worlds.sandbox.escapes import ATTEMPTS, Place

_MARKER = "marker-of-the-host"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    secret = Path("/var/tmp") / f"{_MARKER}-{os.getpid()}"
    secret.write_text("secret\n")
    local = f"{_MARKER}-{os.getpid()}"
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)", _MARKER]
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as listening,
        subprocess.Popen(sleeper, env={**os.environ, "MARKER": _MARKER}) as process,
    ):
        listening.bind("\0" + local)
        listening.listen()
        try:
            yield Place(str(secret), _MARKER, process.pid, server.getsockname()[1], local)
        finally:
            process.kill()
            secret.unlink()


def _host() -> dict[str, object]:
    """What attempts would change: kernel settings, devices, mounts, the secret's folder."""
    settings = [Path("/proc/sys/kernel", name) for name in ("core_pattern", "modprobe", "hostname")]
    devices = {name: str(Path("/dev", name).stat()[:6]) for name in ("null", "zero")}
    return {
        "settings": [path.read_text() for path in settings if os.access(path, os.R_OK)],
        "devices": devices,
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "root": sorted(map(str, Path("/").iterdir())),
        "namespaces": [str(Path("/proc/self/ns", name).readlink()) for name in ("mnt", "net", "pid", "user", "uts")],
    }


@pytest.mark.parametrize("name", ATTEMPTS)
def test_it_does_not_escape(play: Play, place: Place, name: str) -> None:
    before = _host()
    played = play(ATTEMPTS[name](place), ["echo", "alive"], "echo alive", seconds=20)
    attempt = played.execute(0)
    assert b"ESCAPED" not in attempt.stdout, attempt
    assert not attempt.timed_out
    assert b"command not found" not in attempt.stderr.replace(b"losetup: command not found", b"").replace(
        b"setcap: command not found", b""
    ), attempt
    assert played.execute(1).stdout == b"alive\n"
    assert (played.shell(2).text, played.shell(2).ended) == ("alive\n", False)
    assert _host() == before


def test_the_page_lists_every_attempt() -> None:
    page = (Path(__file__).parents[4] / "docs" / "security.md").read_text()
    assert len(ATTEMPTS) >= 40
    assert [name for name in ATTEMPTS if name not in page] == []
