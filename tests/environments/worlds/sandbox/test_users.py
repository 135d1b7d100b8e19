"""Users of a sandbox: whole where a range of them is to be had, one alone where not, and said so."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environments.worlds.sandbox import player
from tests.environments.worlds.sandbox.conftest import Play, Played, account_of, player_of
from tests.environments.worlds.sandbox.escapes import ATTEMPTS, Place

from agenttuning.environments.worlds.sandbox.reduced import reduced_rootfs

WORK = (
    "useradd -m -s /bin/bash jack && su - jack -c 'id -un; touch ~/mine; stat -c %U ~/mine'",
    "touch /f; chown jack:daemon /f && stat -c '%U:%G' /f; chgrp www-data /f; chmod g+s /f; stat -c %A /f",
    "su - jack -c 'cat /etc/shadow; touch /etc/x; kill -9 1; id -u'",
)


@pytest.fixture(scope="module")
def with_ranges() -> Iterator[Play]:
    if shutil.which("newuidmap") is None:
        pytest.skip("no newuidmap; install Debian's package uidmap")
    with account_of("subuid") as account, account.start(Path(player.__file__)) as process:
        yield player_of(process)


def _check_users(played: Played) -> None:
    assert played.shell(0).text == "jack\njack\n"
    assert played.shell(1).text == "jack:daemon\n-rw-r-Sr--\n"
    assert played.shell(2).text.count("Permission denied") == 2
    assert played.shell(2).text.endswith("\n1000\n")


def test_an_ordinary_user_with_a_range_has_users(with_ranges: Play) -> None:
    played = with_ranges(*WORK)
    assert played.facts["user"] == "subuid"
    assert not {"useradd", "su", "chown"} & set(played.facts["unsupported"])  # type: ignore[call-overload]
    _check_users(played)


def test_nothing_escapes_with_a_range(with_ranges: Play) -> None:
    place = Place("/etc/agenttuning-no-such-file", "marker-of-the-host", os.getpid(), 1, "none")
    played = with_ranges(*(attempt(place) for attempt in ATTEMPTS.values()), "echo alive", seconds=20)
    escaped = [name for at, name in enumerate(ATTEMPTS) if b"ESCAPED" in played.execute(at).stdout]
    assert escaped == []
    assert played.shell(len(ATTEMPTS)).text == "alive\n"


def test_users_are_whole_or_refused(play: Play) -> None:
    played = play(*WORK)
    if played.facts["user"] in ("root", "identity", "subuid"):
        _check_users(played)
    else:
        assert {"useradd", "su", "chown", "sudo"} <= set(played.facts["unsupported"])  # type: ignore[call-overload]


def test_root_of_a_sandbox_is_nobody_on_the_host(play: Play) -> None:
    played = play(["cat", "/proc/self/uid_map"])
    first = int(played.execute(0).stdout.split()[1])
    assert first != 0
    if os.geteuid() == 0:
        named = subprocess.run(["getent", "passwd", str(first)], capture_output=True, text=True, check=False).stdout
        assert named == "" or named.startswith("nobody:")


def test_a_folder_of_root_s_own_is_used_with_root_s_users(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not Path("/sys/fs/cgroup/pids").is_dir():
        pytest.skip("only for root, and only where a cgroup counts processes")
    bare = tmp_path / "bare"
    python = f"python3.{sys.version_info.minor}"
    shutil.copytree(reduced_rootfs(), bare, symlinks=True, ignore=lambda *_: [python])
    step = ["shell", "id -un; chmod 000 /dev/null; stat -c %a /dev/null", 10.0]
    played = Played(**asyncio.run(player.play({"rootfs": str(bare)}, [step])))  # type: ignore[arg-type]
    assert played.facts["user"] == "identity"
    assert played.shell(0).text.startswith("root\n")
    assert played.shell(0).text.endswith("666\n")
    assert Path("/dev/null").stat().st_mode & 0o777 == 0o666
