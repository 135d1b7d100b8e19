"""What one server may be asked at once and per minute, kept on our side: the queue in front of an endpoint.

Requests and tokens are counted over sliding windows. A call counts from before it is sent until a whole window after it
was answered, so that a server which counts the same never sees more, however long the way is. Calls in flight follow
AIMD (additive increase, multiplicative decrease): halved when the server says that it is overloaded, one more for every
second answer. The step is larger than TCP's, because a server that fails at random is no server that is full.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

_GROWTH = 0.5
WINDOWS = ((60.0, 1), (6.0, 10))
"""Seconds of a window, and by what the limit of a minute is divided for it: the second spreads a minute's allowance."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One attempt that was let in, or waits to be."""

    tokens: int
    let_in: asyncio.Future[None]
    began: float = 0.0


@dataclass(slots=True)
class _Window:
    """What counts in one sliding window: all that is in flight, and what has ended less than its length ago."""

    seconds: float
    most_requests: int | None
    most_tokens: int | None
    requests: int = 0
    tokens: int = 0
    ended: deque[tuple[float, int]] = field(default_factory=deque)

    def wait(self, ticket: Ticket, now: float) -> float | None:
        """Return 0 when the ticket fits now, else seconds until it may; None: not before a call in flight has ended."""
        while self.ended and self.ended[0][0] + self.seconds <= now:
            self.requests -= 1
            self.tokens -= self.ended.popleft()[1]
        crowded = self.most_requests is not None and self.requests >= self.most_requests
        heavy = self.most_tokens is not None and self.requests > 0 and self.tokens + ticket.tokens > self.most_tokens
        if not (crowded or heavy):
            return 0.0
        return max(0.001, self.ended[0][0] + self.seconds - now) if self.ended else None

    def begin(self, tokens: int) -> None:
        self.requests += 1
        self.tokens += tokens

    def end(self, now: float, *, reserved: int, tokens: int) -> None:
        self.tokens += tokens - reserved
        self.ended.append((now, tokens))


class Limits:
    """The queue in front of one server, first come, first served; `None` limits nothing."""

    def __init__(
        self,
        *,
        in_flight: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        self.most_in_flight = in_flight
        self.allowed = float(in_flight)
        self.in_flight = 0
        self.bound_by: Literal["connections", "rate"] = "connections"
        """What held back the last attempt that had to wait."""
        self._waiting: deque[Ticket] = deque()
        self._halved = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._windows = [
            _Window(seconds, _part(requests_per_minute, divisor), _part(tokens_per_minute, divisor))
            for seconds, divisor in WINDOWS
            if requests_per_minute is not None or tokens_per_minute is not None
        ]

    async def enter(self, *, tokens: int) -> Ticket:
        """Wait until an attempt of at most so many tokens may be sent; `leave` must follow."""
        ticket = Ticket(tokens, asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        self._admit()
        try:
            await ticket.let_in
        except asyncio.CancelledError:
            if ticket.let_in.done() and not ticket.let_in.cancelled():
                self.leave(ticket)
            raise
        return ticket

    def leave(self, ticket: Ticket, *, tokens: int | None = None, overloaded: bool = False) -> None:
        """End an attempt: `tokens` are those that the answer tells, if there was one."""
        now = asyncio.get_running_loop().time()
        self.in_flight -= 1
        for window in self._windows:
            window.end(now, reserved=ticket.tokens, tokens=ticket.tokens if tokens is None else tokens)
        if overloaded:
            if ticket.began >= self._halved:  # those sent before the last halving tell nothing new
                self._halved = now
                self.allowed = max(1.0, self.allowed / 2)
        elif tokens is not None:
            self.allowed = min(self.most_in_flight, self.allowed + _GROWTH)
        self._admit()

    def _admit(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._waiting and self.in_flight < int(self.allowed):
            ticket = self._waiting[0]
            if ticket.let_in.done():  # its caller has gone
                self._waiting.popleft()
                continue
            waits = [window.wait(ticket, now) for window in self._windows]
            if any(wait != 0 for wait in waits):
                self.bound_by = "rate"
                self._come_back(max((wait for wait in waits if wait), default=None))
                return
            self._waiting.popleft()
            ticket.began = now
            self.in_flight += 1
            for window in self._windows:
                window.begin(ticket.tokens)
            ticket.let_in.set_result(None)
        if self._waiting:
            self.bound_by = "connections"

    def _come_back(self, seconds: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if seconds is not None:
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._admit)


def _part(limit: int | None, divisor: int) -> int | None:
    return None if limit is None else max(1, limit // divisor)
