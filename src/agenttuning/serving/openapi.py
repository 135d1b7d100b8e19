"""The server's own description, OpenAPI 3.1, made of the very records that read the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic.json_schema import models_json_schema

from agenttuning import __version__
from agenttuning.serving import answers
from agenttuning.serving.openai_bodies import ChatBody, CompletionBody
from agenttuning.serving.tgi_bodies import GenerateBody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel, JsonValue
    from starlette.routing import Route

_REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Bodies:
    """What reads the requests of a server."""

    generate: type[BaseModel]
    chat: type[BaseModel]
    completion: type[BaseModel]
    passed: bool = False
    """Whether OpenAI's answers are another server's."""


LOCAL = Bodies(generate=GenerateBody, chat=ChatBody, completion=CompletionBody)


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route reads and gives."""

    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    """Of a JSON answer; None for an answer that is none."""
    stream: bool = False
    """Whether the answer may be, or is, a stream of events."""
    text: str = ""
    """The media type of an answer that is, or may be, text."""


def _operations(bodies: Bodies) -> dict[tuple[str, str], Operation]:
    chat, completion = (
        (answers.PassedAnswer, answers.PassedAnswer) if bodies.passed else (answers.ChatAnswer, answers.TextAnswer)
    )
    return {
        ("POST", "/"): Operation(bodies.generate, answers.GenerateAnswers, stream=True),
        ("POST", "/generate"): Operation(bodies.generate, answers.GenerateAnswer),
        ("POST", "/generate_stream"): Operation(bodies.generate, stream=True),
        ("POST", "/tokenize"): Operation(bodies.generate, answers.PlacedTokens),
        ("POST", "/chat_tokenize"): Operation(bodies.chat, answers.ChatTokens),
        ("POST", "/v1/chat/completions"): Operation(bodies.chat, chat, stream=True),
        ("POST", "/v1/completions"): Operation(bodies.completion, completion, stream=True),
        ("GET", "/"): Operation(),
        ("GET", "/health"): Operation(),
        ("GET", "/ping"): Operation(),
        ("GET", "/info"): Operation(answer=answers.Information),
        ("GET", "/metrics"): Operation(text="text/plain"),
        ("GET", "/v1/models"): Operation(answer=answers.ModelList),
    }


_FAILURES = {
    401: "the key of the server is missing or wrong",
    408: "the body came too slowly",
    413: "the body is too large",
    429: "as many requests as allowed are in progress",
    503: "the server is about to end",
    504: "the answer took too long",
}


def describe(routes: Sequence[Route], bodies: Bodies = LOCAL, *, keyed: bool) -> dict[str, JsonValue]:
    """Return the document of these routes; with a key every POST names it."""
    operations = _operations(bodies)
    kinds: set[type[BaseModel]] = {answers.TgiError, answers.OpenAIError}
    for operation in operations.values():
        kinds |= {kind for kind in (operation.body, operation.answer) if kind is not None}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    _, schemas = models_json_schema([(kind, "validation") for kind in ordered], ref_template=_REFERENCE)
    components: dict[str, JsonValue] = {"schemas": schemas["$defs"]}
    if keyed:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    paths: dict[str, dict[str, JsonValue]] = {}
    for route in routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            operation = operations[method, route.path]
            summary = (route.endpoint.__doc__ or "").strip().splitlines()[0]
            told = _operation(route.path, operation, summary=summary, passed=bodies.passed)
            if keyed and method == "POST":
                told["security"] = [{"key": []}]
            paths.setdefault(route.path, {})[method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "agenttuning", "version": __version__, "description": (__doc__ or "").strip()},
        "paths": {path: dict(methods) for path, methods in paths.items()},
        "components": components,
    }


def _operation(path: str, operation: Operation, *, summary: str, passed: bool) -> dict[str, JsonValue]:
    content: dict[str, JsonValue] = {}
    if operation.answer is not None:
        content["application/json"] = {"schema": {"$ref": _REFERENCE.format(model=operation.answer.__name__)}}
    if operation.stream:
        content["text/event-stream"] = {}
    if operation.text:
        content[operation.text] = {"schema": {"type": "string"}}
    responses: dict[str, JsonValue] = {
        "200": {"description": "the answer", **({"content": content} if content else {})}
    }
    if operation.body is None:
        responses["503"] = _failure(path, _FAILURES[503])
        return {"summary": summary, "responses": responses}
    on_v1 = path.startswith("/v1/")
    refused, failed = ("400", "500") if on_v1 else ("422", "424")
    responses[refused] = _failure(path, "the request breaks a rule, which the answer names")
    responses[failed] = _failure(path, "the model failed")
    responses |= {str(status): _failure(path, text) for status, text in _FAILURES.items()}
    if passed and path.endswith("tokenize"):
        responses["404"] = _failure(path, "the model servers have no such route")
    if passed and on_v1:
        responses["default"] = {"description": "whatever the model server answers"}
    reference: JsonValue = {"$ref": _REFERENCE.format(model=operation.body.__name__)}
    body: JsonValue = {"required": True, "content": {"application/json": {"schema": reference}}}
    return {"summary": summary, "requestBody": body, "responses": responses}


def _failure(path: str, description: str) -> JsonValue:
    model = answers.OpenAIError if path.startswith("/v1/") else answers.TgiError
    schema: JsonValue = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
