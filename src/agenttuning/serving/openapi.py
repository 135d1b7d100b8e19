"""The server's own description, OpenAPI 3.1, made of the very records that read the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agenttuning import __version__
from agenttuning.serving.openai_bodies import ChatBody, CompletionBody
from agenttuning.serving.tgi_bodies import GenerateBody

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue
    from starlette.routing import Route

_REFERENCE = "#/components/schemas/{model}"


class TgiError(BaseModel):
    """An error of Text Generation Inference's surface."""

    error: str
    error_type: str


class OpenAIErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """An error of OpenAI's surface."""

    error: OpenAIErrorDetail


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route reads and gives."""

    body: type[BaseModel] | None = None
    answer: str = "object"
    """JSON type of the answer; empty for an answer without a body."""
    stream: bool = False
    """Whether the answer may be, or is, a stream of events."""
    text: bool = False
    """Whether the answer is plain text."""


_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/"): Operation(GenerateBody, answer="array", stream=True),
    ("POST", "/generate"): Operation(GenerateBody),
    ("POST", "/generate_stream"): Operation(GenerateBody, answer="", stream=True),
    ("POST", "/tokenize"): Operation(GenerateBody, answer="array"),
    ("POST", "/v1/chat/completions"): Operation(ChatBody, stream=True),
    ("POST", "/v1/completions"): Operation(CompletionBody, stream=True),
    ("GET", "/"): Operation(answer=""),
    ("GET", "/health"): Operation(answer=""),
    ("GET", "/ping"): Operation(answer=""),
    ("GET", "/metrics"): Operation(answer="", text=True),
}
"""What is not of the plain kind: a GET that gives an object."""

_FAILURES = {
    401: "the key of the server is missing or wrong",
    408: "the body came too slowly",
    413: "the body is too large",
    429: "as many requests as allowed are in progress",
    503: "the server is about to end",
    504: "the answer took too long",
}


def describe(routes: Sequence[Route], *, keyed: bool) -> dict[str, JsonValue]:
    """Return the document of these routes; with a key every POST names it."""
    kinds = (GenerateBody, ChatBody, CompletionBody, TgiError, OpenAIError)
    _, schemas = models_json_schema([(kind, "validation") for kind in kinds], ref_template=_REFERENCE)
    components: dict[str, JsonValue] = {"schemas": schemas["$defs"]}
    if keyed:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    paths: dict[str, dict[str, JsonValue]] = {}
    for route in routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            operation = _OPERATIONS.get((method, route.path), Operation())
            summary = (route.endpoint.__doc__ or "").strip().splitlines()[0]
            told = _operation(route.path, operation, summary=summary)
            if keyed and method == "POST":
                told["security"] = [{"key": []}]
            paths.setdefault(route.path, {})[method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "agenttuning", "version": __version__, "description": (__doc__ or "").strip()},
        "paths": {path: dict(methods) for path, methods in paths.items()},
        "components": components,
    }


def _operation(path: str, operation: Operation, *, summary: str) -> dict[str, JsonValue]:
    content: dict[str, JsonValue] = {}
    if operation.answer:
        content["application/json"] = {"schema": {"type": operation.answer}}
    if operation.stream:
        content["text/event-stream"] = {}
    if operation.text:
        content["text/plain"] = {"schema": {"type": "string"}}
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
    reference: JsonValue = {"$ref": _REFERENCE.format(model=operation.body.__name__)}
    body: JsonValue = {"required": True, "content": {"application/json": {"schema": reference}}}
    return {"summary": summary, "requestBody": body, "responses": responses}


def _failure(path: str, description: str) -> JsonValue:
    model = OpenAIError if path.startswith("/v1/") else TgiError
    schema: JsonValue = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
