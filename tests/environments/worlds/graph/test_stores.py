"""Stores that are down, slow, or answer nonsense: a failed episode with a name, or a refusal, never a crash."""

import asyncio
from dataclasses import dataclass

import pytest

from agenttuning.environments.worlds.graph.embedded import EmbeddedStore
from agenttuning.environments.worlds.graph.endpoint import EndpointStore
from agenttuning.environments.worlds.graph.store import MAX_ROWS, QueryRefusedError
from agenttuning.environments.worlds.graph.triples import iri, literal_text, ntriples, text_term
from agenttuning.errors import DataError, WorldError

ROWS = b'{"head": {"vars": ["x"]}, "results": {"bindings": [{"x": {"type": "uri", "value": "urn:a"}}, {}]}}'
QUERY = "SELECT ?x WHERE { ?x ?p ?o }"


@dataclass(frozen=True)
class Reply:
    """What an endpoint always sends, and after how long."""

    body: bytes = ROWS
    status: str = "200 OK"
    headers: str = ""
    seconds: float = 0.0


def asked(reply: Reply) -> list[str]:
    """Ask an endpoint that always sends the same."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(reply.seconds)
        size = f"Content-Length: {len(reply.body)}\r\nConnection: close\r\n"
        writer.write(f"HTTP/1.1 {reply.status}\r\n{size}{reply.headers}\r\n".encode() + reply.body)

    async def ask() -> list[str]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        store = EndpointStore(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/sparql", seconds=1.0)
        await store.open()
        try:
            return list(await store.column(QUERY))
        finally:
            await store.close()
            await store.close()
            server.close()
            for writer in writers:
                writer.transport.abort()
            await asyncio.sleep(0.01)

    return asyncio.run(ask())


def test_an_endpoint_answers_with_a_column() -> None:
    assert asked(Reply()) == ["urn:a"]


MANY = b'{"head": {"vars": ["x"]}, "results": {"bindings": [' + b"{}," * MAX_ROWS + b"{}]}}"


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (Reply(b"<html>"), WorldError, "sent no SPARQL results"),
        (Reply(b'{"head": {}, "results": 3}'), WorldError, "sent no SPARQL results"),
        (Reply(b"\xff\xfe\x00"), WorldError, "sent no SPARQL results"),
        (Reply(b""), WorldError, "sent no SPARQL results"),
        (Reply(status="503 Busy"), WorldError, "status 503"),
        (Reply(status="401 No"), WorldError, "status 401"),
        (Reply(status="nonsense"), WorldError, "cannot be asked"),
        (Reply(b"SP030: syntax error", "400 Bad"), QueryRefusedError, "SP030"),
        (Reply(b"estimated time", "500 Error"), QueryRefusedError, "estimated time"),
        (Reply(headers="X-SQL-State: S1TAT\r\n"), QueryRefusedError, "status 200"),
        (Reply(headers="X-SPARQL-MaxRows: 10\r\n"), QueryRefusedError, "status 200"),
        (Reply(seconds=5), QueryRefusedError, "no answer within 1 s"),
        (Reply(b"x" * (33 << 20)), QueryRefusedError, "more than 32 MB"),
        (Reply(MANY), QueryRefusedError, "more than 50000 rows"),
    ],
)
def test_an_endpoint_that_misbehaves_is_named(reply: Reply, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        asked(reply)


def test_an_endpoint_that_is_down_is_named() -> None:
    async def ask() -> None:
        store = EndpointStore("http://127.0.0.1:9/sparql")
        await store.open()
        try:
            await store.column(QUERY)
        finally:
            await store.close()

    with pytest.raises(WorldError, match=r"http://127\.0\.0\.1:9/sparql cannot be asked"):
        asyncio.run(ask())


def test_the_embedded_store_refuses_what_is_no_query_and_what_is_too_long() -> None:
    async def ask(query: str) -> None:
        store = EmbeddedStore([("m.a", "p.q", f"m.{number}") for number in range(MAX_ROWS + 1)])
        await store.open()
        await store.column(query)

    with pytest.raises(QueryRefusedError, match="expected"):
        asyncio.run(ask("SELECT nonsense"))
    with pytest.raises(QueryRefusedError, match="more than 50000 rows"):
        asyncio.run(ask(QUERY))


@pytest.mark.parametrize("name", ["", "m.a>", "m. a", "m.{a}", 'm."', "m.\n", "m.\\u003e", "m.a|b", "m.^", "m.`"])
def test_no_name_can_end_an_iri(name: str) -> None:
    with pytest.raises(DataError, match="cannot be a name in a graph"):
        iri(name)


def test_triples_are_written_as_ntriples() -> None:
    said = text_term('a "b"\n')
    assert ntriples([("m.a", "p.q", "m.b"), ("m.a", "p.q", said)]) == (
        "<http://rdf.freebase.com/ns/m.a> <http://rdf.freebase.com/ns/p.q> <http://rdf.freebase.com/ns/m.b> .\n"
        '<http://rdf.freebase.com/ns/m.a> <http://rdf.freebase.com/ns/p.q> "a \\"b\\"\\n" .\n'
    )
    assert (text_term("m.0abc"), literal_text('"3"^^<x>'), literal_text('"a"@en')) == ("m.0abc", "3", "a")
