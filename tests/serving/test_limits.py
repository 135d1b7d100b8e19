"""The door of the server: its key, its end, its times and lengths, and bodies that nobody would send in good faith."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.serving.letters import LetterEngine, opened, post

from agenttuning.errors import StageError
from agenttuning.serving.app import create_app
from agenttuning.serving.gate import Door
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEXT = {"inputs": "hello", "parameters": {"max_new_tokens": 3}}
CHAT = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 3}


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    monkeypatch.setenv("LETTERS_KEY", "s3cret \n")
    return ServerSettings(key_variable="LETTERS_KEY")


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer s3cre", "Bearer s3cret!", "Basic s3cret", "Bearer \u00e9"]
)
def test_without_the_key_nothing_is_answered(keyed: ServerSettings, given: str | None) -> None:
    headers = None if given is None else {"authorization": given.encode()}
    refused = post("/generate", TEXT, settings=keyed, headers=headers)
    assert (refused.status_code, refused.json()["error_type"]) == (401, "authentication")
    refused = post("/v1/chat/completions", CHAT, settings=keyed, headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")


def test_with_the_key_it_is_and_the_description_is_open(keyed: ServerSettings) -> None:
    assert post("/generate", TEXT, settings=keyed, headers={"authorization": b"Bearer s3cret"}).status_code == 200

    async def scenario() -> None:
        async with opened(LetterEngine(), keyed) as client:
            for path in ("/health", "/info", "/metrics", "/v1/models"):
                assert (await client.get(path)).status_code == 200

    asyncio.run(scenario())


def test_an_empty_key_does_not_open_the_server_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERS_KEY", " ")
    with pytest.raises(StageError, match="the variable 'LETTERS_KEY' holds no key; set it"):
        create_app(LetterEngine(), ServerSettings(key_variable="LETTERS_KEY"))


def test_a_server_that_ends_finishes_what_is_inside_and_refuses_the_rest() -> None:
    async def scenario() -> None:
        engine, door = LetterEngine(), Door()
        engine.gate.clear()
        async with opened(engine, ServerSettings(), door=door) as client:
            inside = asyncio.create_task(client.post("/generate", json=TEXT))
            await engine.entered.acquire()
            door.draining = True
            refused = await client.post("/v1/chat/completions", json=CHAT)
            assert (refused.status_code, refused.headers["retry-after"], door.inside) == (503, "1", 1)
            assert (await client.get("/health")).json() == {"error": "unhealthy", "error_type": "healthcheck"}
            engine.gate.set()
            assert (await inside).json()["generated_text"] == "abc"
            assert door.inside == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_takes_too_long_is_ended(*, stream: bool) -> None:
    engine = LetterEngine()
    engine.gate.clear()
    settings = ServerSettings(max_seconds=0.05)
    answer = post("/", {**TEXT, "stream": stream}, engine=engine, settings=settings)
    told = json.loads(answer.text.removeprefix("data:"))
    assert (answer.status_code, told["error_type"]) == (200 if stream else 504, "timeout")
    assert "0.05 seconds" in told["error"]
    assert engine.running == 0


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async def scenario() -> None:
        door = Door()
        async with opened(LetterEngine(), ServerSettings(max_body_seconds=0.05), door=door) as client:
            answer = await client.post("/v1/completions", content=slowly())
            assert (answer.status_code, answer.json()["error"]["code"]) == (408, "timeout")
            assert door.inside == 0

    asyncio.run(scenario())


def test_no_request_asks_for_more_than_the_longest_answer() -> None:
    settings = ServerSettings(max_answer_tokens=5)
    assert post("/generate", {"inputs": "x"}, settings=settings).json()["generated_text"] == "abcde"
    refused = post("/generate", {"inputs": "x", "parameters": {"max_new_tokens": 6}}, settings=settings)
    assert "`max_new_tokens` must be <= 5. Given: 6" in refused.json()["error"]
    assert post("/v1/chat/completions", {**CHAT, "max_tokens": 6}, settings=settings).status_code == 400
    rest = post("/v1/chat/completions", {"messages": CHAT["messages"]}, settings=settings)
    assert rest.json()["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    "path", ["/generate", "/generate_stream", "/tokenize", "/v1/completions", "/v1/chat/completions"]
)
@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": "\\ud800", "prompt": "\\ud800", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"inputs": "\xff", "prompt": "\xff", "messages": [{"role": "user", "content": "\xff"}]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"inputs": 1e999, "prompt": 1e999, "messages": 1e999}',
        b"null",
        b"\x00" * 1000,
    ],
    ids=["surrogate", "latin-1", "deep list", "deep object", "infinite", "null", "zeros"],
)
def test_a_hostile_body_is_refused_in_the_surfaces_form(path: str, body: bytes) -> None:
    response = post(path, body)
    assert response.status_code == (400 if path.startswith("/v1/") else 422)
    assert response.json()["error"]


def test_a_thousand_stop_strings_are_refused() -> None:
    stop = [str(number) for number in range(1000)]
    assert post("/generate", {"inputs": "x", "parameters": {"stop": stop}}).status_code == 422
    assert post("/v1/chat/completions", {**CHAT, "stop": stop}).status_code == 400


def test_a_zero_character_is_a_character() -> None:
    engine = LetterEngine()
    assert post("/generate", {**TEXT, "inputs": "a\x00b"}, engine=engine).status_code == 200
    assert list(engine.asked[0].prompt_ids) == [97, 0, 98]


def test_other_sites_are_not_let_in() -> None:
    async def scenario() -> None:
        async with opened(LetterEngine(), ServerSettings()) as client:
            headers = {"origin": "https://elsewhere.test", "access-control-request-method": "POST"}
            answers = [await client.options("/generate", headers=headers), await client.get("/info", headers=headers)]
            for answer in answers:
                assert not [name for name in answer.headers if name.startswith("access-control")]

    asyncio.run(scenario())
