"""An HTTP proxy on a loopback port that lets a browser reach some hosts and no other.

Redirects, scripts and sockets of a page all go through it, so that a hostile page cannot lead out of its sites.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

_MAX_HEAD: Final = 64 * 1024
_HEAD_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 20.0
_USUAL_PORTS: Final = (80, 443)
_CHUNK: Final = 64 * 1024
_DROPPED: Final = frozenset((b"proxy-connection", b"connection", b"proxy-authorization", b"keep-alive"))


class Gate:
    """The running proxy; enter it and leave it in one event loop."""

    def __init__(self, allowed: Collection[str]) -> None:
        """Let requests pass to these hosts, each with its port where that is not the scheme's own."""
        self._allowed = frozenset(host.lower() for host in allowed)
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None, "enter it first"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                await self._serve(reader, writer)
        finally:
            self._serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        first, *fields = head[:-4].split(b"\r\n")
        parts = first.decode("latin-1").split(" ")
        if len(parts) != 3:
            await _answer(writer, 400, "Bad request", "This is no HTTP request.")
            return
        method, target, version = parts
        tunnel = method == "CONNECT"
        address = urlsplit(f"https://{target}" if tunnel else target)
        port = address.port or (443 if tunnel else 80)
        if not self._allows(address.hostname or "", port):
            await _answer(writer, 403, "Blocked", f"{address.netloc} is not one of the sites of this task.")
            return
        try:
            opening = asyncio.open_connection(address.hostname, port)
            far_reader, far_writer = await asyncio.wait_for(opening, _CONNECT_SECONDS)
        except (OSError, TimeoutError):
            await _answer(writer, 502, "No answer", f"{address.netloc} does not answer.")
            return
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            path = target[target.index(address.netloc) + len(address.netloc) :] or "/"
            kept = [field for field in fields if field.split(b":", 1)[0].strip().lower() not in _DROPPED]
            line = f"{method} {path} {version}".encode("latin-1")
            far_writer.write(b"\r\n".join([line, *kept, b"Connection: close", b"", b""]))
        await _join((reader, far_writer), (far_reader, writer))

    def _allows(self, host: str, port: int) -> bool:
        names = {f"{host}:{port}"} | ({host} if port in _USUAL_PORTS else set())
        return bool(names & self._allowed)


async def _join(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Carry bytes both ways until the far side has said all."""
    upward, downward = (asyncio.ensure_future(_carry(*way)) for way in ways)
    try:
        await downward
    finally:
        upward.cancel()
        for _, writer in ways:
            writer.close()
        await asyncio.gather(upward, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, status: int, title: str, text: str) -> None:
    body = f"<!doctype html><title>{title}</title><p>{_plain(text)}</p>".encode()
    head = f"HTTP/1.1 {status} {title}\r\nContent-Type: text/html; charset=utf-8\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
