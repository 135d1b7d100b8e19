"""Stores of every kind for the tests of the graph worlds."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from agenttuning.environments.worlds.graph.embedded import EmbeddedStore
from agenttuning.environments.worlds.graph.store import QueryRefusedError, SparqlStore
from agenttuning.environments.worlds.graph.triples import Triple, date, number
from agenttuning.environments.worlds.graph.virtuoso_server import missing_programs

Ask = Callable[[Sequence[Triple], Sequence[str]], list[list[str] | str]]


def asker(make: Callable[[Sequence[Triple]], SparqlStore]) -> Ask:
    """Return a function that asks some queries of one graph: rows, or `refused`."""

    def ask(triples: Sequence[Triple], queries: Sequence[str]) -> list[list[str] | str]:
        async def episode() -> list[list[str] | str]:
            store = make(triples)
            answers: list[list[str] | str] = []
            try:
                await store.open()
                for query in queries:
                    try:
                        answers.append(sorted(await store.column(query)))
                    except QueryRefusedError:
                        answers.append("refused")
            finally:
                await store.close()
            return answers

        return asyncio.run(episode())

    return ask


@pytest.fixture(scope="session")
def family() -> tuple[Triple, ...]:
    """Three children of two parents, with heights and birthdays; a text in two languages."""
    return (
        ("m.ann", "people.person.children", "m.cara"),
        ("m.ann", "people.person.children", "m.dan"),
        ("m.bob", "people.person.children", "m.dan"),
        ("m.bob", "people.person.children", "m.eve"),
        ("m.cara", "people.person.height", number(160)),
        ("m.dan", "people.person.height", number(182)),
        ("m.eve", "people.person.height", number(182)),
        ("m.cara", "people.person.born", date("1990-02-01")),
        ("m.dan", "people.person.born", date("1988-12-31")),
        ("m.cara", "people.person.parents", "m.ann"),
        ("m.dan", "people.person.parents", "m.ann"),
        ("m.dan", "people.person.parents", "m.bob"),
        ("m.eve", "people.person.parents", "m.bob"),
        ("m.cara", "people.person.friend", "m.eve"),
        ("m.ann", "type.object.name", '"Ann"@en'),
        ("m.ann", "type.object.name", '"Anna"@de'),
    )


@pytest.fixture(scope="session")
def on_embedded() -> Ask:
    return asker(EmbeddedStore)


@pytest.fixture(scope="session")
def on_virtuoso() -> Ask:
    if reason := missing_programs():
        pytest.skip(reason)
    from agenttuning.environments.worlds.graph.virtuoso import VirtuosoStore

    return asker(VirtuosoStore)


@pytest.fixture(params=["embedded", pytest.param("virtuoso", marks=pytest.mark.virtuoso)])
def ask(request: pytest.FixtureRequest) -> Ask:
    chosen: Ask = request.getfixturevalue(f"on_{request.param}")
    return chosen
