"""The worker process itself: `python -m agenttuning.pipeline.executors.process DESCRIPTOR`."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from typing import cast

from agenttuning.core.records import Reply
from agenttuning.pipeline.executors.processes import READY, read_frame, write_frame
from agenttuning.pipeline.executors.relay import Host, Refusal, Setup
from agenttuning.pipeline.plays import Play

Request = tuple[int, Play | Reply | Refusal]


async def serve(descriptor: int) -> None:
    """Host worlds until the driver closes its end."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    write_frame(writer, READY)
    host = Host(cast("Setup", await read_frame(reader)))
    serving: set[asyncio.Task[None]] = set()
    try:
        while True:
            number, value = cast("Request", await read_frame(reader))
            task = asyncio.create_task(_serve(host, writer, number, value))
            serving.add(task)
            task.add_done_callback(serving.discard)
    except (asyncio.IncompleteReadError, ConnectionError):
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
    finally:
        await host.close()
        writer.close()


async def _serve(host: Host, writer: asyncio.StreamWriter, number: int, value: Play | Reply | Refusal) -> None:
    turn = await (host.begin(number, value) if isinstance(value, Play) else host.answer(number, value))
    write_frame(writer, (number, turn))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to answer: it closes our socket
    asyncio.run(serve(int(sys.argv[1])))
