"""Any SPARQL 1.1 endpoint by its address: Freebase on the official Virtuoso, or a store of one's own."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING, Final

import httpx
from pydantic import BaseModel, ValidationError

from agenttuning.environments.worlds.graph.store import MAX_ROWS, QueryRefusedError
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY_SECONDS: Final = 30.0
MAX_BYTES: Final = 32 << 20
_UNAVAILABLE: Final = frozenset({401, 403, 404, 405, 429, 502, 503})
"""Answers that say nothing about the query: no later one would fare better."""
_PARTIAL: Final = ("X-SQL-State", "X-SPARQL-MaxRows")
"""Virtuoso's marks of a result that was cut, by time or by size."""


class _Value(BaseModel):
    value: str


class _Head(BaseModel):
    vars: list[str]


class _Bindings(BaseModel):
    bindings: list[dict[str, _Value]]


class _Results(BaseModel):
    head: _Head
    results: _Bindings


def open_client(url: str, *, seconds: float) -> httpx.AsyncClient:
    """Return a client for one episode; plain http needs no certificates, whose loading takes long."""
    verify = _certificates() if url.startswith("https:") else False
    return httpx.AsyncClient(verify=verify, timeout=httpx.Timeout(seconds), trust_env=False)


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


class EndpointStore:
    """A graph that is there already; implements `SparqlStore`, and writes nothing."""

    def __init__(self, url: str, *, graph: str | None = None, seconds: float = QUERY_SECONDS) -> None:
        self.url = url
        self._graph = graph
        self._seconds = seconds
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Make a client; nothing is asked yet."""
        self._client = open_client(self.url, seconds=self._seconds)

    async def column(self, query: str) -> Sequence[str]:
        """Post the query and read the JSON result."""
        text = await self._post(query)
        try:
            results = _Results.model_validate_json(text)
        except ValidationError as error:
            raise WorldError(f"{self.url} sent no SPARQL results: {error.errors()[0]['msg']}") from error
        if len(results.results.bindings) > MAX_ROWS:
            raise QueryRefusedError(f"more than {MAX_ROWS} rows")
        name = results.head.vars[0] if results.head.vars else ""
        return [row[name].value for row in results.results.bindings if name in row]

    async def _post(self, query: str) -> bytes:
        assert self._client is not None, "open() comes first"
        form = {"query": query} if self._graph is None else {"query": query, "default-graph-uri": self._graph}
        headers = {"Accept": "application/sparql-results+json"}
        try:
            async with self._client.stream("POST", self.url, data=form, headers=headers) as response:
                text = await _read(response)
        except httpx.TimeoutException as error:
            raise QueryRefusedError(f"no answer within {self._seconds:.0f} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WorldError(f"the endpoint {self.url} cannot be asked: {type(error).__name__} {error}") from error
        if response.status_code in _UNAVAILABLE:
            raise WorldError(f"the endpoint {self.url} answers with status {response.status_code}")
        if not response.is_success or any(mark in response.headers for mark in _PARTIAL):
            raise QueryRefusedError(f"status {response.status_code}, {text[:200]!r}")
        return text

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


async def _read(response: httpx.Response) -> bytes:
    text = bytearray()
    async for piece in response.aiter_bytes():
        text += piece
        if len(text) > MAX_BYTES:
            raise QueryRefusedError(f"more than {MAX_BYTES >> 20} MB")
    return bytes(text)
