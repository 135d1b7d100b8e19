"""Several servers of one model as one: the warm cache or the least load first, the dead out, the recovered back in.

A request whose answer has not begun goes to another replica when its own dies or is overloaded; once the first byte
has come, it is never repeated.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from agenttuning.errors import PolicyError
from agenttuning.serving.proxy_prefixes import PrefixMap, prompt_chain
from agenttuning.serving.requests import RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from pydantic import JsonValue

    from agenttuning.serving.metrics import Metrics
    from agenttuning.serving.proxy_settings import GatewaySettings

_LOG = logging.getLogger(__name__)
_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 2.0
"""Shorter than any server keeps an idle connection, so that none is used while its other end closes it."""
_MOST_REPLICAS = 3
"""That one request is tried on: a request that kills servers must not kill all of them."""
_ELSEWHERE = frozenset({429, 502, 503, 504})
"""Another replica may well answer."""
_NO_HEALTH_ROUTE = frozenset({404, 405})
_BROKEN = (aiohttp.ClientError, TimeoutError)
_JSON = {"content-type": "application/json"}


class _Model(BaseModel):
    id: str
    max_model_len: int | None = None
    """vLLM's and SGLang's own field."""


class _Models(BaseModel):
    data: list[_Model] = Field(min_length=1)


@dataclass(slots=True, eq=False)
class Replica:
    """One server."""

    url: str
    healthy: bool = True
    in_flight: int = 0
    last_used: int = 0
    model: str = ""
    """As it calls the model; empty until it was asked."""
    max_total_tokens: int | None = None


class Answer:
    """One answer of one replica; whoever holds it closes it."""

    def __init__(self, replica: Replica, metrics: Metrics) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        """Their names are read in any case."""
        self._replica = replica
        self._response: aiohttp.ClientResponse | None = None
        self._first = b""
        self._open = True
        self._metrics = metrics
        self._began = time.perf_counter()
        replica.in_flight += 1

    async def begin(self, client: aiohttp.ClientSession, path: str, content: bytes) -> None:
        """Send the request and wait for the first byte of the body; raises what aiohttp raises."""
        self._response = await client.post(
            f"{self._replica.url}{path}", data=content, headers=_JSON, allow_redirects=False
        )
        self.status, self.headers = self._response.status, self._response.headers
        self._first = await self._response.content.readany()
        self._metrics.observe("tgi_request_queue_duration", time.perf_counter() - self._began)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            PolicyError: the server broke off.
        """
        yield self._first
        assert self._response is not None
        try:
            while chunk := await self._response.content.readany():
                yield chunk
        except _BROKEN as error:
            raise PolicyError(f"{self._replica.url} broke off its answer: {_told(error)}") from error

    async def read(self) -> bytes:
        """Return the whole body; raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])

    def close(self) -> None:
        """Let go of the connection, which ends the server's work if the answer is not complete; may be repeated."""
        if self._open:
            self._open = False
            self._replica.in_flight -= 1
            if self._response is not None:
                self._metrics.observe("tgi_request_inference_duration", time.perf_counter() - self._began)
                self._response.close()


