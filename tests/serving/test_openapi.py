"""The description of the server says what the server does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.serving.letters import LetterEngine, opened, post

from agenttuning.serving.app import create_app
from agenttuning.serving.openai_bodies import ChatBody, CompletionBody
from agenttuning.serving.settings import ServerSettings
from agenttuning.serving.tgi_bodies import Parameters


def document(settings: ServerSettings | None = None) -> dict[str, Any]:
    async def scenario() -> dict[str, Any]:
        async with opened(LetterEngine(), settings or ServerSettings()) as client:
            found: dict[str, Any] = (await client.get("/openapi.json")).json()
            return found

    return asyncio.run(scenario())


def test_every_route_is_described_and_every_reference_ends_somewhere() -> None:
    told = document()
    served = {route.path for route in create_app(LetterEngine(), ServerSettings()).routes if hasattr(route, "path")}
    assert set(told["paths"]) == served - {"/openapi.json"}
    assert all(method["summary"] for methods in told["paths"].values() for method in methods.values())

    def references(value: object) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    names = {reference.removeprefix("#/components/schemas/") for reference in references(told)}
    assert names <= set(told["components"]["schemas"])


def test_the_schemas_are_those_that_read_the_requests() -> None:
    schemas = document()["components"]["schemas"]
    for kind in (Parameters, ChatBody, CompletionBody):
        assert set(schemas[kind.__name__]["properties"]) == set(kind.model_fields)
    assert schemas["Parameters"]["properties"]["stop"]["maxItems"] == 4


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("/generate", {"inputs": "x", "parameters": {"max_new_tokens": 1}}, {"inputs": 1}),
        ("/tokenize", {"inputs": "x"}, {"inputs": ""}),
        ("/v1/completions", {"prompt": "x"}, {"prompt": {}}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}, {"messages": "x"}),
    ],
)
def test_statuses_are_described(path: str, good: dict[str, object], bad: dict[str, object]) -> None:
    described = set(document()["paths"][path]["post"]["responses"])
    assert {str(post(path, body).status_code) for body in (good, bad)} <= described


def test_a_key_is_described_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERS_KEY", "k")
    told = document(ServerSettings(key_variable="LETTERS_KEY"))
    assert told["paths"]["/generate"]["post"]["security"] == [{"key": []}]
    assert "security" not in told["paths"]["/info"]["get"]
    assert "securitySchemes" not in document()["components"]
