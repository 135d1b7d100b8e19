"""The gateway in front of small OpenAI servers: what passes, what is translated, and what a dying replica costs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from tests.serving.gateways import events, gateway, generation, play, until
from tests.serving.upstream import STOPPED, Upstream, upstream

import agenttuning
from agenttuning.cli import main
from agenttuning.errors import RecipeError
from agenttuning.serving.proxy import open_gateway
from agenttuning.serving.proxy_settings import GatewaySettings

if TYPE_CHECKING:
    import httpx

CHAT = {"model": "dummy", "messages": [{"role": "user", "content": "hi"}], "tools": [], "max_tokens": 3}


def test_a_tgi_request_is_asked_in_the_words_of_vllm() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        asked = generation(
            "go to desk", max_new_tokens=2, temperature=0.7, top_k=5, seed=3, truncate=9, repetition_penalty=1.1
        )
        response = await client.post("/generate", json=asked)
        assert response.json() == {"generated_text": " GO TO", "details": None}
        assert (response.headers["x-prompt-tokens"], response.headers["x-generated-tokens"]) == ("11", "2")
        assert fakes[0].asked == [
            {
                "authorization": None,
                "model": "agentlm-7b",
                "prompt": "go to desk",
                "max_tokens": 2,
                "temperature": 0.7,
                "stream": False,
                "top_k": 5,
                "seed": 3,
                "truncate_prompt_tokens": 9,
                "truncation_side": "left",
                "repetition_penalty": 1.1,
            }
        ]

    play(work)


@pytest.mark.parametrize("semantics", ["tgi", "strict"])
def test_when_a_tgi_request_samples(semantics: str) -> None:
    table: list[tuple[dict[str, object], dict[str, float]]] = [
        ({}, {"tgi": 0, "strict": 0}),
        ({"temperature": 1.0}, {"tgi": 0, "strict": 0}),
        ({"do_sample": False, "temperature": 0.7}, {"tgi": 0.7, "strict": 0}),
        ({"do_sample": True}, {"tgi": 1.0, "strict": 1.0}),
        ({"top_p": 0.9}, {"tgi": 1.0, "strict": 0}),
    ]

    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        for parameters, wanted in table:
            answer = (await client.post("/generate", json=generation("x", details=True, **parameters))).json()
            asked = fakes[0].asked.pop()
            assert asked["temperature"] == wanted[semantics]
            assert asked.get("seed") == answer["details"]["seed"]
            assert ("seed" in asked) == (wanted[semantics] > 0)

    play(work, semantics=semantics)


def test_details_and_the_stop_string_on_every_tgi_route() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        asked = generation("go to", max_new_tokens=9, details=True, stop=[STOPPED], return_full_text=True)
        whole = (await client.post("/generate", json=asked)).json()
        tokens = [
            {"id": 3, "text": " GO", "logprob": -0.5, "special": False},
            {"id": 3, "text": " TO", "logprob": -0.5, "special": False},
        ]
        details = {"finish_reason": "stop_sequence", "generated_tokens": 2, "seed": None}
        assert whole == {
            "generated_text": f"go to GO TO{STOPPED}",
            "details": {**details, "prefill": [], "tokens": tokens},
        }
        assert (await client.post("/", json=asked)).json() == [whole]
        for path in ("/generate_stream", "/"):
            streamed = await client.post(path, json={**asked, "stream": True})
            assert streamed.headers["content-type"].startswith("text/event-stream")
            first, last = events(streamed.text)
            assert first == {"index": 1, "token": tokens[0], "generated_text": None, "details": None}
            assert (last["index"], last["token"]) == (2, tokens[1])
            assert last["generated_text"] == whole["generated_text"]
            assert last["details"] == {**details, "input_length": 11}

    play(work)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"temperature": 0}, "temperature"), ({"typical_p": 0.5}, "typical_p"), ({"best_of": 2}, "best_of")],
)
def test_what_cannot_be_asked_is_422_before_any_server_is(parameters: dict[str, object], said: str) -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        response = await client.post("/generate", json=generation("x", **parameters))
        assert (response.status_code, response.json()["error_type"]) == (422, "validation")
        assert said in response.json()["error"]
        assert fakes[0].asked == []

    play(work)


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
@pytest.mark.parametrize(
    ("upstream_says", "status", "error"),
    [
        ((429, {"error": {"message": "full"}}), 429, {"error": "full", "error_type": "overloaded"}),
        ((500, {"error": {"message": "engine"}}), 424, {"error": "engine", "error_type": "generation"}),
        (
            (400, {"object": "error", "message": "maximum context length is 4096"}),
            422,
            {"error": "Input validation error: maximum context length is 4096", "error_type": "validation"},
        ),
    ],
)
def test_an_upstream_error_in_tgi_words(
    path: str, upstream_says: tuple[int, dict[str, object]], status: int, error: dict[str, str]
) -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        fakes[0].refuses = upstream_says
        response = await client.post(path, json=generation("x"))
        assert (response.status_code, response.json()) == (status, error)
        assert ("retry-after" in response.headers) == (status == 429)
        fakes[0].refuses = None
        assert (await client.post(path, json=generation("x"))).status_code == 200

    play(work)


def test_openai_requests_pass_under_the_served_name_and_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "secret")

    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        whole = await client.post("/v1/chat/completions", json=CHAT)
        assert whole.json()["model"] == "agentlm-7b"
        assert fakes[0].asked == [{"authorization": "Bearer secret", **CHAT, "model": "agentlm-7b", "stream": False}]
        streamed = await client.post("/v1/completions", json={"prompt": "a b", "stream": True})
        assert [event["choices"][0]["text"] for event in events(streamed.text)] == [" A", " B"]  # type: ignore[index]
        assert streamed.text.endswith("data: [DONE]\n\n")
        assert [entry["id"] for entry in (await client.get("/v1/models")).json()["data"]] == ["agentlm-7b"]

    play(work, upstream_key_env="UPSTREAM_KEY")


def test_openai_errors_pass_as_they_are_and_failures_get_their_form() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        for status, kind in ((400, "invalid_request_error"), (429, "rate_limit_error")):
            told = {"error": {"message": "no", "type": kind, "param": "tools", "code": status}}
            fakes[0].refuses = (status, told)
            response = await client.post("/v1/chat/completions", json=CHAT)
            assert (response.status_code, response.json()) == (status, told)
            assert response.headers.get("retry-after") == ("7" if status == 429 else None)
        fakes[0].refuses = (500, {"detail": "engine"})
        for stream in (False, True):
            response = await client.post("/v1/chat/completions", json={**CHAT, "stream": stream})
            assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")
            assert response.json()["error"]["message"] == "engine"
        fakes[0].refuses = (401, {"error": "no key"})
        assert "upstream_key_env" in (await client.post("/v1/chat/completions", json=CHAT)).json()["error"]["message"]
        assert (await client.post("/v1/chat/completions", content=b"{")).status_code == 400

    play(work)


def test_requests_spread_by_load_and_not_by_turn() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        fakes[0].gate.clear()
        slow = [asyncio.create_task(client.post("/generate", json=generation("x"))) for _ in range(3)]
        await until(lambda: sum(answer.done() for answer in slow) == 2)
        for _ in range(10):
            assert (await client.post("/generate", json=generation("y"))).status_code == 200
        assert [len(fake.asked) for fake in fakes] == [1, 6, 6]
        fakes[0].gate.set()
        assert [response.status_code for response in await asyncio.gather(*slow)] == [200] * 3

    play(work, replicas=3)


def test_a_replica_that_dies_mid_run_costs_no_waiting_request() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        for fake in fakes:
            fake.gate.clear()
        asked = [asyncio.create_task(client.post("/generate", json=generation(f"w{n} x"))) for n in range(20)]
        await until(lambda: all(fake.running == 10 for fake in fakes))
        fakes[0].die()
        await until(lambda: fakes[1].running == 20)
        fakes[1].gate.set()
        texts = [(await answer).json()["generated_text"] for answer in asked]
        assert texts == [f" W{n} X" for n in range(20)]
        assert (await client.get("/health")).status_code == 200

    play(work, replicas=2)


def test_a_stream_that_has_begun_breaks_alone_and_is_not_repeated() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        fakes[0].breaks_after = 1
        for fake in fakes:
            fake.gate.clear()
        asked = [asyncio.create_task(client.post("/generate_stream", json=generation(f"w{n} x"))) for n in range(4)]
        await until(lambda: all(fake.running == 2 for fake in fakes))
        for fake in fakes:
            fake.gate.set()
        streams = [events((await answer).text) for answer in asked]
        broken = [stream for stream in streams if "error" in stream[-1]]
        assert [stream[-1]["error_type"] for stream in broken] == ["generation"] * 2
        assert all("broke off" in str(stream[-1]["error"]) for stream in broken)
        whole = [str(stream[-1]["generated_text"]) for stream in streams if stream not in broken]
        assert len(whole) == 2
        assert all(text.endswith(" X") for text in whole)
        assert sum(len(fake.asked) for fake in fakes) == 4
        chat = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
        assert chat.status_code == 200

    play(work, replicas=2)


def test_the_overloaded_and_the_sick_are_passed_over() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        fakes[0].refuses = (429, {"error": {"message": "full"}})
        for _ in range(4):
            assert (await client.post("/generate", json=generation("x"))).status_code == 200
        assert len(fakes[1].asked) == 4
        fakes[1].sick = True
        await asyncio.sleep(0.2)
        assert (await client.post("/generate", json=generation("x"))).status_code == 429
        assert len(fakes[1].asked) == 4
        fakes[0].sick = True
        await asyncio.sleep(0.2)
        assert (await client.get("/health")).status_code == 503
        nobody = await client.post("/generate", json=generation("x"))
        assert (nobody.status_code, nobody.json()["error_type"]) == (503, "healthcheck")
        assert nobody.headers["retry-after"] == "1"
        fakes[1].sick = False
        await asyncio.sleep(0.2)
        assert (await client.post("/generate", json=generation("x"))).status_code == 200

    play(work, replicas=2)


def test_a_replica_comes_late_dies_and_comes_back() -> None:
    async def scenario() -> None:
        fake = Upstream()
        async with upstream(fake):
            pass
        async with gateway([fake]) as client:
            assert (await client.get("/health")).status_code == 503
            for name in ("first", "second"):
                fake.model = name
                async with upstream(fake):
                    await asyncio.sleep(0.2)
                    assert (await client.post("/v1/chat/completions", json=CHAT)).json()["model"] == name
                    info = (await client.get("/info")).json()
                    assert (info["model_id"], info["max_total_tokens"]) == (name, 4096)
                    fake.die()
                assert (await client.post("/generate", json=generation("x"))).status_code == 503

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/generate", "/generate_stream", "/v1/chat/completions"])
def test_a_client_that_leaves_stops_the_work_behind(path: str) -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        fakes[0].gate.clear()
        stays = asyncio.create_task(client.post("/generate", json=generation("a b")))
        await until(lambda: fakes[0].running == 1)
        body = {**generation("a b c"), **CHAT, "stream": path != "/v1/chat/completions"}
        leaves = asyncio.create_task(client.post(path, json=body))
        await until(lambda: fakes[0].running == 2)
        leaves.cancel()
        await until(lambda: fakes[0].running == 1)
        await until_in_flight(client, wanted=1)
        fakes[0].gate.set()
        assert (await stays).json()["generated_text"] == " A B"
        await until_in_flight(client, wanted=0)

    play(work)


async def until_in_flight(client: httpx.AsyncClient, *, wanted: int) -> None:
    for _ in range(500):
        if (await client.get("/info")).json()["replicas"][0]["in_flight"] == wanted:
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to be")


@pytest.mark.parametrize(
    ("setting", "value"), [("dtype", "bfloat16"), ("max_batch", 4), ("prefix_cache_bytes", 0), ("template", "llama2")]
)
def test_settings_of_the_model_servers_are_refused(setting: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"no such setting \({value!r}\); set it on the model servers"):
        GatewaySettings.model_validate({"upstreams": ["http://a"], setting: value})


def test_settings_that_are_not_the_gateways_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="'a:8000' is no URL"):
        GatewaySettings(upstreams=("a:8000",))
    assert GatewaySettings(upstreams=("http://a/v1/", "http://a")).upstreams == ("http://a",)
    monkeypatch.delenv("NO_KEY", raising=False)

    async def scenario() -> None:
        async with open_gateway(GatewaySettings(upstreams=("http://a",), upstream_key_env="NO_KEY")):
            pytest.fail("it must not open")

    with pytest.raises(RecipeError, match="'NO_KEY' is empty"):
        asyncio.run(scenario())


def test_the_command_serves_until_sigterm() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        words = [f"{fakes[0].url}/v1", fakes[1].url, "--port", "0", "probe_seconds=0.5"]
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agenttuning", "serve", *words),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(agenttuning.__file__).parents[1])},
        )
        assert child.stdout is not None
        url = (await child.stdout.readline()).decode().strip()
        for _ in fakes:
            response = await client.post(f"{url}/generate", json=generation("x"))
            assert response.json()["generated_text"] == " X"
        assert [len(fake.asked) for fake in fakes] == [1, 1]
        child.send_signal(signal.SIGTERM)
        assert await child.wait() == 0

    play(work, replicas=2)


def test_a_wrong_setting_of_the_command_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "http://127.0.0.1:9", "dtype=bfloat16"]) == 2
    assert "'dtype': Value error, a gateway has no such setting" in capsys.readouterr().err
    assert main(["serve", "http://127.0.0.1:9", "prot=1"]) == 2
    assert "did you mean 'port'" in capsys.readouterr().err