class ReplicaPool:
    """Sends a request to the replica that has read its beginning, and to the least loaded one where that has more."""

    def __init__(self, settings: GatewaySettings, *, metrics: Metrics, key: str | None = None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._key = key
        self._client: aiohttp.ClientSession | None = None
        self._turn = count(1)
        self._prefixes = PrefixMap[Replica]()
        self._watching: asyncio.Task[None] | None = None
        self.replicas = tuple(Replica(url) for url in settings.upstreams)

    async def start(self) -> None:
        """Look at every replica once, and go on looking until `close`."""
        self._client = _client(self._settings, self._key)
        await self._probe_all(self._client)
        self._watching = asyncio.create_task(self._watch(self._client))

    async def close(self) -> None:
        """Stop looking and close all connections; what is in progress fails."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    @property
    def healthy(self) -> list[Replica]:
        """Those that take requests now."""
        return [replica for replica in self.replicas if replica.healthy]

    @property
    def model(self) -> Replica | None:
        """A replica that has named its model."""
        return next((replica for replica in self.replicas if replica.model), None)

    async def send(self, path: str, body: Mapping[str, JsonValue]) -> Answer:
        """Return an answer whose first byte is there, of whatever status; the body names the replica's own model.

        Raises:
            RequestError: no replica is left that could answer (503).
            PolicyError: a replica took the request and fell silent.
        """
        self._metrics.begun()
        refusal: Answer | None = None
        tried: set[Replica] = set()
        chain = prompt_chain(body) if self._settings.sticky_slack is not None and len(self.replicas) > 1 else []
        while len(tried) < _MOST_REPLICAS and (replica := self._chosen(tried, chain)) is not None:
            tried.add(replica)
            answer = await self._attempt(replica, path, body)
            if answer is None:
                continue
            if refusal is not None:
                refusal.close()
            if answer.status not in _ELSEWHERE:
                self._prefixes.remember(chain, replica)
                return answer
            refusal = answer
        if refusal is not None:
            return refusal
        raise RequestError("no model server answers behind this gateway; try again", status=503, kind="healthcheck")

    def _chosen(self, tried: set[Replica], chain: Sequence[bytes]) -> Replica | None:
        left = [replica for replica in self.healthy if replica not in tried]
        least = min(left, key=lambda replica: (replica.in_flight, replica.last_used), default=None)
        known = self._prefixes.find(chain)
        if least is None or known is None or known not in left:
            return least
        return known if known.in_flight <= least.in_flight + (self._settings.sticky_slack or 0) else least

    async def _attempt(self, replica: Replica, path: str, body: Mapping[str, JsonValue]) -> Answer | None:
        if self._client is None:
            raise RuntimeError("the pool is not started")
        replica.last_used = next(self._turn)
        told = {**body, "model": replica.model} if replica.model else body
        answer, begun = Answer(replica, self._metrics), False
        try:
            await answer.begin(self._client, path, json.dumps(told).encode())
            begun = True
        except aiohttp.SocketTimeoutError as error:
            raise PolicyError(f"{replica.url} gave no answer in time; see `upstream_seconds`") from error
        except _BROKEN as error:
            self._take_out(replica, _told(error))
            return None
        finally:
            if not begun:
                answer.close()
        return answer

    def _take_out(self, replica: Replica, why: str) -> None:
        if replica.healthy:
            _LOG.warning("%s is taken out: %s", replica.url, why)
        replica.healthy = False

    async def _watch(self, client: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(self._settings.probe_seconds)
            await self._probe_all(client)

    async def _probe_all(self, client: aiohttp.ClientSession) -> None:
        await asyncio.gather(*(self._probe(client, replica) for replica in self.replicas))

    async def _probe(self, client: aiohttp.ClientSession, replica: Replica) -> None:
        """Ask for its health, and when it is new or back, for its model."""
        try:
            status, _ = await _got(client, f"{replica.url}/health")
            if status >= 300 and status not in _NO_HEALTH_ROUTE:
                self._take_out(replica, f"/health answered {status}")
                return
            if not (replica.healthy and replica.model):
                _, listed = await _got(client, f"{replica.url}/v1/models")
                _learn_model(replica, listed)
        except _BROKEN as error:
            self._take_out(replica, _told(error))
            return
        if not replica.healthy:
            _LOG.warning("%s is back", replica.url)
        replica.healthy = True


def _client(settings: GatewaySettings, key: str | None) -> aiohttp.ClientSession:
    headers = {"accept-encoding": "identity"}
    return aiohttp.ClientSession(
        headers=headers if key is None else {**headers, "authorization": f"Bearer {key}"},
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=settings.upstream_seconds),
        auto_decompress=False,
    )


async def _got(client: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with client.get(url, timeout=aiohttp.ClientTimeout(total=_CONNECT_SECONDS), allow_redirects=False) as answer:
        return answer.status, await answer.read()


def _learn_model(replica: Replica, listed: bytes) -> None:
    try:
        model = _Models.model_validate_json(listed).data[0]
    except ValidationError:
        return
    replica.model, replica.max_total_tokens = model.id, model.max_model_len


def _told(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
