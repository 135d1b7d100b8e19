"""Sandboxes played as this user and, where this is root, as an ordinary one too."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agenttuning.environments.worlds.sandbox.bwrap import check_programs
from agenttuning.environments.worlds.sandbox.protocol import Completed, ShellOutput
from agenttuning.errors import MissingExtraError

ORDINARY = 65534
"""The user whom root's tests become: nobody."""
_WITH_RANGES = 'mount --bind "$0" /etc/subuid; mount --bind "$0" /etc/subgid; exec "$@"'
_REACHABLE = "import ctypes, os, sys; open(os.path.realpath(sys.executable), 'rb').close()"


@dataclass
class Played:
    """What a row of steps gave."""

    facts: dict[str, object]
    results: list[list[object]]

    def shell(self, at: int) -> ShellOutput:
        text, *flags = self.results[at]
        return ShellOutput(str(text), *(bool(flag) for flag in flags))

    def execute(self, at: int) -> Completed:
        code, stdout, stderr, timed_out = self.results[at]
        return Completed(int(str(code)), str(stdout).encode(), str(stderr).encode(), bool(timed_out))


Play = Callable[..., Played]


def _missing() -> str:
    try:
        check_programs()
    except MissingExtraError as error:
        return str(error)
    return ""


def _python_for(user: int) -> str | None:
    """Return an interpreter that the user can reach: this one may lie in root's home."""
    minor = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which(minor, path="/usr/local/bin:/usr/bin")):
        if (
            candidate
            and subprocess.run(
                ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", candidate, "-c", _REACHABLE],
                capture_output=True,
                check=False,
            ).returncode
            == 0
        ):
            return candidate
    return None


def _importable() -> list[str]:
    """Return where our package and its dependencies lie; the standard library is the interpreter's own."""
    return [path for path in sys.path if path.endswith(("site-packages", "src")) or Path(path) == Path.cwd()]


@dataclass
class Account:
    """How to run a Python script as somebody."""

    words: list[str]
    variables: dict[str, str]

    def start(self, script: Path) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*self.words, str(script)], stdin=pipe, stdout=pipe, text=True, env=self.variables)


@contextmanager
def account_of(kind: str) -> Iterator[Account]:
    """`own`: this user. `ordinary`, `subuid`: nobody, without and with a range of users, when this is root."""
    if reason := _missing():
        pytest.skip(reason)
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(_importable()), "PYTHONDONTWRITEBYTECODE": "1"}
    if kind == "own":
        yield Account([sys.executable], variables)
        return
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user already")
    python = _python_for(ORDINARY)
    if python is None:
        pytest.skip("nobody can reach no Python of this version")
    with tempfile.TemporaryDirectory(prefix="agenttuning-nobody-") as home:
        os.chown(home, ORDINARY, ORDINARY)
        words = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", python]
        if kind == "subuid":
            Path(home, "ranges").write_text(f"{ORDINARY}:200000:65536\n")
            words = ["unshare", "--mount", "sh", "-ec", _WITH_RANGES, f"{home}/ranges", *words]
        yield Account(words, {**variables, "HOME": home, "SCRATCH": home, "XDG_CACHE_HOME": f"{home}/cache"})


@pytest.fixture(scope="session", params=["own", "ordinary"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """This user, and, when this is root, nobody."""
    with account_of(request.param) as account:
        yield account


@pytest.fixture(scope="session")
def player(account: Account) -> Iterator[subprocess.Popen[str]]:
    """A process that plays steps."""
    with account.start(Path(__file__).with_name("player.py")) as process:
        yield process


@pytest.fixture
def play(player: subprocess.Popen[str]) -> Play:
    """Play steps in a new sandbox: a string is a command for the shell, a list of words a program beside it."""
    return player_of(player)


def player_of(player: subprocess.Popen[str]) -> Play:
    """Return how steps are played by a process that runs the player."""

    def run(*steps: str | list[str], seconds: float = 10.0, **settings: object) -> Played:
        named = [["shell" if isinstance(step, str) else "execute", step, seconds] for step in steps]
        assert player.stdin is not None
        assert player.stdout is not None
        player.stdin.write(json.dumps({"settings": settings, "steps": named}) + "\n")
        player.stdin.flush()
        line = player.stdout.readline()
        assert line, "the player has ended; its error is on stderr"
        told = json.loads(line)
        assert "error" not in told, told["error"]
        return Played(**told)

    return run
