"""Clients that stall on real sockets: each is cut off by a deadline, costs little, and disturbs nobody."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serving.letters import LetterEngine
from tests.serving.upstream import Upstream, listening, upstream

from agenttuning.models.generation import Token
from agenttuning.serving.app import create_app
from agenttuning.serving.gate import Door
from agenttuning.serving.proxy import open_gateway
from agenttuning.serving.proxy_settings import GatewaySettings
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from agenttuning.models.generation import GenerationRequest

    Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ASKED = json.dumps({"inputs": "x", "parameters": {"max_new_tokens": 3}}).encode()
HEAD = b"POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
SETTINGS = ServerSettings(max_head_seconds=0.3, max_body_seconds=0.3, max_stall_seconds=0.3)


class EndlessEngine(LetterEngine):
    """Streams until it is left, a large token at a time; counts what was taken from it."""

    taken = 0

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        self.running += 1
        try:
            while True:
                self.taken += 1
                yield Token(1, "x" * 10_000, -0.5, special=False, generation=None)
                await asyncio.sleep(0)
        finally:
            self.running -= 1


@asynccontextmanager
async def served(
    engine: LetterEngine, settings: ServerSettings = SETTINGS, door: Door | None = None
) -> AsyncIterator[int]:
    async with listening(create_app(engine, settings, door=door), settings=settings) as (_, port):
        yield port


def play(work: Callable[[int], Awaitable[None]], *, engine: LetterEngine | None = None) -> None:
    async def scenario() -> None:
        async with served(engine or LetterEngine()) as port:
            await work(port)
            await good(port)

    asyncio.run(scenario())


async def good(port: int) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{port}/generate", content=ASKED, timeout=30)
        assert answer.json()["generated_text"] == "abc"


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a server has no event for it
        await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(port: int) -> AsyncIterator[Pair]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def rest(pair: Pair) -> bytes:
    """Read until the server closes."""
    try:
        return await asyncio.wait_for(pair[0].read(), 30)
    except ConnectionResetError:
        return b"(reset)"


@pytest.mark.parametrize("sent", [b"", b"GET", b"POST /generate HTTP/1.1\r\nhost: x\r\nx-a: "])
def test_a_head_that_does_not_end_is_given_up(sent: bytes) -> None:
    async def work(port: int) -> None:
        async with opened(port) as pair:
            pair[1].write(sent)
            assert (await rest(pair)).startswith(b"HTTP/1.1 408 ")

    play(work)


def test_a_head_that_drips_is_given_up_all_the_same() -> None:
    async def work(port: int) -> None:
        async with opened(port) as pair:
            began = time.monotonic()
            pair[1].write(b"GET / HTTP/1.1\r\nx: ")
            while not pair[0].at_eof() and time.monotonic() - began < 20:
                try:
                    pair[1].write(b"a")
                    await pair[1].drain()
                    await asyncio.wait_for(pair[0].read(1000), 0.05)
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            assert 0.2 < time.monotonic() - began < 20

    play(work)


def test_a_second_request_on_a_connection_has_the_same_deadline() -> None:
    async def work(port: int) -> None:
        async with opened(port) as pair:
            pair[1].write(HEAD % len(ASKED) + ASKED)
            assert b"200 OK" in await pair[0].readuntil(b"}")
            pair[1].write(b"POST /gen")
            assert await rest(pair) == b""

    play(work)


def test_a_head_without_end_is_refused() -> None:
    async def work(port: int) -> None:
        async with opened(port) as pair:
            pair[1].write(b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: %b\r\n" % (n, b"y" * 1000) for n in range(500)))
            assert (await rest(pair))[:13] in {b"HTTP/1.1 431 ", b"(reset)"}

    play(work)


def test_a_body_that_does_not_arrive_is_408_and_closed() -> None:
    async def work(port: int) -> None:
        async with opened(port) as pair:
            pair[1].write(HEAD % 1000 + b"{")
            assert b"408" in await pair[0].readline()
            pair[1].write(b"x")
            assert b'"error_type":"timeout"' in await rest(pair)

    play(work)


def test_requests_in_one_packet_are_answered_in_turn() -> None:
    async def work(port: int) -> None:
        async with opened(port) as pair:
            chat = json.dumps({"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}).encode()
            head = HEAD.replace(b"/generate", b"/v1/chat/completions") % len(chat)
            pair[1].write(
                (HEAD % len(ASKED) + ASKED) * 2 + head + chat + b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n"
            )
            answer = await rest(pair)
            assert answer.count(b"HTTP/1.1 200 OK") == 4
            assert answer.index(b"generated_text") < answer.index(b"chat.completion")

    play(work)


@pytest.mark.parametrize("kind", ["local", "gateway"])
def test_a_client_that_does_not_read_is_cut_off(kind: str) -> None:
    async def scenario() -> None:
        engine, door = EndlessEngine(), Door()
        async with served(engine) as behind:
            settings = GatewaySettings(
                upstreams=(f"http://127.0.0.1:{behind}",), max_stall_seconds=0.3, upstream_seconds=30
            )
            async with (
                open_gateway(settings, door=door) as app,
                listening(app, settings=settings) as (_, port),
                opened(port if kind == "gateway" else behind) as pair,
            ):
                pair[1].write(HEAD.replace(b"/generate", b"/generate_stream") % len(ASKED) + ASKED)
                async with asyncio.timeout(30):
                    await until(lambda: engine.running == 1)
                    await until(lambda: engine.running == 0)
                    await until(lambda: door.inside == 0)
                assert engine.taken < 5000

    asyncio.run(scenario())


def test_a_replica_that_dies_in_a_stream_ends_only_that_one() -> None:
    async def scenario() -> None:
        async with upstream(Upstream()) as one, upstream(Upstream()) as other:
            settings = GatewaySettings(upstreams=(one.url, other.url), probe_seconds=0.1)
            async with (
                open_gateway(settings) as app,
                listening(app) as (_, port),
                httpx.AsyncClient(timeout=30) as client,
            ):
                one.gate.clear()
                other.gate.clear()
                url = f"http://127.0.0.1:{port}/v1/chat/completions"
                body = {"messages": "a b c", "stream": True}
                streams = [asyncio.create_task(client.post(url, json=body)) for _ in range(4)]
                async with asyncio.timeout(30):
                    await until(lambda: (one.running, other.running) == (2, 2))
                one.die()
                other.gate.set()
                texts = [(await stream).text for stream in streams]
                assert sum("broke off" in text for text in texts) == 2
                assert sum(text.endswith("data: [DONE]\n\n") for text in texts) == 2
                assert (await client.post(url, json={**body, "stream": False})).status_code == 200

    asyncio.run(scenario())
