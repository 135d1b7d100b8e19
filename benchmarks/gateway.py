"""What the gateway adds: the same requests straight to a model server and through the gateway, in one run.

Model server, gateway and clients are processes of their own. The server answers after a fixed time, or streams its
tokens at a fixed pace, so all that differs between the two ways is the gateway. Every client asks both ways in turn,
first the one and next the other; the table shows quantile of the one way minus quantile of the other. The processor
time of the gateway per request says the same on a machine that is busy with other work.

    python benchmarks/gateway.py [REQUESTS_PER_CLIENT]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WHOLE_SECONDS = 0.1
TOKENS = 20
TOKEN_SECONDS = 0.01
CLIENTS = (1, 8, 32)
MESSAGES = [{"role": "user", "content": "Thought: the desk is next.\nAction: go to desk 1\n" * 40}]
USAGE = {"prompt_tokens": 900, "completion_tokens": TOKENS, "total_tokens": 900 + TOKENS}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "go to desk 1 " * 6}, "finish_reason": "stop"}
CHUNK = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": " desk"}, "finish_reason": None}]}


def model_server(told: Connection) -> None:
    """Answer `/health`, `/v1/models` and completions, in a process of its own."""
    asyncio.run(_model_server(told))


async def _model_server(told: Connection) -> None:
    server = await asyncio.start_server(_connection, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            path, body = await _request(reader)
            if not body:
                found = {"data": [{"id": "m"}]} if path == "/v1/models" else {}
                writer.write(_whole(found))
            elif b'"stream":true' in body.replace(b" ", b""):
                await _stream(writer)
            else:
                await asyncio.sleep(WHOLE_SECONDS)
                writer.write(_whole({"id": "c", "model": "m", "choices": [CHOICE], "usage": USAGE}))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    rows = dict(row.lower().split(": ", 1) for row in head.split("\r\n")[1:] if row)
    return head.split()[1], await reader.readexactly(int(rows.get("content-length", "0")))


def _whole(body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def _stream(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    event = f"data: {json.dumps(CHUNK)}\n\n".encode()
    for sent in (*[event] * TOKENS, b"data: [DONE]\n\n"):
        await asyncio.sleep(TOKEN_SECONDS)
        writer.write(b"%x\r\n%b\r\n" % (len(sent), sent))
    writer.write(b"0\r\n\r\n")


class Caller:
    """One kept connection; as little Python as can be around the socket."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, *, stream: bool) -> tuple[float, float]:
        """Return the seconds to the first byte of the body, and to the last."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = json.dumps({"model": "m", "messages": MESSAGES, "max_tokens": TOKENS, "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        began = time.perf_counter()
        writer.write(head.encode() + body)
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in told.splitlines()[0]:
            raise RuntimeError(told)
        if "chunked" not in told:
            length = next(row for row in told.split("\r\n") if row.startswith("content-length"))
            await reader.readexactly(int(length.split(":")[1]))
            ended = time.perf_counter()
            return ended - began, ended - began
        first = 0.0
        while (size := int(await reader.readuntil(b"\r\n"), 16)) > 0:
            await reader.readexactly(size + 2)
            first = first or time.perf_counter()
        await reader.readexactly(2)
        return first - began, time.perf_counter() - began


async def measure(ports: tuple[int, int], *, clients: int, requests: int, stream: bool) -> list[list[list[float]]]:
    """Return, for either way, the seconds to the first and to the last byte of all requests."""
    found: list[list[list[float]]] = [[[], []], [[], []]]

    async def client(number: int) -> None:
        callers = [Caller(port) for port in ports]
        await asyncio.sleep(number * WHOLE_SECONDS / clients)
        for turn in range(requests + 1):
            for way in (0, 1) if (turn + number) % 2 else (1, 0):
                times = await callers[way].ask(stream=stream)
                if turn:
                    for kept, value in zip(found[way], times, strict=True):
                        kept.append(value)

    await asyncio.gather(*map(client, range(clients)))
    return found


def main() -> None:
    """Run everything and print the table."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    ours, told = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=model_server, args=(told,), daemon=True)
    server.start()
    upstream = int(ours.recv())
    command = (sys.executable, "-m", "agenttuning", "serve", f"http://127.0.0.1:{upstream}", "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as gateway:
        assert gateway.stdout is not None
        port = urlsplit(gateway.stdout.readline().strip()).port
        assert port is not None
        print("| clients | answer | to | straight p50 | p95 | added p50 | p95 | gateway's CPU |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for stream in (False, True):
            for clients in CLIENTS:
                before = _cpu_seconds(gateway.pid)
                found = asyncio.run(measure((upstream, port), clients=clients, requests=requests, stream=stream))
                used = (_cpu_seconds(gateway.pid) - before) / (clients * (requests + 1))
                _print_rows(found, clients=clients, stream=stream, used=used)
        gateway.terminate()
    server.terminate()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print_rows(found: list[list[list[float]]], *, clients: int, stream: bool, used: float) -> None:
    for end, name in ((0, "first byte"), (1, "end")) if stream else ((1, "end"),):
        straight, through = (quantiles((1000 * value for value in way[end]), n=20) for way in found)
        cells = (straight[9], straight[18], through[9] - straight[9], through[18] - straight[18], 1000 * used)
        kind = f"{TOKENS} tokens streamed" if stream else "whole"
        print(f"| {clients} | {kind} | {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
