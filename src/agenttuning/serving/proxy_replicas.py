"""Several servers of one model as one: least load first, the dead taken out, the recovered taken back.

A request whose answer has not begun goes to another replica when its own dies or is overloaded; once the first byte
has come, it is never repeated.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import httpx
from pydantic import BaseModel, Field, ValidationError

from agenttuning.errors import PolicyError
from agenttuning.serving.requests import RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from pydantic import JsonValue

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

    def __init__(self, replica: Replica) -> None:
        self.status = 0
        self.headers = httpx.Headers()
        self._replica = replica
        self._response: httpx.Response | None = None
        self._rest: AsyncIterator[bytes] = _nothing()
        self._first = b""
        self._open = True
        replica.in_flight += 1

    async def begin(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        """Send the request and wait for the first byte of the body; raises what httpx raises."""
        self._response = await client.send(request, stream=True)
        self.status, self.headers = self._response.status_code, self._response.headers
        self._rest = self._response.aiter_bytes()
        self._first = await anext(self._rest, b"")

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            PolicyError: the server broke off.
        """
        yield self._first
        try:
            async for chunk in self._rest:
                yield chunk
        except httpx.TransportError as error:
            raise PolicyError(f"{self._replica.url} broke off its answer: {type(error).__name__} {error}") from error

    async def read(self) -> bytes:
        """Return the whole body; raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def close(self) -> None:
        """Let go of the connection, which ends the server's work if the answer is not complete; may be repeated."""
        if self._open:
            self._open = False
            self._replica.in_flight -= 1
            if self._response is not None:
                await self._response.aclose()


class ReplicaPool:
    """Sends every request to the replica with the fewest in flight."""

    def __init__(self, settings: GatewaySettings, *, key: str | None = None) -> None:
        headers = {"accept-encoding": "identity"}
        self._client = httpx.AsyncClient(
            headers=headers if key is None else {**headers, "authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(settings.upstream_seconds, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_IDLE_SECONDS),
            trust_env=False,
            verify=any(url.startswith("https://") for url in settings.upstreams),
        )
        self._turn = count(1)
        self._probe_seconds = settings.probe_seconds
        self._watching: asyncio.Task[None] | None = None
        self.replicas = tuple(Replica(url) for url in settings.upstreams)

    async def start(self) -> None:
        """Look at every replica once, and go on looking until `close`."""
        await self._probe_all()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop looking and close all connections; what is in progress fails."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._client.aclose()

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
        refusal: Answer | None = None
        tried: set[Replica] = set()
        while len(tried) < _MOST_REPLICAS and (replica := self._least_loaded(tried)) is not None:
            tried.add(replica)
            answer = await self._attempt(replica, path, body)
            if answer is None:
                continue
            if refusal is not None:
                await refusal.close()
            if answer.status not in _ELSEWHERE:
                return answer
            refusal = answer
        if refusal is not None:
            return refusal
        raise RequestError("no model server answers behind this gateway; try again", status=503, kind="healthcheck")

    def _least_loaded(self, tried: set[Replica]) -> Replica | None:
        left = [replica for replica in self.healthy if replica not in tried]
        return min(left, key=lambda replica: (replica.in_flight, replica.last_used), default=None)

    async def _attempt(self, replica: Replica, path: str, body: Mapping[str, JsonValue]) -> Answer | None:
        replica.last_used = next(self._turn)
        told = {**body, "model": replica.model} if replica.model else dict(body)
        request = self._client.build_request("POST", f"{replica.url}{path}", json=told)
        answer, begun = Answer(replica), False
        try:
            await answer.begin(self._client, request)
            begun = True
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise PolicyError(f"{replica.url} gave no answer in time; see `upstream_seconds`") from error
        except httpx.TransportError as error:
            self._take_out(replica, f"{type(error).__name__} {error}")
            return None
        finally:
            if not begun:
                await answer.close()
        return answer

    def _take_out(self, replica: Replica, why: str) -> None:
        if replica.healthy:
            _LOG.warning("%s is taken out: %s", replica.url, why)
        replica.healthy = False

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._probe_seconds)
            await self._probe_all()

    async def _probe_all(self) -> None:
        await asyncio.gather(*map(self._probe, self.replicas))

    async def _probe(self, replica: Replica) -> None:
        """Ask for its health, and when it is new or back, for its model."""
        try:
            health = await self._client.get(f"{replica.url}/health", timeout=_CONNECT_SECONDS)
            if not health.is_success and health.status_code not in _NO_HEALTH_ROUTE:
                self._take_out(replica, f"/health answered {health.status_code}")
                return
            if not (replica.healthy and replica.model):
                await self._learn_model(replica)
        except httpx.TransportError as error:
            self._take_out(replica, f"{type(error).__name__} {error}")
            return
        if not replica.healthy:
            _LOG.warning("%s is back", replica.url)
        replica.healthy = True

    async def _learn_model(self, replica: Replica) -> None:
        found = await self._client.get(f"{replica.url}/v1/models", timeout=_CONNECT_SECONDS)
        try:
            model = _Models.model_validate_json(found.content).data[0]
        except ValidationError:
            return
        replica.model, replica.max_total_tokens = model.id, model.max_model_len


async def _nothing() -> AsyncIterator[bytes]:
    for part in list[bytes]():
        yield part
