"""The store of the wanted kind; what a kind needs is imported only when it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.graph.store import BackendName, SparqlStore
    from agenttuning.environments.worlds.graph.triples import Triple


def connect(
    triples: Sequence[Triple], *, backend: BackendName, endpoint: str | None = None, graph: str | None = None
) -> SparqlStore:
    """Return an unopened store that will hold the triples, or the one at an address, which has its own."""
    if backend == "embedded":
        from agenttuning.environments.worlds.graph.embedded import EmbeddedStore

        return EmbeddedStore(triples)
    if backend == "virtuoso":
        from agenttuning.environments.worlds.graph.virtuoso import VirtuosoStore

        return VirtuosoStore(triples)
    from agenttuning.environments.worlds.graph.endpoint import EndpointStore

    assert endpoint is not None, "load() asks for it"
    return EndpointStore(endpoint, graph=graph)
