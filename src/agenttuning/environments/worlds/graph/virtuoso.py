"""A real server: a named graph per episode on the Virtuoso of this process.

Graphs come and go by the SPARQL 1.1 Graph Store protocol, with the administrator's password; questions are asked
without it, and can only read.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import httpx

from agenttuning.environments.worlds.graph.endpoint import EndpointStore, open_client
from agenttuning.environments.worlds.graph.triples import ntriples
from agenttuning.environments.worlds.graph.virtuoso_server import shared_address
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.graph.triples import Triple
    from agenttuning.environments.worlds.graph.virtuoso_server import Address

_GRAPH_STORE: Final = "/sparql-graph-crud-auth"
_LOAD_SECONDS: Final = 60.0


class VirtuosoStore:
    """Triples in a named graph of their own; implements `SparqlStore`."""

    def __init__(self, triples: Sequence[Triple], *, address: Address | None = None) -> None:
        self._triples = triples
        self._address = address
        self._graph = f"urn:agenttuning:{secrets.token_hex(8)}"
        self._client: httpx.AsyncClient | None = None
        self._endpoint: EndpointStore | None = None

    async def open(self) -> None:
        """Load the triples, starting the server if it is the first time.

        Raises:
            MissingExtraError: Virtuoso is not installed.
            WorldError: the server does not start or does not take the triples.
        """
        if self._address is None:
            self._address = await anyio.to_thread.run_sync(shared_address)
        self._client = open_client(self._address.web, seconds=_LOAD_SECONDS)
        self._endpoint = EndpointStore(f"{self._address.web}/sparql", graph=self._graph)
        await self._endpoint.open()
        await self._change(self._client, "PUT", ntriples(self._triples))

    async def _change(self, client: httpx.AsyncClient, method: str, text: str | None = None) -> None:
        assert self._address is not None, "open() comes first"
        try:
            answer = await client.request(
                method,
                f"{self._address.web}{_GRAPH_STORE}",
                params={"graph-uri": self._graph},
                content=text.encode() if text is not None else None,
                headers={"Content-Type": "application/n-triples"} if text is not None else None,
                auth=httpx.DigestAuth("dba", self._address.password),
            )
        except httpx.HTTPError as error:
            raise WorldError(f"Virtuoso cannot be reached: {type(error).__name__} {error}") from error
        absent = method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND
        if not answer.is_success and not absent:  # a graph without triples does not exist
            raise WorldError(f"Virtuoso does not take the triples: {answer.text[:300]}")

    async def column(self, query: str) -> Sequence[str]:
        """Run the query on this episode's graph."""
        assert self._endpoint is not None, "open() comes first"
        return await self._endpoint.column(query)

    async def close(self) -> None:
        """Drop the graph; the server stays for later episodes."""
        client, endpoint = self._client, self._endpoint
        self._client = self._endpoint = None
        if client is None or endpoint is None:
            return
        with anyio.CancelScope(shield=True):
            try:
                await self._change(client, "DELETE")
            finally:
                await endpoint.close()
                await client.aclose()
