"""The application over an engine of our own making: rules, limits and failures, without a model."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from agenttuning.errors import DataError, PolicyError
from agenttuning.models.generation import Generation, GenerationRequest, Token
from agenttuning.serving.app import create_app
from agenttuning.serving.engine import EngineInfo
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from agenttuning.core.records import Message

LIMIT = 100


class LetterEngine:
    """One token per character; answers `abc...` until the stop string or the length, and keeps what it was asked."""

    info = EngineInfo(
        model="letters", dtype="float32", device="cpu", max_total_tokens=LIMIT, vocabulary=0x110000, template="0"
    )

    def __init__(self) -> None:
        self.asked: list[GenerationRequest] = []
        self.running = 0
        self.entered = asyncio.Semaphore(0)
        self.fails_after: int | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def token_texts(self, token_ids: Sequence[int]) -> list[str]:
        return [chr(token_id) for token_id in token_ids]

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        if messages[-1].role == "assistant":
            raise DataError("a prompt must end with a user turn")
        return self.encode("".join(message.content for message in messages))

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        self.asked.append(request)
        self.running += 1
        self.entered.release()
        try:
            text = ""
            for index in range(request.sampling.max_new_tokens):
                await self.gate.wait()
                if self.fails_after == index:
                    raise PolicyError("out of memory")
                text += chr(97 + index % 26)
                stop = next((mark for mark in request.stop if mark in text), "")
                ended = bool(stop) or index == request.sampling.max_new_tokens - 1
                ids = tuple(range(index + 1))
                final = Generation(ids, text.removesuffix(stop), "stop" if stop else "length", stop) if ended else None
                yield Token(index, text[-1], -0.5, special=False, generation=final)
                if ended:
                    return
        finally:
            self.running -= 1

    async def close(self) -> None:
        return


@asynccontextmanager
async def opened(engine: LetterEngine, settings: ServerSettings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(engine, settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://letters.test") as client:
        yield client


def post(
    path: str, body: object, *, engine: LetterEngine | None = None, settings: ServerSettings | None = None
) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with opened(engine or LetterEngine(), settings or ServerSettings()) as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.post(path, content=content)

    return asyncio.run(scenario())


def generate(
    parameters: dict[str, object], *, inputs: str = "hello"
) -> tuple[httpx.Response, GenerationRequest | None]:
    engine = LetterEngine()
    response = post("/generate", {"inputs": inputs, "parameters": parameters}, engine=engine)
    return response, engine.asked[0] if engine.asked else None


@pytest.mark.parametrize(
    ("parameters", "tgi", "strict"),
    [
        ({}, 0, 0),
        ({"temperature": 1.0}, 0, 0),
        ({"do_sample": False, "temperature": 0.7}, 0.7, 0),
        ({"do_sample": True}, 1.0, 1.0),
        ({"do_sample": True, "temperature": 0.7}, 0.7, 0.7),
        ({"top_k": 5}, 1.0, 0),
        ({"top_p": 0.9}, 1.0, 0),
        ({"temperature": 1.0, "seed": 3}, 0, 0),
    ],
)
def test_when_the_tgi_surface_samples(parameters: dict[str, object], tgi: float, strict: float) -> None:
    for semantics, expected in (("tgi", tgi), ("strict", strict)):
        engine = LetterEngine()
        settings = ServerSettings.model_validate({"semantics": semantics})
        asked = {"max_new_tokens": 2, "details": True, **parameters}
        response = post("/generate", {"inputs": "x", "parameters": asked}, engine=engine, settings=settings)
        assert engine.asked[0].sampling.temperature == expected
        assert (response.json()["details"]["seed"] is not None) == (expected > 0)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"temperature": 0}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 1.0}, "top_p"),
        ({"top_k": 0}, "top_k"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"max_new_tokens": 96}, "must be <= 100. Given: 5 `inputs` tokens and 96 `max_new_tokens`"),
        ({"stop": ["1", "2", "3", "4", "5"]}, "stop"),
        ({"truncate": 0}, "truncate"),
        ({"truncate": 100}, "`truncate` must be less than 100. Given: 100"),
        ({"best_of": 2}, "`best_of`=2 is not supported"),
        ({"repetition_penalty": 1.2}, "repetition_penalty"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_violation_is_422_with_the_fields_name(parameters: dict[str, object], said: str) -> None:
    for path in ("/generate", "/generate_stream", "/"):
        response = post(path, {"inputs": "hello", "parameters": parameters, "stream": True})
        body = response.json()
        assert (response.status_code, body["error_type"]) == (422, "validation")
        assert body["error"].startswith("Input validation error: ")
        assert said in body["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": 3}', b'{"inputs": ""}', b"\xff\xfe"])
def test_a_malformed_body_is_422_in_json(body: bytes) -> None:
    response = post("/generate", body)
    assert (response.status_code, response.json()["error_type"]) == (422, "validation")
    assert post("/v1/chat/completions", body).json()["error"]["type"] == "invalid_request_error"


def test_neutral_and_unknown_parameters_are_taken() -> None:
    response, asked = generate(
        {"max_new_tokens": 3, "frequency_penalty": 0.0, "repetition_penalty": 1.0, "watermark": True, "new_thing": 1}
    )
    assert response.json() == {"generated_text": "abc", "details": None}
    assert asked is not None
    assert asked.sampling.temperature == 0


def test_truncation_keeps_the_tail_and_the_length_defaults_to_the_rest() -> None:
    response, asked = generate({"truncate": 3}, inputs="x" * 200 + "end")
    assert asked is not None
    assert list(asked.prompt_ids) == [ord(character) for character in "end"]
    assert asked.sampling.max_new_tokens == LIMIT - 3
    assert response.headers["x-generated-tokens"] == str(LIMIT - 3)


def test_the_stop_string_stays_on_tgi_and_leaves_on_openai() -> None:
    response, _ = generate({"max_new_tokens": 9, "stop": ["cd"], "details": True})
    assert response.json()["generated_text"] == "abcd"
    assert response.json()["details"]["finish_reason"] == "stop_sequence"
    chat = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9, "stop": "cd"}
    choice = post("/v1/chat/completions", chat).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("ab", "stop")
    (text,) = post("/v1/completions", {"prompt": [1, 2], "max_tokens": 2}).json()["choices"]
    assert (text["text"], text["finish_reason"]) == ("ab", "length")


def test_temperature_0_is_greedy_on_openai_and_a_missing_one_is_1() -> None:
    engine = LetterEngine()
    chat = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
    post("/v1/chat/completions", {**chat, "temperature": 0}, engine=engine)
    post("/v1/chat/completions", {**chat, "top_p": 1.0, "seed": 5, "top_k": 7}, engine=engine)
    greedy, sampled = (request.sampling for request in engine.asked)
    assert greedy.temperature == 0
    assert (sampled.temperature, sampled.seed, sampled.top_k) == (1.0, 5, 7)


@pytest.mark.parametrize(
    ("body", "said", "code"),
    [
        ({"messages": []}, "messages", "validation"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", "validation"),
        ({"messages": [{"role": "user", "content": "x" * 200}]}, "context length is 100", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "x"}], "max_tokens": 100}, "100", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "x"}], "n": 0}, "`n`", "validation"),
        ({"messages": [{"role": "user", "content": "x"}], "logit_bias": {"5": 1}}, "logit_bias", "validation"),
        (
            {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]},
            "must end with a user",
            "validation",
        ),
    ],
)
def test_a_violation_on_openai_is_400_in_its_form(body: dict[str, object], said: str, code: str) -> None:
    response = post("/v1/chat/completions", body)
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["code"]) == (400, "invalid_request_error", code)
    assert said in error["message"]


def test_unknown_paths_and_methods_answer_in_json() -> None:
    assert post("/nowhere", {}).json()["error"] == "POST /nowhere: Not Found"
    assert post("/v1/nowhere", {}).json()["error"]["type"] == "not_found_error"
    assert post("/info", {}).status_code == 405


def test_a_body_that_is_too_large_is_refused() -> None:
    settings = ServerSettings(max_body_bytes=50)
    assert post("/generate", {"inputs": "x" * 60}, settings=settings).status_code == 413


def test_a_failing_model_is_424_or_500_and_an_event_in_a_stream() -> None:
    engine = LetterEngine()
    engine.fails_after = 2
    asked = {"inputs": "x", "parameters": {"max_new_tokens": 5}}
    failed = post("/generate", asked, engine=engine)
    assert (failed.status_code, failed.json()) == (424, {"error": "out of memory", "error_type": "generation"})
    chat = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 5}
    assert post("/v1/chat/completions", chat, engine=engine).status_code == 500
    lines = post("/generate_stream", asked, engine=engine).text.strip().split("\n\n")
    assert json.loads(lines[-1].removeprefix("data:")) == {"error": "out of memory", "error_type": "generation"}
    chunks = post("/v1/chat/completions", {**chat, "stream": True}, engine=engine).text.strip().split("\n\n")
    assert json.loads(chunks[-1].removeprefix("data: "))["error"]["message"] == "out of memory"


def in_company(work: Callable[[httpx.AsyncClient, LetterEngine], Awaitable[None]], *, limit: int) -> None:
    async def scenario() -> None:
        engine = LetterEngine()
        engine.gate.clear()
        async with opened(engine, ServerSettings(max_concurrent=limit)) as client:
            await work(client, engine)

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
def test_more_than_the_limit_is_429_with_retry_after_until_one_ends(path: str) -> None:
    asked = {"inputs": "x", "parameters": {"max_new_tokens": 2}}

    async def work(client: httpx.AsyncClient, engine: LetterEngine) -> None:
        inside = [asyncio.create_task(client.post(path, json=asked)) for _ in range(2)]
        for _ in inside:
            await engine.entered.acquire()
        refused = await client.post("/generate", json=asked)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error_type"] == "overloaded"
        chat = await client.post("/v1/chat/completions", json={})
        assert (chat.status_code, chat.json()["error"]["type"]) == (429, "rate_limit_error")
        assert (await client.get("/health")).status_code == 200
        engine.gate.set()
        assert [response.status_code for response in await asyncio.gather(*inside)] == [200, 200]
        assert (await client.post("/generate", json=asked)).status_code == 200

    in_company(work, limit=2)


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
def test_a_client_that_leaves_stops_the_work(path: str) -> None:
    """Driven as a server would: the body arrives, then the news that the client is gone."""

    async def scenario() -> None:
        engine = LetterEngine()
        engine.gate.clear()
        app = create_app(engine, ServerSettings())
        body = json.dumps({"inputs": "x", "parameters": {"max_new_tokens": 5}}).encode()
        news = asyncio.Queue[dict[str, object]]()
        news.put_nowait({"type": "http.request", "body": body, "more_body": False})
        sent: list[object] = []

        async def send(message: object) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "scheme": "http",
            "server": ("letters.test", 80),
        }
        serving = asyncio.create_task(app(scope, news.get, send))
        await engine.entered.acquire()
        news.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(serving, 5)
        assert engine.running == 0

    asyncio.run(scenario())


def test_information_names_model_limits_and_template() -> None:
    async def scenario() -> None:
        async with opened(LetterEngine(), ServerSettings(max_concurrent=7)) as client:
            info = (await client.get("/info")).json()
            assert (info["model_id"], info["max_total_tokens"], info["max_input_tokens"]) == ("letters", 100, 99)
            assert (info["max_concurrent_requests"], info["sampling_semantics"]) == (7, "tgi")
            models = (await client.get("/v1/models")).json()
            assert [entry["id"] for entry in models["data"]] == ["letters"]

    asyncio.run(scenario())
