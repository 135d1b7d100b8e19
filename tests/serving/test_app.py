"""The rules of both surfaces, their limits and failures, without a model."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.serving.letters import LIMIT, LetterEngine, opened, post

from agenttuning.serving.app import create_app
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from agenttuning.models.generation import GenerationRequest


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
        ({"best_of": 2}, "`best_of`"),
        ({"best_of": 3, "do_sample": True}, "best_of"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"frequency_penalty": 0.5}, "`frequency_penalty`=0.5 is not supported"),
        ({"grammar": {"type": "regex", "value": "a+"}}, "`grammar`"),
        ({"typical_p": 1.0}, "typical_p"),
        ({"top_n_tokens": 6}, "top_n_tokens"),
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
