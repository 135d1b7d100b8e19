"""The proxy that lets a browser reach some hosts and no other."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx

from agenttuning.environments.worlds.browser.gate import Gate

ResultT = TypeVar("ResultT")


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the request's own bytes back, as a page."""
    with suppress(asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        body = head + await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    writer.close()


def gated(play: Callable[[httpx.AsyncClient, int], Awaitable[ResultT]]) -> ResultT:
    """Play with a client behind a gate that allows one host, given its port."""

    async def played() -> ResultT:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Gate([f"127.0.0.1:{port}"]) as gate, httpx.AsyncClient(proxy=gate.url, verify=False) as client:
            result = await play(client, port)
        server.close()
        return result

    return asyncio.run(played())


def test_what_is_allowed_passes_as_it_is() -> None:
    async def play(client: httpx.AsyncClient, port: int) -> httpx.Response:
        return await client.post(f"http://127.0.0.1:{port}/a?b=%20", content=b"x" * 100_000, headers={"X-Mine": "1"})

    answer = gated(play)
    assert answer.status_code == 200
    assert answer.text.startswith("POST /a?b=%20 HTTP/1.1\r\n")
    assert "X-Mine: 1" in answer.text
    assert "proxy-connection" not in answer.text.lower()
    assert answer.text.endswith("x" * 100_000)


def test_other_hosts_and_other_ports_are_refused() -> None:
    async def play(client: httpx.AsyncClient, port: int) -> list[httpx.Response]:
        others = (f"localhost:{port}", f"127.0.0.1:{port + 1}", "169.254.169.254", "<b>.test")
        return [await client.get(f"http://{other}/") for other in others]

    answers = gated(play)
    assert {answer.status_code for answer in answers} == {403}
    assert "localhost" in answers[0].text
    assert "<b>" not in answers[-1].text


def test_tunnels_reach_allowed_hosts_only() -> None:
    async def play(client: httpx.AsyncClient, port: int) -> list[str]:
        told = []
        for host in ("evil.test", f"127.0.0.1:{port}"):
            try:
                await client.get(f"https://{host}/")
            except httpx.TransportError as error:
                told.append(str(error))
        return told

    refused, opened = gated(play)
    assert "403" in refused
    assert "403" not in opened  # the far side speaks no TLS: the tunnel was there


def test_a_silent_host_and_nonsense_are_answered() -> None:
    async def play(client: httpx.AsyncClient, port: int) -> tuple[int, bytes]:
        async with Gate(["127.0.0.1:9"]) as gate:
            async with httpx.AsyncClient(proxy=gate.url) as other:
                silent = await other.get("http://127.0.0.1:9/")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(gate.url.rpartition(":")[2]))
            writer.write(b"what\r\n\r\n")
            said = await reader.read()
            writer.close()
        return silent.status_code, said

    status, said = gated(play)
    assert status == 502
    assert said.startswith(b"HTTP/1.1 400 ")
