"""One HTTP endpoint of a model server: what is tried again, what is not, and what each error means to an episode.

Tried again, with growing and jittered waits, or after what `Retry-After` asks: 408, 409, 425, 429, 5xx, connections
that fail, and bodies that are no answer at all. Everything else fails at once. An error never becomes an empty answer,
and an answer without a usable reply (a tool call, a refusal, no text) is paid for, so it is kept and not asked again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import httpx
from pydantic import ValidationError
from pydantic_core import to_json

from agenttuning.core.records import Reply, Usage
from agenttuning.core.watch import spend
from agenttuning.errors import BudgetError, PolicyError, RecipeError
from agenttuning.policies.attempts import (
    Attempts,
    PassingError,
    RefusedError,
    UnusableAnswerError,
    check_status,
    excerpt,
)
from agenttuning.policies.budget import Spent, bill
from agenttuning.policies.call_log import Call
from agenttuning.policies.ledger import server_limits
from agenttuning.policies.pools import open_pools
from agenttuning.policies.prices import listed_price

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from pydantic import JsonValue

    from agenttuning.core.records import Sampling
    from agenttuning.policies.config import Price, ServerConfig
    from agenttuning.policies.ledger import Ledger
    from agenttuning.policies.pools import Pools

_MOST_BYTES = 16 << 20
"""Of one body; what is longer is no answer."""
_FIRST_DENSITY = 0.5
"""Tokens per byte of a request that are reckoned with before the first answer; English has a quarter."""
_MARGIN = 1.25
_JSON = {"Content-Type": "application/json"}


class ReadAnswer(Protocol):
    """Reads a successful body.

    Raises:
        ValidationError: it is no answer.
        UnusableAnswerError: it is one, without a usable reply.
    """

    def __call__(self, body: bytes, headers: httpx.Headers) -> Reply:
        """Return the reply that the body holds."""


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    payload: bytes
    most: Usage
    """An upper estimate of what it uses."""
    key: str

    def charged(self, told: Usage) -> Usage:
        """Return what an answer is counted with: what the server told, else the estimate."""
        return told if told.total else self.most


class Endpoint:
    """Posts JSON and returns checked replies, within the limits of its server and the budget of its ledger."""

    def __init__(self, pools: Pools, config: ServerConfig, *, model: str, ledger: Ledger | None = None) -> None:
        self._pools = pools
        self._config = config
        self._model = model
        self._ledger = ledger
        self._limits = ledger.limits(config, model=model) if ledger else server_limits(config)
        self._price = price_of(config, model)
        self._density = 0.0

    async def ask(self, path: str, body: Mapping[str, JsonValue], *, sampling: Sampling, read: ReadAnswer) -> Reply:
        """Return the server's reply, or the one that the ledger's log holds for the same request.

        Raises:
            ContextLimitError: the conversation is longer than the server's model takes.
            BudgetError: the budget does not cover the call, or the server refuses all calls of this ledger.
            PolicyError: no usable reply within the attempts and the deadline; names the server and the last error.
        """
        payload = to_json(body)
        repeatable = sampling.temperature == 0 or sampling.seed is not None
        key = self._digest(path, payload, sampling.seed) if self._ledger and repeatable else ""
        reckoned = int(len(payload) * (self._density or _FIRST_DENSITY)) + 1
        most = Usage(prompt_tokens=reckoned, completion_tokens=sampling.max_new_tokens)
        request = _Request(path, payload, most, key)
        if self._ledger is None:
            return await self._persist(request, read, Attempts(self._config))
        if not key:
            return await self._buy(request, read, self._ledger)
        async with self._ledger.asking(key):
            held = self._ledger.log.find(key)
            return await self._buy(request, read, self._ledger) if held is None else _reply_of(held)

    async def _buy(self, request: _Request, read: ReadAnswer, ledger: Ledger) -> Reply:
        """Ask within the budget; the answer is settled and on disk before it is returned."""
        most = bill(request.most, self._price)
        await ledger.budget.reserve(most)
        attempts = Attempts(self._config)
        reply: Reply | None = None
        failure: PolicyError | None = None
        paid = Spent()
        try:
            reply = await self._persist(request, read, attempts)
            paid = bill(request.charged(reply.usage), self._price)
        except PolicyError as error:
            failure = error
            if isinstance(error, UnusableAnswerError):
                paid = bill(request.charged(error.usage), self._price)
        finally:
            ledger.budget.settle(most, paid)
        await ledger.log.append(self._record(request, attempts, reply, failure))
        if isinstance(failure, RefusedError):
            ledger.budget.close(str(failure))
            raise BudgetError(str(failure)) from failure
        if reply is None:
            raise failure or PolicyError(f"{self._url(request.path)} gave no reply")
        return reply

    def _record(self, request: _Request, attempts: Attempts, reply: Reply | None, failure: PolicyError | None) -> Call:
        unusable = failure if isinstance(failure, UnusableAnswerError) else None
        usage = reply.usage if reply else unusable.usage if unusable else Usage()
        answered = reply is not None or unusable is not None
        return Call(
            key=request.key,
            model=self._model,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            content=reply.content if reply else None,
            finish=reply.finish if reply else "stop",
            answered=answered,
            reason="" if reply else attempts.met[-1],
            failure=str(failure or ""),
            usage=usage,
            reckoned=request.most if answered and not usage.total else Usage(),
            dollars=bill(request.charged(usage), self._price).dollars if answered and self._price else None,
            seconds=round(attempts.seconds, 4),
            queue_seconds=round(attempts.queue_seconds, 4),
            attempts=tuple(attempts.met),
            request_id=attempts.request_id,
        )

    async def _persist(self, request: _Request, read: ReadAnswer, attempts: Attempts) -> Reply:
        while True:
            try:
                return await self._attempt(request, read, attempts)
            except PassingError as error:
                attempts.met.append(error.met)
                await attempts.wait(error)
            except PolicyError as error:
                attempts.met.append(error.reason if isinstance(error, UnusableAnswerError) else str(attempts.status))
                raise

    async def _attempt(self, request: _Request, read: ReadAnswer, attempts: Attempts) -> Reply:
        queued = time.monotonic()
        ticket = await self._limits.enter(tokens=request.most.total)
        queued = time.monotonic() - queued
        attempts.queue_seconds += queued
        spend(f"queue: {self._limits.bound_by}", queued)
        used: Usage | None = None
        overloaded = False
        try:
            response, body = await self._send(request, attempts)
            check_status(response, body)
            reply = self._read(response, body, read)
            used = reply.usage
        except UnusableAnswerError as error:
            used = error.usage
            raise
        except PassingError as error:
            overloaded = error.overloaded
            raise
        finally:
            self._limits.leave(
                ticket, tokens=None if used is None else request.charged(used).total, overloaded=overloaded
            )
        self._density = max(self._density, _MARGIN * reply.usage.prompt_tokens / len(request.payload))
        attempts.met.append("200")
        return reply

    async def _send(self, request: _Request, attempts: Attempts) -> tuple[httpx.Response, bytes]:
        url, most = self._url(request.path), min(attempts.seconds_left, self._config.attempt_timeout_seconds)
        body = bytearray()
        try:
            async with (
                asyncio.timeout(most),
                self._pools.post(request.path, request.payload, headers=_JSON) as response,
            ):
                attempts.status = response.status_code
                attempts.request_id = response.headers.get("x-request-id", "")
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        text = f"{url} answered more than {_MOST_BYTES:,} bytes"
                        raise UnusableAnswerError(text, reason="an overlong text", usage=Usage())
        except TimeoutError as error:
            raise PassingError(f"{url} gave no answer within {most:g} s", met="timeout") from error
        except httpx.RequestError as error:
            name = type(error).__name__
            raise PassingError(f"cannot reach {url}: {name} {error}; is the server running there?", met=name) from error
        return response, bytes(body)

    def _read(self, response: httpx.Response, body: bytes, read: ReadAnswer) -> Reply:
        began = time.monotonic()
        try:
            return read(body, response.headers)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "body"
            raise PassingError(
                f"{response.request.url} answered in an unknown form ({where}: {first['msg']}): {excerpt(body)}",
                met="malformed",
            ) from error
        finally:
            spend("parse", time.monotonic() - began)

    def _digest(self, path: str, payload: bytes, seed: int | None) -> str:
        """Name a request; the seed tells samples apart also where the server is not sent it."""
        return hashlib.sha256(f"{self._url(path)}\0{seed}\0".encode() + payload).hexdigest()[:32]

    def _url(self, path: str) -> str:
        return f"{self._pools.base_url}/{path}"


@asynccontextmanager
async def open_endpoint(
    config: ServerConfig,
    *,
    model: str,
    ledger: Ledger | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Endpoint]:
    """Open the connection pool; nothing is sent yet.

    Raises:
        RecipeError: the key's variable is empty, the URL is none, or a budget in dollars meets a model without a price.
    """
    headers = {}
    if config.api_key_env is not None:
        key = os.environ.get(config.api_key_env)
        if not key:
            raise RecipeError(
                f"the environment variable {config.api_key_env!r} is empty; export it, or drop api_key_env"
            )
        headers["Authorization"] = f"Bearer {key}"
    if not config.base_url.startswith(("http://", "https://")):
        raise RecipeError(f"base_url must begin with http:// or https://, got {config.base_url!r}")
    if ledger is not None and ledger.budget.config.dollars is not None and price_of(config, model) is None:
        raise RecipeError(
            f"the price of {model!r} is not known, so a budget in dollars cannot be kept; tell it with "
            "price = { prompt = DOLLARS, completion = DOLLARS } per million tokens, or set budget.tokens instead"
        )
    async with open_pools(
        config.base_url.rstrip("/"), headers=headers, connections=config.max_connections, transport=transport
    ) as pools:
        yield Endpoint(pools, config, model=model, ledger=ledger)


def price_of(config: ServerConfig, model: str) -> Price | None:
    """Return what the model's tokens cost: as told, else as listed."""
    return config.price or listed_price(model)


def _reply_of(call: Call) -> Reply:
    """Give an earlier answer again, the unusable ones too; it costs nothing now."""
    if call.content is None:
        raise UnusableAnswerError(call.failure, reason=call.reason, usage=call.usage)
    return Reply(content=call.content, usage=call.usage, finish=call.finish)
