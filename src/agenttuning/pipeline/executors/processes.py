"""Worker processes of this machine: one socket pair each, and frames of one pickled value.

The process is `python -m agenttuning.pipeline.executors.process`. It ends when its end of the socket closes, so it
never outlives a driver that was killed; and it closes its worlds before it ends.
"""

from __future__ import annotations

import asyncio
import os
import pickle  # the other end is our own process, on a socket that has no name
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Final, cast

from agenttuning.pipeline.executors.relay import WorkerLostError

if TYPE_CHECKING:
    from agenttuning.core.records import Reply
    from agenttuning.pipeline.executors.relay import Refusal, Setup, Turn
    from agenttuning.pipeline.plays import Play

_LENGTH: Final = struct.Struct(">I")
READY: Final = "ready"
"""The first frame of a new process."""
_CLOSE_SECONDS: Final = 15.0


async def read_frame(reader: asyncio.StreamReader) -> object:
    """Return the next value; raises `asyncio.IncompleteReadError` or `ConnectionError` when the other end is gone."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301


def write_frame(writer: asyncio.StreamWriter, value: object) -> None:
    """Send a value."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(data)) + data)


class ProcessWorker:
    """A process of this machine; implements `Worker`."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[Turn]] = {}
        self._gone = False
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def begin(self, number: int, play: Play) -> Turn:
        """See `Host.begin`; raises `WorkerLostError`."""
        return await self._call(number, play)

    async def answer(self, number: int, told: Reply | Refusal) -> Turn:
        """See `Host.answer`; raises `WorkerLostError`."""
        return await self._call(number, told)

    async def _call(self, number: int, value: Play | Reply | Refusal) -> Turn:
        if self._gone:
            raise self._lost()
        turn: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting[number] = turn
        write_frame(self._writer, (number, value))
        return await turn

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                number, turn = cast("tuple[int, Turn]", await read_frame(reader))
                if not (waiting := self._waiting.pop(number)).done():
                    waiting.set_result(turn)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._gone = True
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(self._lost())

    def _lost(self) -> WorkerLostError:
        return WorkerLostError(f"the process that hosted the world (pid {self.pid}) ended with {self._process.poll()}")

    async def close(self) -> None:
        """Let it close its worlds and end; kill it where it takes too long."""
        self._reading.cancel()
        self._writer.close()
        try:
            await asyncio.to_thread(self._process.wait, _CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def start_process(setup: Setup) -> ProcessWorker:
    """Start a worker process, and return when it is ready.

    Raises:
        WorkerLostError: it cannot be started, or ended before it was ready.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        command = (sys.executable, "-m", "agenttuning.pipeline.executors.process", str(theirs.fileno()))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            process = subprocess.Popen(  # noqa: ASYNC220  it returns at once
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # ours is the stage's result
                env=environment,
            )
        except OSError as error:
            ours.close()
            raise WorkerLostError(f"cannot start {sys.executable}: {error}") from error
    ready = False
    try:
        reader, writer = await _greeted(ours, process)
        ready = True
    finally:
        if not ready:  # it failed, or the driver waits no longer for it
            ours.close()
            process.kill()
            process.wait()
    write_frame(writer, setup)
    return ProcessWorker(process, reader, writer)


async def _greeted(
    ours: socket.socket, process: subprocess.Popen[bytes]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(sock=ours)
    ready = False
    try:
        await read_frame(reader)
        ready = True
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise WorkerLostError(f"the new process ended with {process.wait()} before it was ready") from error
    finally:
        if not ready:
            writer.close()
    return reader, writer
