"""A real server in a child process, asked over HTTP by our clients and by the one of Hugging Face."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serving.random_llama import MAX_LENGTH

from agenttuning.core.records import Message, Sampling
from agenttuning.errors import ContextLimitError, PolicyError
from agenttuning.policies import LocalConfig, OpenAIConfig, TgiConfig
from agenttuning.policies.local import open_local
from agenttuning.policies.openai import open_openai
from agenttuning.policies.tgi import open_tgi
from agenttuning.serving.process import running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agenttuning.core.records import Reply
    from agenttuning.policies.episode import Model
    from agenttuning.serving.process import RunningServer

TALKS = [
    (Message(role="user", content="Where is the lamp?"),),
    (Message(role="system", content="Be brief."), Message(role="user", content=" Größe: 3 € ")),
    (
        Message(role="user", content="Where is the cup?"),
        Message(role="assistant", content="It is on the desk 1."),
        Message(role="user", content="And the book?\n"),
    ),
]


def opened(
    kind: str, server: RunningServer, folder: Path, *, stop: tuple[str, ...] = ()
) -> AbstractAsyncContextManager[Model]:
    if kind == "local":
        return open_local(LocalConfig(model=str(folder), stop=stop))
    if kind == "tgi":
        return open_tgi(TgiConfig(base_url=server.url, model=str(folder), stop=stop))
    return open_openai(OpenAIConfig(base_url=f"{server.url}/v1", model="any", stop=stop))


def answers(
    model: AbstractAsyncContextManager[Model], sampling: Sampling, talks: Sequence[tuple[Message, ...]] = TALKS
) -> list[Reply]:
    async def scenario() -> list[Reply]:
        async with model as answering:
            return await asyncio.gather(*(answering.answer(talk, sampling=sampling) for talk in talks))

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(max_new_tokens=24),
        Sampling(max_new_tokens=24, temperature=1.2, seed=5),
        Sampling(max_new_tokens=24, temperature=0.8, top_p=0.8, top_k=50, seed=6),
    ],
    ids=["greedy", "seeded", "nucleus"],
)
def test_local_tgi_and_openai_give_identical_answers(
    server: RunningServer, model_folder: Path, sampling: Sampling
) -> None:
    local, tgi, openai = (answers(opened(kind, server, model_folder), sampling) for kind in ("local", "tgi", "openai"))
    assert local == openai == tgi
    assert len({reply.content for reply in local}) == len(TALKS)
    assert all(reply.usage.prompt_tokens and reply.usage.completion_tokens for reply in local)


@pytest.mark.parametrize("kind", ["local", "tgi", "openai"])
def test_no_policy_shows_the_stop_string(server: RunningServer, model_folder: Path, kind: str) -> None:
    free = answers(opened(kind, server, model_folder), Sampling(max_new_tokens=24), TALKS[:1])[0].content
    stop = free[5:7]
    (reply,) = answers(opened(kind, server, model_folder, stop=(stop,)), Sampling(max_new_tokens=24), TALKS[:1])
    assert (reply.content, reply.finish) == (free[: free.index(stop)], "stop")


@pytest.mark.parametrize("kind", ["local", "tgi", "openai"])
def test_too_long_a_conversation_is_a_stop_on_every_way(server: RunningServer, model_folder: Path, kind: str) -> None:
    long = (Message(role="user", content="lamp " * 300),)
    with pytest.raises(ContextLimitError):
        answers(opened(kind, server, model_folder), Sampling(max_new_tokens=24), [long])
    with pytest.raises(ContextLimitError):
        answers(opened(kind, server, model_folder), Sampling(max_new_tokens=MAX_LENGTH), TALKS[:1])


def test_streams_of_both_surfaces_are_framed_as_their_clients_read_them(server: RunningServer) -> None:
    whole = httpx.post(f"{server.url}/generate", json={"inputs": "Where", "parameters": {"max_new_tokens": 9}}).json()
    asked = {"inputs": "Where", "parameters": {"max_new_tokens": 9, "details": True}}
    with httpx.stream("POST", f"{server.url}/generate_stream", json=asked) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = list(response.iter_lines())
    assert lines[1::2] == [""] * 9
    events = [json.loads(line.removeprefix("data:")) for line in lines[::2]]
    assert [event["index"] for event in events] == list(range(1, 10))
    assert "".join(event["token"]["text"] for event in events) == whole["generated_text"]
    assert [event["generated_text"] for event in events] == [None] * 8 + [whole["generated_text"]]
    assert events[-1]["details"] == {"finish_reason": "length", "generated_tokens": 9, "seed": None, "input_length": 1}

    chat = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Where?"}]}],
        "max_tokens": 9,
        "temperature": 0,
    }
    plain = httpx.post(f"{server.url}/v1/chat/completions", json=chat).json()
    streamed = {**chat, "stream": True, "stream_options": {"include_usage": True}}
    lines = httpx.post(f"{server.url}/v1/chat/completions", json=streamed).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    *pieces, last, usage = chunks
    assert (
        "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in pieces)
        == (plain["choices"][0]["message"]["content"])
    )
    assert (last["choices"][0]["finish_reason"], usage["choices"]) == ("length", [])
    assert usage["usage"] == plain["usage"]


def test_the_client_of_hugging_face_understands_the_server(server: RunningServer) -> None:
    hub = pytest.importorskip("huggingface_hub")
    client = hub.InferenceClient(server.url)
    text = client.text_generation("Where is", max_new_tokens=6)
    detailed = client.text_generation("Where is", max_new_tokens=6, details=True)
    assert (detailed.generated_text, detailed.details.finish_reason) == (text, "length")
    assert len(detailed.details.tokens) == 6
    tokens = list(client.text_generation("Where is", max_new_tokens=6, details=True, stream=True))
    assert (len(tokens), tokens[-1].generated_text) == (6, text)
    assert "".join(client.text_generation("Where is", max_new_tokens=6, stream=True)) == text
    with pytest.raises(hub.errors.ValidationError, match="temperature"):
        client.text_generation("Where is", temperature=0.0)
    chat = client.chat_completion([{"role": "user", "content": "Where?"}], max_tokens=4, temperature=0.0)
    assert chat.usage.completion_tokens == 4


def test_a_raw_prompt_never_gets_more_than_its_last_tokens(server: RunningServer) -> None:
    asked = {"max_new_tokens": 5, "truncate": 3}
    both = [
        httpx.post(f"{server.url}/generate", json={"inputs": text + "the cup on shelf", "parameters": asked})
        for text in ("", "It is far away ")
    ]
    assert both[0].json() == both[1].json()
    assert both[1].headers["x-prompt-tokens"] == "3"


def test_many_at_once_are_answered_as_one_by_one(server: RunningServer, model_folder: Path) -> None:
    talks = [(Message(role="user", content=f"Where is book {number}?"),) for number in range(40)]
    sampling = Sampling(max_new_tokens=8)
    served = answers(opened("openai", server, model_folder), sampling, talks)
    assert served == answers(opened("local", server, model_folder), sampling, talks)


def test_sigterm_lets_answers_in_progress_finish(model_folder: Path) -> None:
    with running_server(model_folder, ServerSettings(drain_seconds=20)) as server:
        asked = {"inputs": "Where", "parameters": {"max_new_tokens": 200, "details": True}}
        with httpx.stream("POST", f"{server.url}/generate_stream", json=asked, timeout=60) as response:
            lines = response.iter_lines()
            next(lines)
            os.kill(server.pid, signal.SIGTERM)
            rest = [line for line in lines if line]
        assert json.loads(rest[-1].removeprefix("data:"))["details"]["generated_tokens"] == 200
        deadline = time.monotonic() + 10
        while answers_at_all(server) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not answers_at_all(server)


def answers_at_all(server: RunningServer) -> bool:
    try:
        return bool(httpx.get(f"{server.url}/health").status_code)
    except httpx.TransportError:
        return False


def test_nobody_there_is_one_sentence_with_the_next_step(model_folder: Path) -> None:
    config = OpenAIConfig(base_url="http://127.0.0.1:9/v1", model="m", max_attempts=2, first_wait_seconds=0.0)
    with pytest.raises(
        PolicyError, match=r"cannot reach http://127.0.0.1:9/v1/chat/completions.*is the server running"
    ):
        answers(open_openai(config), Sampling(), TALKS[:1])
