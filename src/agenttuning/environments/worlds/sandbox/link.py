"""Our end of the supervisor's socket: frames out, frames in, never longer than a deadline.

What comes in was printed by hostile programs, so it is counted: beyond the limits it is read and thrown away.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from agenttuning.environments.worlds.sandbox.inside import frames
from agenttuning.environments.worlds.sandbox.protocol import Completed
from agenttuning.environments.worlds.sandbox.terminal import Terminal

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

OUTPUT_BYTES: Final = 1 << 20
"""Kept of each output of a program."""
_SEAL_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 2.0
"""For what the supervisor itself does; it does nothing that takes longer."""


@dataclass(slots=True)
class Program:
    """A program beside the shell, while it runs."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    exit_code: int | None = None


class Link:
    """One supervisor. `alive` is false once its socket has closed."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self._socket = connection
        self._buffer = bytearray()
        self._programs: dict[int, Program] = {}
        self._number = 0
        self._foreground: list[tuple[int, list[str]]] = []
        self._touched: list[dict[str, bytes]] = []
        self.terminal = Terminal()
        self.alive = True
        self.ready = False
        self._lines = 0

    async def send_line(self, line: bytes) -> None:
        """Answer the programs before the supervisor, which speak in lines."""
        await self._write(line)

    async def wait_line(self, *, seconds: float) -> bool:
        """Wait until a program before the supervisor has sent an empty line."""
        return await self.wait(lambda: self._lines > 0, seconds=seconds)

    async def send(self, kind: int, number: int = 0, payload: bytes = b"") -> None:
        """Send one frame; without effect on a supervisor that is gone."""
        await self._write(frames.pack(kind, number, payload))

    async def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left and self.alive:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError:
                self.close()

    async def wait(self, happened: Callable[[], bool], *, seconds: float) -> bool:
        """Read frames until something has happened, the time is over (False) or the supervisor is gone (False)."""
        with anyio.move_on_after(seconds):
            while not happened():
                if not await self._read():
                    return happened()
            return True
        return happened()

    async def _read(self) -> bool:
        if not self.alive:
            return False
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            await anyio.wait_readable(self._socket)
            return True
        except OSError:
            data = b""
        if not data:
            self.close()
        self._buffer += data
        if self._buffer.startswith(b"\n"):
            self._lines += 1
            del self._buffer[:1]
        for kind, number, payload in frames.split_frames(self._buffer):
            self._take(kind, number, payload)
        await anyio.lowlevel.checkpoint()
        return self.alive

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        program = self._programs.get(number)
        if kind == frames.READY:
            self.ready = True
        elif kind == frames.SHELL_OUTPUT and number == self.terminal.number:
            self.terminal.add(payload)
        elif kind == frames.SHELL_ENDED and number == self.terminal.number:
            self.terminal.alive = False
        elif kind == frames.FOREGROUND:
            self._foreground.append((number, [word.decode(errors="replace") for word in payload.split(b"\0") if word]))
        elif kind == frames.BROKEN:
            parts = frames.unpack_list(payload)
            paths = (path.decode(errors="surrogateescape") for path in parts[::2])
            self._touched.append(dict(zip(paths, parts[1::2], strict=True)))
        elif program is not None and kind == frames.STDOUT:
            program.stdout += payload[: OUTPUT_BYTES - len(program.stdout)]
        elif program is not None and kind == frames.STDERR:
            program.stderr += payload[: OUTPUT_BYTES - len(program.stderr)]
        elif program is not None and kind == frames.ENDED:
            program.exit_code = int.from_bytes(payload, "big")

    async def execute(self, arguments: Sequence[bytes], *, stdin: bytes, timeout_seconds: float) -> Completed | None:
        """Run a program to its end; None when the supervisor is gone."""
        self._number += 1
        number, program = self._number, Program()
        self._programs[number] = program
        await self.send(frames.EXECUTE, number, frames.pack_list([stdin, *arguments]))
        in_time = await self.wait(lambda: program.exit_code is not None, seconds=timeout_seconds)
        if not in_time:
            await self.send(frames.KILL, number)
            await self.wait(lambda: program.exit_code is not None, seconds=_GRACE_SECONDS)
        del self._programs[number]
        if program.exit_code is None:
            return None
        code = program.exit_code if in_time else 124
        return Completed(code, bytes(program.stdout), bytes(program.stderr), timed_out=not in_time)

    async def open_shell(self, arguments: Sequence[bytes]) -> None:
        """Open a terminal with a shell on it; one that is there is ended first."""
        self._number += 1
        self.terminal = Terminal(number=self._number, alive=self.alive)
        await self.send(frames.OPEN_SHELL, self._number, frames.pack_list(list(arguments)))

    async def foreground(self) -> tuple[int, list[str]]:
        """Return the process group that has the terminal and its command line; 0 when it is the login shell itself."""
        self._foreground.clear()
        await self.send(frames.ASK_FOREGROUND)
        await self.wait(lambda: bool(self._foreground), seconds=_GRACE_SECONDS)
        return self._foreground[-1] if self._foreground else (0, [])

    async def seal(self) -> None:
        """Have the supervisor remember the programs and libraries as they are."""
        await self.send(frames.SEAL)

    async def touched(self) -> dict[str, bytes] | None:
        """Return some of those that were touched since, with their content; None when the supervisor does not say."""
        self._touched.clear()
        await self.send(frames.ASK_SEAL)
        await self.wait(lambda: bool(self._touched), seconds=_SEAL_SECONDS)
        return self._touched[-1] if self._touched else None

    def close(self) -> None:
        """Close the socket; the supervisor ends, and with it all that it started."""
        self.alive = self.terminal.alive = False
        with contextlib.suppress(OSError):
            self._socket.close()
