"""Clients of model servers against servers that fail in every way."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agenttuning.core.records import Message, Sampling
from agenttuning.errors import ContextLimitError, PolicyError, RecipeError
from agenttuning.policies import OpenAIConfig, TgiConfig, open_player
from agenttuning.policies.attempts import UnusableAnswerError
from agenttuning.policies.openai import open_openai, read_completion
from agenttuning.policies.tgi import open_tgi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agenttuning.core.records import Reply

ASKED = (Message(role="user", content="Where?"),)
GOOD = {
    "choices": [{"message": {"role": "assistant", "content": "Here."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None},
}


def openai_config(**told: object) -> OpenAIConfig:
    return OpenAIConfig.model_validate(
        {"base_url": "http://model.test/v1", "model": "m", "max_attempts": 3, "first_wait_seconds": 0.0, **told}
    )


def ask(
    respond: Callable[[httpx.Request], httpx.Response], config: OpenAIConfig | None = None, **sampling: object
) -> Reply:
    async def scenario() -> Reply:
        async with open_openai(config or openai_config(), transport=httpx.MockTransport(respond)) as model:
            return await model.answer(ASKED, sampling=Sampling.model_validate(sampling))

    return asyncio.run(scenario())


class Script:
    """Answers with the given responses in order, and keeps the requests."""

    def __init__(self, *responses: httpx.Response | Exception) -> None:
        self.responses = list(responses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response


def test_what_is_sent_and_what_comes_back() -> None:
    script = Script(httpx.Response(200, json=GOOD))
    config = openai_config(stop=["\n"], length_field="max_completion_tokens")
    reply = ask(script, config, temperature=0.7, top_p=0.9, max_new_tokens=12, seed=3)
    assert (reply.content, reply.finish, reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        "Here.",
        "stop",
        5,
        2,
    )
    (request,) = script.requests
    assert str(request.url) == "http://model.test/v1/chat/completions"
    assert json.loads(request.content) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Where?"}],
        "max_completion_tokens": 12,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 3,
        "stop": ["\n"],
    }


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
def test_errors_that_pass_are_tried_again(status: int) -> None:
    script = Script(httpx.Response(status), httpx.ConnectError("refused"), httpx.Response(200, json=GOOD))
    assert ask(script).content == "Here."
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, "request itself"), (401, "api_key_env"), (403, "may not use"), (404, "base_url"), (422, "sampling")],
)
def test_errors_that_stay_fail_at_once_with_advice(status: int, advice: str) -> None:
    script = Script(httpx.Response(status, text="no"))
    with pytest.raises(PolicyError, match=f"answered {status}: 'no'; .*{advice}"):
        ask(script)
    assert len(script.requests) == 1


def test_attempts_are_limited_and_the_last_error_is_told() -> None:
    script = Script(httpx.Response(500), httpx.Response(500), httpx.Response(503, text="overloaded"))
    with pytest.raises(PolicyError, match="answered 503: 'overloaded'"):
        ask(script)
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("0.3", 0.3, 2.0),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True), 0.5, 4.0),
        ("soon", 0.0, 0.3),
    ],
    ids=["seconds", "date", "nonsense"],
)
def test_the_server_says_when_to_come_back(header: str | Callable[[], str], least: float, most: float) -> None:
    value = header if isinstance(header, str) else header()
    script = Script(httpx.Response(429, headers={"retry-after": value}), httpx.Response(200, json=GOOD))
    began = time.monotonic()
    assert ask(script).content == "Here."
    assert least <= time.monotonic() - began < most


def test_the_deadline_ends_every_wait() -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "30"}), httpx.Response(200, json=GOOD))
    began = time.monotonic()
    with pytest.raises(PolicyError, match=r"429|deadline_seconds=0\.2"):
        ask(script, openai_config(deadline_seconds=0.2))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "too many", "code": "context_length_exceeded"}}),
        (400, {"error": {"message": "This model's maximum context length is 4096 tokens."}}),
        (422, {"error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"}),
        (422, {"error": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200"}),
        (413, {"error": "prompt is too long"}),
    ],
)
def test_a_conversation_that_is_too_long_is_a_stop(status: int, body: dict[str, object]) -> None:
    script = Script(httpx.Response(status, json=body))
    with pytest.raises(ContextLimitError):
        ask(script)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>busy</html>", b"{}", b'{"choices": []}', b'{"error": "unhealthy"}', json.dumps(GOOD).encode()[:60]],
)
def test_a_malformed_answer_is_tried_again_and_never_an_empty_reply(body: bytes) -> None:
    script = Script(httpx.Response(200, content=body), httpx.Response(200, json=GOOD))
    assert ask(script).content == "Here."
    with pytest.raises(PolicyError, match=r"answered in an unknown form .*attempts: malformed, malformed, malformed"):
        ask(Script(*[httpx.Response(200, content=body)] * 3))


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"message": {"content": None}, "finish_reason": "stop"}, "no text"),
        ({"message": {"content": "x"}, "finish_reason": "content_filter"}, "a refusal"),
        ({"message": {"content": None, "refusal": "I may not."}, "finish_reason": "stop"}, "a refusal"),
        ({"message": {"content": None, "tool_calls": [{"id": "1"}]}, "finish_reason": "tool_calls"}, "a tool call"),
        ({"message": {"content": "word " * 100_000}, "finish_reason": "stop"}, "an overlong text"),
    ],
)
def test_an_answer_without_a_reply_is_an_error_that_is_not_repeated(choice: dict[str, object], reason: str) -> None:
    script = Script(httpx.Response(200, json={"choices": [choice], "usage": GOOD["usage"]}))
    with pytest.raises(PolicyError, match=f"no reply but {reason}"):
        ask(script)
    assert len(script.requests) == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["stop", "length", "x" * 99_999]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "finish_reason", "tool_calls", "refusal", "usage"]), inner
        )
    ),
)


@settings(max_examples=200)
@given(json_values.map(json.dumps) | st.text(), st.sampled_from([0, 1, 10]))
def test_any_body_is_a_reply_or_one_of_two_errors(text: str, cut: int) -> None:
    try:
        reply = read_completion(text.encode("utf-8", "surrogatepass")[cut:], httpx.Headers(), most_tokens=128)
    except (ValidationError, UnusableAnswerError):
        return
    assert reply.finish in {"stop", "length"}


@given(
    st.dictionaries(st.sampled_from(["content", "tool_calls", "refusal"]), json_values),
    json_values,
    st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total"]), json_values),
)
def test_any_choice_is_a_reply_or_one_of_two_errors(message: object, finish: object, usage: object) -> None:
    body = json.dumps({"choices": [{"message": message, "finish_reason": finish}], "usage": usage})
    try:
        reply = read_completion(body.encode(), httpx.Headers(), most_tokens=128)
    except (ValidationError, UnusableAnswerError):
        return
    assert isinstance(message, dict)
    assert reply.content == message["content"]


def test_tokens_that_all_went_into_reasoning_are_no_reply() -> None:
    choice = {"message": {"content": ""}, "finish_reason": "length"}
    usage = {"completion_tokens": 128, "completion_tokens_details": {"reasoning_tokens": 128}}
    with pytest.raises(PolicyError, match="no reply but no text"):
        ask(Script(httpx.Response(200, json={"choices": [choice], "usage": usage})))


@pytest.mark.parametrize("content", ["", "  \n"])
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_model_that_chose_to_say_nothing_has_replied(content: str, finish: str) -> None:
    choice = {"message": {"content": content}, "finish_reason": finish}
    assert ask(Script(httpx.Response(200, json={"choices": [choice]}))).content == content


@pytest.mark.parametrize(("field", "sent"), [("seed", {"seed": 3}), ("random_seed", {"random_seed": 3}), ("none", {})])
def test_the_seed_is_sent_under_the_endpoints_name(field: str, sent: dict[str, int]) -> None:
    script = Script(httpx.Response(200, json=GOOD))
    ask(script, openai_config(seed_field=field), temperature=1.0, seed=3)
    assert {key: value for key, value in json.loads(script.requests[0].content).items() if "seed" in key} == sent


def test_an_account_without_money_is_not_asked_again() -> None:
    script = Script(httpx.Response(429, json={"error": {"code": "insufficient_quota"}}))
    with pytest.raises(PolicyError, match="no money left"):
        ask(script)


def test_a_body_without_end_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    with pytest.raises(PolicyError, match=r"more than 16,777,216 bytes"):
        ask(Script(httpx.Response(200, content=endless())))


def test_the_key_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    config = openai_config(api_key_env="TEST_MODEL_KEY")
    monkeypatch.setenv("TEST_MODEL_KEY", "secret")
    script = Script(httpx.Response(200, json=GOOD))
    ask(script, config)
    assert script.requests[0].headers["authorization"] == "Bearer secret"
    monkeypatch.delenv("TEST_MODEL_KEY")
    with pytest.raises(RecipeError, match="'TEST_MODEL_KEY' is empty; export it"):
        ask(script, config)


def test_an_address_without_a_scheme_is_refused() -> None:
    async def scenario() -> None:
        async with open_player(openai_config(base_url="localhost:8000")):
            pytest.fail("it must not open")

    with pytest.raises(RecipeError, match="must begin with http"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sampling", "sent"),
    [
        (Sampling(max_new_tokens=8), {"do_sample": False}),
        (Sampling(max_new_tokens=8, top_p=0.5, top_k=3, seed=1), {"do_sample": False}),
        (Sampling(max_new_tokens=8, temperature=1.0), {"do_sample": True, "temperature": 1.0}),
        (
            Sampling(max_new_tokens=8, temperature=0.7, top_p=0.9, top_k=3, seed=1),
            {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 3, "seed": 1},
        ),
    ],
)
def test_tgi_gets_the_llama2_prompt_without_its_first_bos(sampling: Sampling, sent: dict[str, object]) -> None:
    talk = (*ASKED, Message(role="assistant", content="Here."), Message(role="user", content="Sure?"))
    details = {"finish_reason": "stop_sequence", "generated_tokens": 4}
    script = Script(
        httpx.Response(200, json={"generated_text": "Yes.STOP", "details": details}, headers={"x-prompt-tokens": "31"})
    )
    config = TgiConfig(base_url="http://model.test", model="agentlm-7b", template="llama2-no-system", stop=("STOP",))

    async def scenario() -> Reply:
        async with open_tgi(config, transport=httpx.MockTransport(script)) as model:
            return await model.answer(talk, sampling=sampling)

    reply = asyncio.run(scenario())
    assert (reply.content, reply.finish, reply.usage.prompt_tokens) == ("Yes.", "stop", 31)
    body = json.loads(script.requests[0].content)
    assert body["inputs"] == "[INST] Where? [/INST] Here. </s><s>[INST] Sure? [/INST]"
    assert body["parameters"] == {"max_new_tokens": 8, "details": True, "stop": ["STOP"], **sent}
