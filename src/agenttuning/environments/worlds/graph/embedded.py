"""The embedded store: one pyoxigraph store in memory per episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.graph.store import MAX_ROWS, QueryRefusedError
from agenttuning.environments.worlds.graph.triples import ntriples
from agenttuning.errors import MissingExtraError

try:
    from pyoxigraph import Literal, NamedNode, QuerySolutions, RdfFormat, Store
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "environment 'knowledge_graph' needs pyoxigraph; run `pip install 'agenttuning[graph]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.graph.triples import Triple


class EmbeddedStore:
    """Triples in memory; implements `SparqlStore`."""

    def __init__(self, triples: Sequence[Triple]) -> None:
        self._triples = triples
        self._store: Store | None = None

    async def open(self) -> None:
        """Load the triples."""
        self._store = Store()
        self._store.load(ntriples(self._triples), format=RdfFormat.N_TRIPLES)

    async def column(self, query: str) -> Sequence[str]:
        """Run the query."""
        assert self._store is not None, "open() comes first"
        try:
            rows = self._store.query(query)
        except SyntaxError as error:
            raise QueryRefusedError(str(error)) from error
        assert isinstance(rows, QuerySolutions)
        values: list[str] = []
        for row in rows:
            if len(values) >= MAX_ROWS:
                raise QueryRefusedError(f"more than {MAX_ROWS} rows")
            value = row[0]
            if isinstance(value, NamedNode | Literal):
                values.append(value.value)
        return values

    async def close(self) -> None:
        """Forget the triples."""
        self._store = None
