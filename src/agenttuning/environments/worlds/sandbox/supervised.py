"""What all backends share: a process that ends with us, the supervisor in it, the shell and programs beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from agenttuning.core.belongings import mark
from agenttuning.environments.worlds.sandbox.home import Home
from agenttuning.environments.worlds.sandbox.inside import frames
from agenttuning.environments.worlds.sandbox.link import Link
from agenttuning.environments.worlds.sandbox.protocol import Completed, ShellOutput
from agenttuning.environments.worlds.sandbox.raw import RawShell
from agenttuning.environments.worlds.sandbox.shell import Shell
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.environments.worlds.sandbox.protocol import SandboxFacts, SandboxSettings

START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 3.0
_ENDED: Final = Completed(137, b"", b"the sandbox has ended\n")


CAPABILITIES: Final = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
}
"""What root inside may do: its usual work on files, users and processes."""
OWN_CAPABILITY: Final = ("SETPCAP", 8)
"""It lets the supervisor take from its children what they must not have, itself first of all."""


class Supervised:
    """A sandbox whose supervisor speaks over a socket; a backend says how it is started."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._facts: SandboxFacts | None = None
        self._link: Link | None = None
        self._home = Home()
        self._shell: Shell | RawShell | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._told: IO[bytes] | None = None
        self._turn = anyio.Lock()

    @property
    def facts(self) -> SandboxFacts:
        """What is active; known after `start`."""
        assert self._facts is not None, "start() comes first"
        return self._facts

    async def start(self) -> None:
        """Make the sandbox; what a failed start has made is ended.

        Raises:
            MissingExtraError: a program is not installed.
            WorldError: the machine refuses.
        """
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise

    async def _start(self) -> None:
        raise NotImplementedError

    def _launch(self, words: Sequence[str], *, variables: Mapping[str, str]) -> Link:
        """Start the process with our socket as its input and output.

        This happens in the thread of the event loop: the kernel ends the process with the thread that started it.
        """
        ours, theirs = socket.socketpair()
        self._told = tempfile.TemporaryFile()  # noqa: SIM115  open until `close`
        with theirs:
            self._process = subprocess.Popen(
                words,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._told,
                env={**variables, **mark()},
                start_new_session=True,
            )
        self._link = Link(ours)
        return self._link

    async def _settle(self, settings: Mapping[str, bytes], *, limits: Mapping[str, int]) -> None:
        """Give the supervisor its settings (see `Privileges` there) and wait until it serves.

        Raises:
            WorldError: it never did; the text is what the programs before it said.
        """
        assert self._link is not None, "_launch() comes first"
        link = self._link
        told = {**settings, "limits": " ".join(f"{name}={value}" for name, value in limits.items()).encode()}
        parts = [part for name, value in told.items() for part in (name.encode(), value)]
        await link.send(frames.CONFIGURE, 0, frames.pack_list(parts))
        if not await link.wait(lambda: link.ready, seconds=START_SECONDS):
            raise WorldError(f"the sandbox did not start: {self._said()}")
        self._shell = (Shell if self._settings.output == "clean" else RawShell)(link, self._home)

    def _said(self) -> str:
        if self._told is None:
            return "nothing was said"
        self._told.seek(0)
        return self._told.read().decode(errors="replace").strip()[-500:] or "nothing was said"

    async def shell(self, command: str, *, timeout_seconds: float = 10.0) -> ShellOutput:
        """Run text in the persistent login shell."""
        assert self._shell is not None, "start() comes first"
        async with self._turn:
            return await self._shell.run(command, timeout_seconds=timeout_seconds)

    async def execute(
        self, arguments: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 10.0
    ) -> Completed:
        """Run a program in the same place, outside the shell."""
        assert self._link is not None, "start() comes first"
        words = [argument.replace("\0", "").encode("utf-8", "replace") for argument in arguments]
        program = self._home.program(*words)
        async with self._turn:
            done = await self._link.execute(program, stdin=stdin, timeout_seconds=timeout_seconds)
        return done or _ENDED

    async def seal(self) -> None:
        """Remember the programs and libraries that checkers depend on."""
        assert self._link is not None, "start() comes first"
        await self._link.seal()

    async def touched(self) -> dict[str, bool] | None:
        """Return some of those that were touched since, and whether their content is what it was."""
        assert self._link is not None, "start() comes first"
        async with self._turn:
            touched = await self._link.touched()
        if touched is None:
            return None
        return {path: await anyio.to_thread.run_sync(self._is_original, path, told) for path, told in touched.items()}

    def _is_original(self, path: str, content: bytes) -> bool:
        """Compare with the root file system; where it cannot be seen from here, nothing that was touched passes."""
        del path, content
        return False

    async def close(self) -> None:
        """End everything that was started."""
        link, process, told = self._link, self._process, self._told
        self._process = self._told = None
        if link is not None:
            link.close()
        if process is not None:
            with anyio.CancelScope(shield=True):
                await _end(process)
        if told is not None:
            told.close()


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process, whose supervisor sees its socket closed; kill it when it does not end."""
    handle = os.pidfd_open(process.pid)
    try:
        with anyio.move_on_after(_STOP_SECONDS):
            await anyio.wait_readable(handle)
            return
        os.killpg(process.pid, signal.SIGKILL)
        await anyio.wait_readable(handle)
    finally:
        os.close(handle)
        process.wait()
