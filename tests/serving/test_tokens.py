"""How texts and conversations are read, told by the server and by the gateway in front of any server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.serving.letters import LetterEngine, post
from tests.serving.upstream import listening

from agenttuning.serving.app import create_app
from agenttuning.serving.proxy import open_gateway
from agenttuning.serving.proxy_settings import GatewaySettings
from agenttuning.serving.proxy_tokens import _Named, placed
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

CHAT = {"messages": [{"role": "user", "content": "ä b"}]}


def tokens(*texts: str) -> list[dict[str, object]]:
    found, start = [], 0
    for text in texts:
        stop = start + len(text.encode())
        found.append({"id": ord(text), "text": text, "start": start, "stop": stop})
        start = stop
    return found


class Vllm:
    """Tokenizes as vLLM does: a letter a token, named as a vocabulary with U+2581 names it."""

    def __init__(self, *, names: bool = True) -> None:
        self.names = names

    async def models(self, request: Request) -> Response:
        return JSONResponse({"data": [{"id": "m"}]})

    async def tokenize(self, request: Request) -> Response:
        body = await request.json()
        text = body["prompt"] if "prompt" in body else body["messages"][0]["content"]
        names = ["<s>", *("\u2581" if letter == " " else letter for letter in text)]
        told = {"count": len(names), "max_model_len": 100, "tokens": [1, *map(ord, text)]}
        return JSONResponse({**told, "token_strs": names if self.names and body["return_token_strs"] else None})

    def app(self) -> Starlette:
        routes = [
            Route("/health", self.models),
            Route("/v1/models", self.models),
            Route("/tokenize", self.tokenize, methods=["POST"]),
        ]
        return Starlette(routes=routes)


@asynccontextmanager
async def gateway(behind: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with listening(behind) as (_, port):
        settings = GatewaySettings(upstreams=(f"http://127.0.0.1:{port}",))
        async with open_gateway(settings) as app:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
                yield client


def asked(behind: ASGIApp, path: str, body: object) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with gateway(behind) as client:
            return await client.post(path, json=body)

    return asyncio.run(scenario())


def test_a_conversation_is_told_token_by_token() -> None:
    found = post("/chat_tokenize", CHAT).json()
    assert found == {"templated_text": "ä b", "tokenize_response": tokens("ä", " ", "b")}
    assert post("/chat_tokenize", {"messages": []}).status_code == 422


def test_the_gateway_passes_our_servers_tokens_on() -> None:
    app = create_app(LetterEngine(), ServerSettings())
    assert asked(app, "/chat_tokenize", CHAT).json() == post("/chat_tokenize", CHAT).json()
    assert asked(app, "/tokenize", {"inputs": "a b"}).json() == tokens("a", " ", "b")


def test_the_gateway_reads_vllms_tokens() -> None:
    app = Vllm().app()
    bos = {"id": 1, "text": "", "start": 0, "stop": 0}
    assert asked(app, "/tokenize", {"inputs": "ä b"}).json() == [bos, *tokens("ä", " ", "b")]
    chat = asked(app, "/chat_tokenize", CHAT).json()
    assert chat["templated_text"] == "<s>ä b"
    assert [token["text"] for token in chat["tokenize_response"]] == ["<s>", "ä", " ", "b"]


def test_a_server_that_tells_no_tokens_is_said_so() -> None:
    nothing = Starlette(routes=[Route("/health", Vllm().models), Route("/v1/models", Vllm().models)])
    found = asked(nothing, "/tokenize", {"inputs": "x"})
    assert (found.status_code, found.json()["error"]) == (404, "the model servers have no /tokenize")
    assert asked(nothing, "/chat_tokenize", CHAT).status_code == 404
    unnamed = asked(Vllm(names=False).app(), "/tokenize", {"inputs": "x"})
    assert (unnamed.status_code, unnamed.json()["error_type"]) == (424, "generation")


BYTE_LEVEL = {byte: chr(byte) for byte in (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))}
BYTE_LEVEL |= {byte: chr(0x100 + place) for place, byte in enumerate(b for b in range(256) if b not in BYTE_LEVEL)}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"), min_size=1, max_size=20))
def test_every_byte_of_a_text_is_placed_once(text: str) -> None:
    raw = text.encode()
    plain = ["\u2581" + text[0].replace(" ", "\u2581"), *(letter.replace(" ", "\u2581") for letter in text[1:])]
    named = [f"<0x{byte:02X}>" for byte in raw]
    lettered = ["<s>", "\u0120", *(BYTE_LEVEL[byte] for byte in raw)]
    for names in (plain, named, lettered if not text.startswith(" ") else named):
        found = placed(text, _Named(tokens=list(range(len(names))), token_strs=names))
        places = [(token["start"], token["stop"]) for token in found if isinstance(token, dict)]
        assert places[0][0] == 0
        assert places[-1][1] == len(raw)
        assert all(before[1] == after[0] for before, after in pairwise(places))


def test_nobody_behind_the_gateway_is_503() -> None:
    async def scenario() -> None:
        async with open_gateway(GatewaySettings(upstreams=("http://127.0.0.1:9",))) as app:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
                for path in ("/tokenize", "/chat_tokenize", "/v1/completions"):
                    assert (await client.post(path, json={"inputs": "x", **CHAT})).status_code == 503
                assert (await client.get("/")).status_code == 503
                page = await client.get("/", headers={"accept": "text/html"})
                assert "default-src 'none'" in page.headers["content-security-policy"]
                told = (await client.get("/metrics")).text
                assert 'agenttuning_replica_healthy{url="http://127.0.0.1:9"} 0\n' in told
                assert 'tgi_request_failure{err="draining"} 3\n' in told

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["queue", "validation", "inference"])
def test_the_gateway_keeps_times(name: str) -> None:
    async def scenario() -> None:
        async with gateway(create_app(LetterEngine(), ServerSettings())) as client:
            body = {"inputs": "x", "parameters": {"max_new_tokens": 2}}
            assert (await client.post("/generate", json=body)).json()["generated_text"] == "ab"
            told = (await client.get("/metrics")).text
            assert f"tgi_request_{name}_duration_count 1\n" in told
            assert "tgi_request_generated_tokens_sum 2\n" in told

    asyncio.run(scenario())
