"""The gateway: both interfaces in front of any OpenAI servers of one model (vLLM, SGLang, our own).

OpenAI's interface is passed on byte by byte, under the served model's name, so tools, log probabilities and formats
are whatever the server behind has; the chat template is its own, too. Text Generation Inference's is translated.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import JSONResponse, Response, StreamingResponse

from agenttuning import __version__
from agenttuning.errors import PolicyError, RecipeError
from agenttuning.serving.app import gateway_app
from agenttuning.serving.gate import Door
from agenttuning.serving.proxy_replicas import ReplicaPool
from agenttuning.serving.proxy_tgi import (
    NEUTRAL,
    GenerateBody,
    Translation,
    error_text,
    read_chunks,
    read_completion,
)
from agenttuning.serving.requests import RequestError, answered, read_body, refuse_unsupported
from agenttuning.serving.tgi_answers import error_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from agenttuning.serving.proxy_replicas import Answer
    from agenttuning.serving.proxy_settings import GatewaySettings

_STREAM_HEADERS = {"x-accel-buffering": "no", "cache-control": "no-cache"}


class _Passed(BaseModel):
    """A body of OpenAI's interface; the server behind checks it."""

    model_config = ConfigDict(extra="allow")

    stream: bool | None = False


@asynccontextmanager
async def open_gateway(settings: GatewaySettings, *, door: Door | None = None) -> AsyncIterator[Starlette]:
    """Open the application and the connections behind it; a replica may be down and come later.

    Raises:
        RecipeError: the variable with the replicas' key is empty.
        StageError: the variable that must hold the gateway's own key holds none.
    """
    pool = ReplicaPool(settings, key=_key(settings))
    await pool.start()
    try:
        yield gateway_app(GatewayTgi(pool, settings), GatewayOpenAI(pool, settings), settings, door=door or Door())
    finally:
        await pool.close()


def _key(settings: GatewaySettings) -> str | None:
    name = settings.upstream_key_env
    if name is None:
        return None
    key = os.environ.get(name)
    if not key:
        raise RecipeError(f"the environment variable {name!r} is empty; export it, or drop upstream_key_env")
    return key


class GatewayTgi:
    """Text Generation Inference's routes over OpenAI servers."""

    def __init__(self, pool: ReplicaPool, settings: GatewaySettings) -> None:
        self._pool = pool
        self._settings = settings

    async def compatible(self, request: Request) -> Response:
        """Answer `POST /`: an array, or a stream where `stream` asks for one."""
        body = await self._read(request)
        return await (self._streamed(request, body) if body.stream else self._whole(request, body, in_array=True))

    async def generate(self, request: Request) -> Response:
        """Answer `POST /generate`."""
        return await self._whole(request, await self._read(request), in_array=False)

    async def generate_stream(self, request: Request) -> Response:
        """Answer `POST /generate_stream` with one event per token."""
        return await self._streamed(request, await self._read(request))

    async def health(self, request: Request) -> Response:
        """Answer 200 while a replica takes requests."""
        del request
        if self._pool.healthy:
            return Response()
        return JSONResponse(error_body("unhealthy", kind="healthcheck"), status_code=503)

    async def information(self, request: Request) -> Response:
        """Describe the model as far as its servers do, and the replicas."""
        del request
        model, settings = self._pool.model, self._settings
        limit = model.max_total_tokens if model is not None else None
        longest = None if limit is None else limit - 1
        return JSONResponse(
            {
                "model_id": model.model if model is not None else "",
                "model_sha": None,
                "model_dtype": None,
                "model_device_type": None,
                "model_pipeline_tag": "text-generation",
                "max_concurrent_requests": settings.max_concurrent,
                "max_best_of": 1,
                "max_stop_sequences": 4,
                "max_input_tokens": longest,
                "max_input_length": longest,
                "max_total_tokens": limit,
                "validation_workers": 1,
                "max_client_batch_size": 1,
                "router": "text-generation-router",
                "version": __version__,
                "sha": None,
                "docker_label": None,
                "sampling_semantics": settings.semantics,
                "replicas": [
                    {"url": replica.url, "healthy": replica.healthy, "in_flight": replica.in_flight}
                    for replica in self._pool.replicas
                ],
            }
        )

    async def _read(self, request: Request) -> GenerateBody:
        body = await read_body(request, GenerateBody, settings=self._settings)
        refuse_unsupported(body.parameters.model_extra, neutral=NEUTRAL)
        return body

    async def _whole(self, request: Request, body: GenerateBody, *, in_array: bool) -> Response:
        wanted = Translation(body, self._settings)
        began = time.perf_counter()
        found = read_completion(await answered(request, self._content(wanted)))
        milliseconds = round(1000 * (time.perf_counter() - began))
        answer = wanted.answer(found)
        headers = {
            "x-compute-characters": str(len(body.inputs)),
            "x-compute-time": f"{milliseconds / 1000:.3f}",
            "x-total-time": str(milliseconds),
        }
        if found.usage is not None:
            headers["x-prompt-tokens"] = str(found.usage.prompt_tokens)
            headers["x-generated-tokens"] = str(found.usage.completion_tokens)
        return JSONResponse([answer] if in_array else answer, headers=headers)

    async def _content(self, wanted: Translation) -> bytes:
        answer = await self._pool.send("/v1/completions", wanted.request(stream=False))
        try:
            return await _checked(answer)
        finally:
            answer.close()

    async def _streamed(self, request: Request, body: GenerateBody) -> Response:
        wanted = Translation(body, self._settings)
        answer = await answered(request, self._pool.send("/v1/completions", wanted.request(stream=True)))
        if answer.status != 200:
            try:
                await _checked(answer)
            finally:
                answer.close()
        headers = {**_STREAM_HEADERS, "x-compute-characters": str(len(body.inputs))}
        return _Relay(answer, self._events(answer, wanted), headers=headers)

    async def _events(self, answer: Answer, wanted: Translation) -> AsyncIterator[str]:
        try:
            async for event in wanted.events(read_chunks(answer.chunks())):
                yield _event(event)
        except PolicyError as error:
            yield _event(error_body(str(error), kind="generation"))


