"""Connections with deadlines: a head that never ends or an answer that nobody reads must not hold one for ever.

uvicorn closes a kept connection that stays idle, and the routes give up a body that does not arrive. This adds the two
that are left: the time and size of a request's head, and the time for which a client takes nothing of its answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:
    from agenttuning.serving.settings import ServerSettings

_MOST_HEAD_BYTES = 65536
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Cycle(Protocol):
    response_complete: bool
    more_body: bool


class _Http(Protocol):
    """What both of uvicorn's protocols have."""

    cycle: _Cycle | None


def patient_protocol(settings: ServerSettings) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with the deadlines of these settings."""

    class Deadlined(_Deadlined):
        head_seconds = settings.max_head_seconds
        stall_seconds = settings.max_stall_seconds

    return Deadlined


class _Deadlined(asyncio.Protocol):
    """Hands everything on to uvicorn's protocol, and watches."""

    head_seconds: float
    stall_seconds: float

    def __init__(self, **given: object) -> None:
        self._inner = AutoHTTPProtocol(**given)  # uvicorn's own business
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._head: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        before = cast("_Http", self._inner).cycle
        self._inner.data_received(data)
        cycle = cast("_Http", self._inner).cycle
        if cycle is not before or (cycle is not None and not cycle.response_complete):
            self._disarm_head()
            return
        self._await_head()
        if cycle is None or not cycle.more_body:  # else it is the rest of a body that was refused unread
            self._head_bytes += len(data)
        if self._head_bytes > _MOST_HEAD_BYTES:
            self._end(_TOO_LARGE)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()
        self._stall = self._stall or self._loop.call_later(self.stall_seconds, self._abort)

    def resume_writing(self) -> None:
        self._disarm_stall()
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm_head()
        self._disarm_stall()
        self._inner.connection_lost(exc)

    def _await_head(self) -> None:
        self._head = self._head or self._loop.call_later(self.head_seconds, self._end, _TOO_SLOW)

    def _disarm_head(self) -> None:
        self._head_bytes = 0
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _disarm_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _end(self, told: bytes) -> None:
        """Say why, unless an answer has been given on this connection, and close it."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            if cast("_Http", self._inner).cycle is None:
                transport.write(told)
            transport.close()

    def _abort(self) -> None:
        """Drop what the client does not take; closing would wait for it."""
        if self._transport is not None:
            self._transport.abort()
