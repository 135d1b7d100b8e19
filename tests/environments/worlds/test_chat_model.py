"""The model inside a world, against servers that fail in every way."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from agenttuning.environments.worlds.chat_model import ChatModel, ChatModelSettings
from agenttuning.errors import RecipeError, WorldError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Server:
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


def said(content: str | None) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})


def ask(server: Server, *, system: str | None = None, **told: object) -> str:
    settings = ChatModelSettings.model_validate(
        {"base_url": "http://model.test/v1", "model": "m", "max_attempts": 3, "first_wait_seconds": 0.0, **told}
    )

    async def scenario() -> str:
        async with ChatModel(settings, transport=httpx.MockTransport(server)) as model:
            assert model.name == "m"
            return await model.ask("Where?", system=system)

    return asyncio.run(scenario())


def test_what_is_sent_and_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    server = Server(said(" Here.\n"))
    assert ask(server, system="Be brief.", api_key_env="SOME_KEY", length_field="max_completion_tokens") == "Here."
    (request,) = server.requests
    assert str(request.url) == "http://model.test/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer secret"
    assert json.loads(request.content) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}],
        "temperature": 0.0,
        "max_completion_tokens": 256,
    }


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    server = Server(
        httpx.Response(status, headers={"Retry-After": "0"}),
        httpx.ConnectError("refused"),
        said("Here."),
    )
    assert ask(server) == "Here."
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_what_cannot_pass_fails_at_once(status: int) -> None:
    server = Server(httpx.Response(status, text="no such model"))
    with pytest.raises(WorldError, match=f"'m' at http://model.test/v1/chat/completions answered {status}: 'no such"):
        ask(server)


def test_attempts_are_bounded() -> None:
    with pytest.raises(WorldError, match="answered 503"):
        ask(Server(*(httpx.Response(503) for _ in range(3))))
    with pytest.raises(WorldError, match="is the server running there"):
        ask(Server(*(httpx.ConnectError("refused") for _ in range(3))))


@pytest.mark.parametrize("date", ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "1e9999"])
def test_a_date_that_has_passed_or_is_none_does_not_hold_up(date: str) -> None:
    assert ask(Server(httpx.Response(429, headers={"Retry-After": date}), said("Here."))) == "Here."


def test_a_wait_beyond_the_deadline_ends_at_the_deadline() -> None:
    server = Server(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(WorldError, match=r"within deadline_seconds=0\.05"):
        ask(server, deadline_seconds=0.05)


@pytest.mark.parametrize("empty", [None, "", " \n"])
def test_an_empty_answer_is_none(empty: str | None) -> None:
    with pytest.raises(WorldError, match="answered with nothing"):
        ask(Server(said(empty)))


@pytest.mark.parametrize("text", ["", "[]", '{"choices": []}', "<html>"])
def test_an_answer_in_another_form_is_named(text: str) -> None:
    with pytest.raises(WorldError, match="unknown form"):
        ask(Server(httpx.Response(200, text=text)))


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    with pytest.raises(WorldError, match="gave no answer"):
        ask(Server(httpx.Response(200, content=drip())), deadline_seconds=0.1)


def test_a_users_mistakes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(RecipeError, match="'NO_KEY' is empty"):
        ask(Server(), api_key_env="NO_KEY")
    with pytest.raises(RecipeError, match="must begin with http"):
        ask(Server(), base_url="model.test")