class GatewayOpenAI:
    """OpenAI's routes, passed on."""

    def __init__(self, pool: ReplicaPool, settings: GatewaySettings) -> None:
        self._pool = pool
        self._settings = settings
        self._started = int(time.time())

    async def models(self, request: Request) -> Response:
        """Answer `GET /v1/models`."""
        del request
        names = dict.fromkeys(replica.model for replica in self._pool.replicas if replica.model)
        data = [{"id": name, "object": "model", "created": self._started, "owned_by": "agenttuning"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        return await self._pass(request, "/v1/chat/completions")

    async def completions(self, request: Request) -> Response:
        """Answer `POST /v1/completions`."""
        return await self._pass(request, "/v1/completions")

    async def _pass(self, request: Request, path: str) -> Response:
        body = await read_body(request, _Passed, settings=self._settings)
        told: dict[str, JsonValue] = {**(body.model_extra or {}), "stream": bool(body.stream)}
        if not body.stream:
            return await answered(request, self._content(path, told))
        answer = await answered(request, self._pool.send(path, told))
        if answer.status != 200:
            return await _closing(answer)
        return _Relay(answer, _unbroken(answer), headers=_STREAM_HEADERS)

    async def _content(self, path: str, body: Mapping[str, JsonValue]) -> Response:
        return await _closing(await self._pool.send(path, body))


class _Relay(StreamingResponse):
    """A stream that lets go of the server behind it however it ends, even before its first event."""

    def __init__(self, answer: Answer, events: AsyncIterator[str | bytes], *, headers: Mapping[str, str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


async def _closing(answer: Answer) -> Response:
    """Return a whole answer as it is, or its error in this interface's form."""
    try:
        _require_admitted(answer)
        content = await answer.read()
    finally:
        answer.close()
    if answer.status >= 500:
        raise RequestError(error_text(content), status=answer.status, kind="generation")
    headers = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
    kind = answer.headers.get("content-type", "application/json")
    return Response(content, status_code=answer.status, media_type=kind, headers=headers)


async def _unbroken(answer: Answer) -> AsyncIterator[bytes]:
    """Yield the bytes as they come; where the server breaks off, an error event is the end."""
    try:
        async for chunk in answer.chunks():
            yield chunk
    except PolicyError as error:
        told = {"message": str(error), "type": "server_error", "param": None, "code": "generation"}
        yield f"\n\ndata: {json.dumps({'error': told})}\n\n".encode()


async def _checked(answer: Answer) -> bytes:
    """Return the content of a good answer; anything else in Text Generation Inference's words."""
    _require_admitted(answer)
    content = await answer.read()
    if answer.status == 200:
        return content
    text = error_text(content)
    if answer.status == 429:
        raise RequestError(text, status=429, kind="overloaded")
    if answer.status < 500:
        raise RequestError(text)
    raise PolicyError(text)


def _require_admitted(answer: Answer) -> None:
    if answer.status in {401, 403}:
        raise PolicyError("the model server refuses the gateway's key; set `upstream_key_env` to the variable with it")


def _event(body: dict[str, JsonValue]) -> str:
    return f"data:{json.dumps(body, ensure_ascii=False)}\n\n"
