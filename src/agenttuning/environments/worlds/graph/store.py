"""What a store of triples can be asked: one SPARQL 1.1 query at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

BackendName = Literal["embedded", "virtuoso", "endpoint"]
MAX_ROWS: Final = 50_000
"""More rows than this are a refusal: every set and list of the benchmark is far below."""


class QueryRefusedError(Exception):
    """The store, or our translation, does not answer this query; the episode goes on."""


class SparqlStore(Protocol):
    """The graph of one episode."""

    async def open(self) -> None:
        """Make the graph ready.

        Raises:
            WorldError: it cannot be.
        """

    async def column(self, query: str) -> Sequence[str]:
        """Run a SELECT of one column; return the values of its rows as plain text, unbound ones left out.

        Raises:
            QueryRefusedError: the query is not answered, by its form, its cost or its size.
            WorldError: the store is gone, or what it sends is no answer.
        """

    async def close(self) -> None:
        """Free what `open` took. Safe to call twice, and without `open`."""
