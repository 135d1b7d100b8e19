"""One Java machine with the ScienceWorld simulator: started for this process, gone when it is gone.

A shell holds the machine and waits for it; the machine reads from a pipe whose other end is ours. Whatever way this
process ends, the pipe breaks, the machine exits, and the shell removes the folder that the simulator writes into. The
port is on the loopback interface and asks for a token that only this process knows.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agenttuning.core.belongings import mark, private_folder, release, remove_path
from agenttuning.errors import MissingExtraError, WorldError

if TYPE_CHECKING:
    from typing import IO

    from agenttuning.environments.worlds.science.wire import Reference

VERSION: Final = "1.2.3"
"""Of the package `scienceworld`; its gold paths and selections were made with this one."""
_OPTIONS: Final = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:hashCode=2",
)
"""Small, and repeatable: the simulator walks through sets ordered by hash code, which is an address by default."""
_KEEPER: Final = 'trap : TERM; "$@"; rm -rf "$FOLDER"'
"""The shell outlives a signal to its group for as long as it takes to reap the machine and to clean up."""
_FOREIGN: Final = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 3.0


def missing_parts() -> str:
    """Return what must be installed before a simulator can be started, or an empty string."""
    if _jar() is None or importlib.util.find_spec("py4j") is None:
        return "the package 'scienceworld' is not installed; run: pip install 'agenttuning[scienceworld]'"
    if _java() is None:
        return "no `java` on PATH; install a Java runtime (Debian: default-jre-headless)"
    return ""


class JavaMachine:
    """A running simulator; `close` ends it. One caller at a time."""

    def __init__(self) -> None:
        if reason := missing_parts():
            raise MissingExtraError(f"backend 'scienceworld': {reason}")
        self.owner = os.getpid()
        self.server: Reference | None = None
        """The simulator in it, from the first connection on."""
        self.folder = private_folder("jvm")
        self._reader: threading.Thread | None = None
        self._closed = False
        self._process = self._launch()
        try:
            self.port, self.token = self._handshake()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process group of the machine and the shell that holds it."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Has it neither been ended nor died."""
        return self._process.poll() is None

    def _launch(self) -> subprocess.Popen[bytes]:
        from py4j.java_gateway import find_jar_path

        jar, java = _jar(), _java()
        assert jar is not None
        assert java is not None
        jars = os.pathsep.join((find_jar_path(), str(jar)))
        machine = (java, *_OPTIONS, f"-Djava.io.tmpdir={self.folder}", "-cp", jars)
        gateway = ("py4j.GatewayServer", "--die-on-broken-pipe", "--enable-auth", "0")
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "keeper", *machine, *gateway],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
            env={**kept, **mark(), "FOLDER": str(self.folder)},
        )

    def _handshake(self) -> tuple[int, str]:
        """Read port and token, then keep reading: a full pipe would stop the machine."""
        told = self._process.stdout
        assert told is not None
        impatience = threading.Timer(_START_SECONDS, self._signal, (signal.SIGKILL,))
        impatience.start()
        port, token = told.readline().strip(), told.readline().strip()
        impatience.cancel()
        if not port.isdigit():
            told.close()
            raise WorldError(f"the Java machine of ScienceWorld ended, or gave no port within {_START_SECONDS:.0f} s")
        self._reader = threading.Thread(target=_drain, args=(told,), daemon=True)
        self._reader.start()
        return int(port), token.decode()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def close(self) -> None:
        """End the machine and remove its folder; safe to call twice, and without effect in a forked child."""
        if os.getpid() != self.owner or self._closed:
            return
        self._closed = True
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._reader is not None:
            self._reader.join(_END_SECONDS)
        remove_path(self.folder)
        release(self.folder)


def _jar() -> Path | None:
    package = importlib.util.find_spec("scienceworld")
    jar = Path(package.origin).parent / "scienceworld.jar" if package and package.origin else None
    return jar if jar is not None and jar.is_file() else None


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return (shutil.which("java", path=str(Path(home) / "bin")) if home else None) or shutil.which("java")


def _drain(pipe: IO[bytes]) -> None:
    with contextlib.suppress(ValueError), pipe:
        for _ in pipe:
            pass
