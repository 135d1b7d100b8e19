"""OpenAI's HTTP API: `/v1/chat/completions`, `/v1/completions`, `/v1/models`."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import JSONResponse, Response, StreamingResponse

from agenttuning.core.records import Message, Sampling
from agenttuning.errors import AgentTuningError, PolicyError
from agenttuning.models.generation import GenerationRequest
from agenttuning.serving.requests import RequestError, answered, collected, read_body, refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from agenttuning.models.generation import Generation
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.settings import ServerSettings

_NEUTRAL: dict[str, tuple[JsonValue, ...]] = {
    "audio": (None,),
    "best_of": (None, 1),
    "echo": (None, False),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "n": (None, 1),
    "presence_penalty": (None, 0),
    "response_format": (None, {"type": "text"}),
    "suffix": (None, ""),
    "tool_choice": (None, "none"),
    "tools": (None, []),
    "top_logprobs": (None, 0),
}


class TextPart(BaseModel):
    """One part of a message's content."""

    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """One message."""

    role: Literal["system", "user", "assistant"]
    content: str | list[TextPart]

    def message(self) -> Message:
        """Return it as the package's own record."""
        parts = self.content
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        return Message(role=self.role, content=text)


class StreamOptions(BaseModel):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class Asked(BaseModel):
    """What both kinds of completion can be told; `top_k` is an extension."""

    model_config = ConfigDict(extra="allow")

    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """The stop strings as a tuple."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(mark for mark in stop if mark)


class ChatBody(Asked):
    """A conversation to continue."""

    messages: list[Turn] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, gt=0)
    max_completion_tokens: int | None = Field(default=None, gt=0)


class CompletionBody(Asked):
    """A raw prompt, or its token ids, to continue."""

    prompt: str | list[int]
    max_tokens: int = Field(default=16, gt=0)


class OpenAIRoutes:
    """The handlers of this API over one engine; every model name is answered by the one model there is."""

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._started = int(time.time())

    async def models(self, request: Request) -> Response:
        """Answer `GET /v1/models`."""
        del request
        entry = {"id": self._engine.info.model, "object": "model", "created": self._started, "owned_by": "agenttuning"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def chat(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        body = await read_body(request, ChatBody, max_bytes=self._settings.max_body_bytes)
        refuse_unsupported(body.model_extra, neutral=_NEUTRAL)
        try:
            ids = self._engine.prompt_ids([turn.message() for turn in body.messages])
        except AgentTuningError as error:
            raise RequestError(str(error), field="messages") from error
        wanted = self._request(ids, body, asked=body.max_completion_tokens or body.max_tokens)
        return await self._respond(request, body, wanted, form=_ChatForm(self._engine.info.model))

    async def completions(self, request: Request) -> Response:
        """Answer `POST /v1/completions`."""
        body = await read_body(request, CompletionBody, max_bytes=self._settings.max_body_bytes)
        refuse_unsupported(body.model_extra, neutral=_NEUTRAL)
        ids = self._engine.encode(body.prompt) if isinstance(body.prompt, str) else body.prompt
        wanted = self._request(ids, body, asked=body.max_tokens)
        return await self._respond(request, body, wanted, form=_TextForm(self._engine.info.model))

    def _request(self, ids: list[int], body: Asked, *, asked: int | None) -> GenerationRequest:
        limit = self._engine.info.max_total_tokens
        length = asked if asked is not None else limit - len(ids)
        if length < 1 or len(ids) + length > limit:
            raise RequestError(
                f"this model's maximum context length is {limit} tokens; {len(ids)} in the prompt and "
                f"{max(length, 1)} for the answer are more",
                kind="context_length_exceeded",
            )
        sampling = Sampling(
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            max_new_tokens=length,
            seed=secrets.randbits(63) if body.seed is None else body.seed % (1 << 63),
        )
        return GenerationRequest(ids, sampling, body.stop_strings)

    async def _respond(self, request: Request, body: Asked, wanted: GenerationRequest, *, form: _Form) -> Response:
        if body.stream:
            usage = body.stream_options is not None and body.stream_options.include_usage
            return StreamingResponse(
                self._events(wanted, form, with_usage=usage),
                media_type="text/event-stream",
                headers={"x-accel-buffering": "no", "cache-control": "no-cache"},
            )
        _, generation = await answered(request, collected(self._engine.stream(wanted)))
        return JSONResponse({**form.whole(generation), "usage": _usage(wanted, generation)})

    async def _events(self, wanted: GenerationRequest, form: _Form, *, with_usage: bool) -> AsyncIterator[str]:
        for opening in form.opening():
            yield _event(opening)
        try:
            async for token in self._engine.stream(wanted):
                if token.text:
                    yield _event(form.piece(token.text, finish=None))
                if token.generation is not None:
                    yield _event(form.piece("", finish=token.generation.finish))
                    if with_usage:
                        yield _event({**form.frame(), "choices": [], "usage": _usage(wanted, token.generation)})
            yield "data: [DONE]\n\n"
        except PolicyError as error:
            yield _event(error_body(str(error), status=500, kind="generation"))


class _Form(Protocol):
    """The frame around an answer; chat and plain completions differ in names only."""

    def whole(self, generation: Generation) -> dict[str, JsonValue]: ...

    def frame(self) -> dict[str, JsonValue]: ...

    def opening(self) -> list[dict[str, JsonValue]]: ...

    def piece(self, text: str, *, finish: str | None) -> dict[str, JsonValue]: ...


class _ChatForm:
    def __init__(self, model: str) -> None:
        self._frame = _frame("chatcmpl", model)

    def whole(self, generation: Generation) -> dict[str, JsonValue]:
        message: dict[str, JsonValue] = {"role": "assistant", "content": generation.text}
        choice = _choice("message", message, finish=generation.finish)
        return {**self._frame, "object": "chat.completion", "choices": [choice]}

    def frame(self) -> dict[str, JsonValue]:
        return {**self._frame, "object": "chat.completion.chunk"}

    def opening(self) -> list[dict[str, JsonValue]]:
        choice = _choice("delta", {"role": "assistant", "content": ""}, finish=None)
        return [{**self.frame(), "choices": [choice]}]

    def piece(self, text: str, *, finish: str | None) -> dict[str, JsonValue]:
        return {**self.frame(), "choices": [_choice("delta", {"content": text} if text else {}, finish=finish)]}


class _TextForm:
    def __init__(self, model: str) -> None:
        self._frame = _frame("cmpl", model)

    def whole(self, generation: Generation) -> dict[str, JsonValue]:
        return {**self.frame(), "choices": [_choice("text", generation.text, finish=generation.finish)]}

    def frame(self) -> dict[str, JsonValue]:
        return {**self._frame, "object": "text_completion"}

    def opening(self) -> list[dict[str, JsonValue]]:
        return []

    def piece(self, text: str, *, finish: str | None) -> dict[str, JsonValue]:
        return {**self.frame(), "choices": [_choice("text", text, finish=finish)]}


def error_body(message: str, *, status: int, kind: str, field: str | None = None) -> dict[str, JsonValue]:
    """Return an error in the form of this API, which its client turns into a typed exception by status and code."""
    names = {429: "rate_limit_error", 404: "not_found_error"}
    default = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": names.get(status, default), "param": field, "code": kind}}


def _frame(prefix: str, model: str) -> dict[str, JsonValue]:
    return {"id": f"{prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}


def _choice(name: str, value: JsonValue, *, finish: str | None) -> JsonValue:
    return {"index": 0, name: value, "logprobs": None, "finish_reason": finish}


def _usage(wanted: GenerationRequest, generation: Generation) -> JsonValue:
    read, written = len(wanted.prompt_ids), len(generation.token_ids)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _event(body: Mapping[str, JsonValue]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
