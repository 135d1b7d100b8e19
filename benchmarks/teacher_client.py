"""Client CPU per call of a paid teacher against bare httpx: the same requests, server and connections in one run.

Bare is `httpx.AsyncClient.post(json=...)` and `response.json()`. Ours adds the limits, the budget, the digest of the
request, the checked answer, and a durable line per call. A second pass over the same requests is answered from the log.

    python benchmarks/teacher_client.py [CALLS]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from agenttuning.core.records import Message, Sampling
from agenttuning.policies import OpenAIConfig
from agenttuning.policies.budget import BudgetConfig
from agenttuning.policies.ledger import Ledger
from agenttuning.policies.openai import open_openai

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from multiprocessing.connection import Connection

CONCURRENCY = 128
LATENCY_SECONDS = 0.05
MESSAGES = 20
CHARACTERS = 300
ROUNDS = 3
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Thought: the desk is next.\nAction: go to desk 1 " * 3},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1500, "completion_tokens": 40, "total_tokens": 1540},
}


def serve(told: Connection) -> None:
    """Answer everything alike, in a process of its own."""
    body = json.dumps(REPLY).encode()
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                rows = head.lower().split(b"\r\n")
                await reader.readexactly(next(int(row[15:]) for row in rows if row.startswith(b"content-length:")))
                await asyncio.sleep(LATENCY_SECONDS)
                writer.write(answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
        told.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        await server.serve_forever()

    asyncio.run(listen())


def talks(count: int, *, first: int) -> list[tuple[Message, ...]]:
    """Return conversations of twenty messages, no two alike."""
    return [
        tuple(
            Message(
                role="assistant" if turn % 2 else "user",
                content=f"dialogue {first + number}, turn {turn}: ".ljust(CHARACTERS, "lorem "[turn % 5]),
            )
            for turn in range(MESSAGES)
        )
        for number in range(count)
    ]


async def measure(
    ask: Callable[[tuple[Message, ...]], Awaitable[object]], asked: list[tuple[Message, ...]]
) -> tuple[float, float]:
    """Return milliseconds of CPU time per call, and calls per second."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one(talk: tuple[Message, ...]) -> None:
        async with gate:
            await ask(talk)

    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.gather(*map(one, asked))
    return 1e3 * (time.process_time() - cpu) / len(asked), len(asked) / (time.monotonic() - wall)


async def compare(url: str, calls: int, folder: Path) -> None:
    """Print the figures of every round, and the ratio of the best ones."""
    config = OpenAIConfig(base_url=url, model="gpt-4-0613", max_connections=CONCURRENCY)
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    best = {"bare httpx": float("inf"), "teacher client": float("inf"), "from the log": float("inf")}
    with Ledger(folder / "calls.jsonl", BudgetConfig(dollars=1e6)) as ledger:
        async with (
            httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client,
            open_openai(config, ledger=ledger) as model,
        ):

            async def bare(talk: tuple[Message, ...]) -> object:
                body = {
                    "model": "gpt-4-0613",
                    "messages": [{"role": message.role, "content": message.content} for message in talk],
                    "max_tokens": 128,
                    "temperature": 0.0,
                }
                return (await client.post("/chat/completions", json=body)).json()["choices"][0]["message"]["content"]

            async def ours(talk: tuple[Message, ...]) -> object:
                return await model.answer(talk, sampling=Sampling())

            for number in range(ROUNDS):
                asked = talks(calls, first=number * calls)
                for name, ask in (("bare httpx", bare), ("teacher client", ours), ("from the log", ours)):
                    cpu, rate = await measure(ask, asked)
                    best[name] = min(best[name], cpu)
                    print(f"round {number + 1}, {name}: {cpu:.3f} ms CPU per call, {rate:,.0f} calls/s")
    ratio = best["teacher client"] / best["bare httpx"]
    print(f"best of {ROUNDS}: bare httpx {best['bare httpx']:.3f} ms, teacher client {best['teacher client']:.3f} ms,")
    print(f"from the log {best['from the log']:.3f} ms; ratio {ratio:.2f}")


def main(calls: int) -> None:
    """Start the server, compare, stop it."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(compare(ours.recv(), calls, Path(folder)))
    finally:
        server.terminate()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
