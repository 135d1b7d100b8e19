"""The libraries that people really use, unchanged, against a real server of a real model."""

from __future__ import annotations

import json
import math
import os
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serving.letters import LetterEngine
from tests.serving.thread import in_thread

from agenttuning.serving.app import create_app
from agenttuning.serving.settings import ServerSettings

openai = pytest.importorskip("openai")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from openai import OpenAI
    from starlette.applications import Starlette

    from agenttuning.serving.process import RunningServer

MESSAGES = [{"role": "user", "content": "Where is the lamp?"}]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(server: RunningServer) -> Iterator[OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def test_openai_chats_whole_and_in_a_stream(client: OpenAI) -> None:
    asked = {"model": "any", "messages": MESSAGES, "max_tokens": 9, "temperature": 0}
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    assert (whole.choices[0].finish_reason, whole.choices[0].message.role) == ("length", "assistant")
    assert whole.usage.completion_tokens == 9
    *chunks, last = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})  # type: ignore[call-overload]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "length"
    assert (last.choices, last.usage) == ([], whole.usage)


def test_openai_draws_several_by_seed_and_stops(client: OpenAI) -> None:
    def draw(**options: object) -> list[str]:
        asked = {"model": "any", "messages": MESSAGES, "max_tokens": 12, "temperature": 1.5, **options}
        return [choice.message.content for choice in client.chat.completions.create(**asked).choices]  # type: ignore[call-overload]

    texts = draw(n=3, seed=7)
    assert len(set(texts)) == 3
    assert draw(n=3, seed=7) == texts
    assert draw(n=1, seed=7) == texts[:1] != draw(n=1, seed=70)
    assert draw(n=1, seed=7, stop=texts[0][4:6]) == [texts[0][: texts[0].index(texts[0][4:6])]]


def test_openai_scores_completions(client: OpenAI) -> None:
    found = client.completions.create(
        model="any", prompt="The desk 1", max_tokens=4, temperature=0, logprobs=2, echo=True, n=1
    )
    (choice,) = found.choices
    scores = choice.logprobs
    assert scores is not None
    assert scores.tokens
    assert scores.token_logprobs
    assert scores.top_logprobs
    assert "".join(scores.tokens).strip() == choice.text.strip()
    assert scores.token_logprobs[0] is None
    assert all(score is not None and score <= 0 for score in scores.token_logprobs[1:])
    assert all(math.exp(value) <= 1 for top in scores.top_logprobs[1:] for value in top.values())
    chat = client.chat.completions.create(
        model="any",
        messages=MESSAGES,
        max_tokens=3,
        logprobs=True,
        top_logprobs=2,
        temperature=0,  # type: ignore[arg-type]
    )
    told = chat.choices[0].logprobs
    assert told is not None
    assert told.content is not None
    assert [len(token.top_logprobs) for token in told.content] == [2, 2, 2]


def test_openai_sends_null_for_what_it_leaves_open(client: OpenAI) -> None:
    names = "max_tokens max_completion_tokens temperature top_p top_k n seed stop stream logprobs top_logprobs"
    nulls = dict.fromkeys(f"{names} stream_options tools tool_choice response_format logit_bias user".split())
    found = client.chat.completions.create(model="any", messages=MESSAGES, extra_body={**nulls, "max_tokens": 2})  # type: ignore[arg-type]
    assert found.usage is not None
    assert found.usage.completion_tokens == 2
    whole = client.chat.completions.create(model="any", messages=MESSAGES, extra_body={**nulls, "new_field": {"x": 1}})  # type: ignore[arg-type]
    assert whole.choices[0].finish_reason in {"stop", "length"}


def test_openai_raises_by_the_kind_of_error(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length") as caught:
        client.chat.completions.create(model="any", messages=MESSAGES, max_tokens=100_000)  # type: ignore[arg-type]
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="temperature") as caught:
        client.chat.completions.create(model="any", messages=MESSAGES, temperature=-1)  # type: ignore[arg-type]
    assert caught.value.param == "temperature"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="any", input="x")
    assert [model.id for model in client.models.list()]


@asynccontextmanager
async def letters(engine: LetterEngine, settings: ServerSettings) -> AsyncIterator[Starlette]:
    yield create_app(engine, settings)


def test_openai_waits_as_long_as_a_full_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERS_KEY", "s3cret")
    engine = LetterEngine()
    engine.gate.clear()
    settings = ServerSettings(max_concurrent=1, key_variable="LETTERS_KEY")
    with (
        in_thread(letters(engine, settings)) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="s3cret") as one,
    ):
        with pytest.raises(openai.AuthenticationError):
            one.with_options(api_key="wrong").chat.completions.create(model="any", messages=MESSAGES)
        with one.chat.completions.create(model="any", messages=MESSAGES, max_tokens=3, stream=True):
            with pytest.raises(openai.RateLimitError):
                one.with_options(max_retries=0).chat.completions.create(model="any", messages=MESSAGES)
            began = time.monotonic()
            server.call(engine.gate.set)
            found = one.with_options(max_retries=3).chat.completions.create(
                model="any", messages=MESSAGES, max_tokens=3
            )
        assert found.choices[0].message.content == "abc"
        assert time.monotonic() - began < 60


def test_langchains_client_of_text_generation_inference(server: RunningServer) -> None:
    """Its package wants an older huggingface_hub than transformers does, so it lives in an environment of its own."""
    python = Path(os.environ.get("AGENTTUNING_LANGCHAIN", ROOT / ".venv" / "langchain" / "bin" / "python"))
    if not python.exists():
        pytest.skip(f"no langchain-huggingface at {python}; make .venv/langchain/done, or set AGENTTUNING_LANGCHAIN")
    program = Path(__file__).with_name("langchain_client.py")
    done = subprocess.run((python, program, server.url), capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    defaults = {"temperature": 0.8, "top_p": 0.95, "typical_p": 0.95}
    asked = {"inputs": "Where is", "parameters": {"max_new_tokens": 6, "seed": 3, **defaults}}
    text = httpx.post(f"{server.url}/generate", json=asked, timeout=60).json()["generated_text"]
    assert told["whole"] == told["streamed"] == text
    assert len(told["pieces"]) > 1
    assert told["stopped"] == text[: text.index(told["stop"])]
