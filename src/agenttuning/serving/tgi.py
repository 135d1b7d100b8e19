"""Text Generation Inference's HTTP API (3.3): `/`, `/generate`, `/generate_stream`, `/info`, `/health`."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import JSONResponse, Response, StreamingResponse

from agenttuning import __version__
from agenttuning.core.records import Sampling
from agenttuning.errors import PolicyError
from agenttuning.models.generation import GenerationRequest
from agenttuning.serving.requests import RequestError, answered, collected, read_body, refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from agenttuning.models.generation import Generation, Token
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.settings import ServerSettings

_MAX_STOP = 4
_NEUTRAL: dict[str, tuple[JsonValue, ...]] = {
    "adapter_id": (None,),
    "best_of": (None, 1),
    "decoder_input_details": (None, False),
    "frequency_penalty": (None, 0),
    "grammar": (None,),
    "repetition_penalty": (None, 1),
    "top_n_tokens": (None, 0),
    "typical_p": (None, 1),
}


class Parameters(BaseModel):
    """How to continue the prompt."""

    model_config = ConfigDict(extra="allow")

    max_new_tokens: int | None = Field(default=None, gt=0)
    do_sample: bool = False
    temperature: float | None = Field(default=None, gt=0)
    top_k: int | None = Field(default=None, gt=0)
    top_p: float | None = Field(default=None, gt=0, lt=1)
    seed: int | None = Field(default=None, ge=0, lt=1 << 64)
    stop: list[str] = Field(default=[], max_length=_MAX_STOP)
    truncate: int | None = Field(default=None, gt=0)
    details: bool = False
    return_full_text: bool | None = None


class GenerateBody(BaseModel):
    """A raw prompt and its parameters."""

    inputs: str = Field(min_length=1)
    parameters: Parameters = Parameters()
    stream: bool = False
    """Read on `/` only."""


class TgiRoutes:
    """The handlers of this API over one engine."""

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self._engine = engine
        self._settings = settings

    async def compatible(self, request: Request) -> Response:
        """Answer `POST /`: an array, or a stream where `stream` asks for one."""
        body = await self._read(request)
        return self._streamed(body) if body.stream else await self._whole(request, body, in_array=True)

    async def generate(self, request: Request) -> Response:
        """Answer `POST /generate`."""
        return await self._whole(request, await self._read(request), in_array=False)

    async def generate_stream(self, request: Request) -> Response:
        """Answer `POST /generate_stream` with one event per token."""
        return self._streamed(await self._read(request))

    async def health(self, request: Request) -> Response:
        """Answer 200 while the server takes requests."""
        del request
        return Response()

    async def information(self, request: Request) -> Response:
        """Describe model and limits, in the words of version 3 and of version 1."""
        del request
        info, settings = self._engine.info, self._settings
        longest = info.max_total_tokens - 1
        return JSONResponse(
            {
                "model_id": info.model,
                "model_sha": None,
                "model_dtype": info.dtype,
                "model_device_type": info.device,
                "model_pipeline_tag": "text-generation",
                "max_concurrent_requests": settings.max_concurrent,
                "max_best_of": 1,
                "max_stop_sequences": _MAX_STOP,
                "max_input_tokens": longest,
                "max_input_length": longest,
                "max_total_tokens": info.max_total_tokens,
                "max_batch_total_tokens": settings.max_batch * info.max_total_tokens,
                "max_waiting_tokens": 1,
                "waiting_served_ratio": 0.0,
                "validation_workers": 1,
                "max_client_batch_size": 1,
                "router": "text-generation-router",
                "version": __version__,
                "sha": None,
                "docker_label": None,
                "template_digest": info.template,
                "sampling_semantics": settings.semantics,
            }
        )

    async def _read(self, request: Request) -> GenerateBody:
        body = await read_body(request, GenerateBody, max_bytes=self._settings.max_body_bytes)
        refuse_unsupported(body.parameters.model_extra, neutral=_NEUTRAL)
        return body

    def _request(self, body: GenerateBody) -> GenerationRequest:
        """Check the lengths and settle how tokens are drawn.

        Raises:
            RequestError: the prompt is too long, alone or with the answer asked for.
        """
        asked, limit = body.parameters, self._engine.info.max_total_tokens
        if asked.truncate is not None and asked.truncate >= limit:
            raise RequestError(f"`truncate` must be less than {limit}. Given: {asked.truncate}")
        ids = self._engine.encode(body.inputs)
        ids = ids[-asked.truncate :] if asked.truncate is not None else ids
        if len(ids) >= limit:
            raise RequestError(f"`inputs` must have less than {limit} tokens. Given: {len(ids)}")
        length = asked.max_new_tokens if asked.max_new_tokens is not None else limit - len(ids)
        if len(ids) + length > limit:
            raise RequestError(
                f"`inputs` tokens + `max_new_tokens` must be <= {limit}. "
                f"Given: {len(ids)} `inputs` tokens and {length} `max_new_tokens`"
            )
        return GenerationRequest(ids, self._sampling(asked, length), tuple(mark for mark in asked.stop if mark))

    def _sampling(self, asked: Parameters, length: int) -> Sampling:
        changed = asked.temperature not in {None, 1.0} or asked.top_k is not None or asked.top_p is not None
        if not asked.do_sample and (self._settings.semantics == "strict" or not changed):
            return Sampling(max_new_tokens=length)
        return Sampling(
            temperature=asked.temperature or 1.0,
            top_p=asked.top_p or 1.0,
            top_k=asked.top_k or 0,
            max_new_tokens=length,
            seed=secrets.randbits(63) if asked.seed is None else asked.seed,
        )

    async def _whole(self, request: Request, body: GenerateBody, *, in_array: bool) -> Response:
        wanted = self._request(body)
        began = time.perf_counter()
        tokens, generation = await answered(request, collected(self._engine.stream(wanted)))
        milliseconds = round(1000 * (time.perf_counter() - began))
        answer: dict[str, JsonValue] = {"generated_text": _text(body, generation), "details": None}
        if body.parameters.details:
            answer["details"] = {
                **_details(wanted, generation),
                "prefill": [],
                "tokens": [_token(token) for token in tokens],
            }
        headers = {
            "x-compute-type": self._engine.info.device,
            "x-compute-characters": str(len(body.inputs)),
            "x-compute-time": f"{milliseconds / 1000:.3f}",
            "x-total-time": str(milliseconds),
            "x-prompt-tokens": str(len(wanted.prompt_ids)),
            "x-generated-tokens": str(len(tokens)),
            "x-time-per-token": str(round(milliseconds / len(tokens))),
        }
        return JSONResponse([answer] if in_array else answer, headers=headers)

    def _streamed(self, body: GenerateBody) -> Response:
        headers = {
            "x-compute-type": self._engine.info.device,
            "x-compute-characters": str(len(body.inputs)),
            "x-accel-buffering": "no",
            "cache-control": "no-cache",
        }
        events = self._events(body, self._request(body))
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _events(self, body: GenerateBody, wanted: GenerationRequest) -> AsyncIterator[str]:
        index = 0
        try:
            async for token in self._engine.stream(wanted):
                index += 1
                event: dict[str, JsonValue] = {"index": index, "token": _token(token)}
                event |= {"generated_text": None, "details": None}
                if token.generation is not None:
                    event["generated_text"] = _text(body, token.generation)
                    if body.parameters.details:
                        details = _details(wanted, token.generation)
                        event["details"] = {**details, "input_length": len(wanted.prompt_ids)}
                yield _event(event)
        except PolicyError as error:
            yield _event(error_body(str(error), kind="generation"))


def error_body(message: str, *, kind: str) -> dict[str, JsonValue]:
    """Return an error in the form of this API."""
    shown = f"Input validation error: {message}" if kind == "validation" else message
    return {"error": shown, "error_type": kind}


def _event(body: dict[str, JsonValue]) -> str:
    return f"data:{json.dumps(body, ensure_ascii=False)}\n\n"


def _token(token: Token) -> dict[str, JsonValue]:
    return {"id": token.id, "text": token.text, "logprob": token.logprob, "special": token.special}


def _text(body: GenerateBody, generation: Generation) -> str:
    """Return the text with its stop string, which this API keeps."""
    prompt = body.inputs if body.parameters.return_full_text else ""
    return prompt + generation.text + generation.stop_text


def _details(wanted: GenerationRequest, generation: Generation) -> dict[str, JsonValue]:
    """Return how the answer ended; the length limit is looked at first, as in the original."""
    count = len(generation.token_ids)
    ended = "stop_sequence" if generation.stop_text else "eos_token"
    reason = "length" if count >= wanted.sampling.max_new_tokens else ended
    seed = wanted.sampling.seed if wanted.sampling.temperature > 0 else None
    return {"finish_reason": reason, "generated_tokens": count, "seed": seed}
