"""Text Generation Inference's HTTP API (3.3): `/generate`, `/generate_stream`, `/tokenize`, `/info`, `/metrics`."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from agenttuning import __version__
from agenttuning.errors import PolicyError
from agenttuning.serving.requests import (
    all_of,
    answered,
    collected,
    encoded,
    failure_kind,
    read_body,
    refuse_unsupported,
)
from agenttuning.serving.tgi_answers import answer_text, details, ending, error_body, event, token_body, top_body
from agenttuning.serving.tgi_bodies import (
    MAX_BEST_OF,
    MAX_STOP,
    MAX_TOP,
    UNSUPPORTED,
    GenerateBody,
    check_choices,
    generation_request,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import JsonValue
    from starlette.requests import Request

    from agenttuning.models.generation import GenerationRequest, Token
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.gate import Door
    from agenttuning.serving.metrics import Metrics
    from agenttuning.serving.settings import ServerSettings


class TgiRoutes:
    """The handlers of this API over one engine."""

    def __init__(self, engine: Engine, settings: ServerSettings, *, door: Door, metrics: Metrics) -> None:
        self._engine = engine
        self._settings = settings
        self._door = door
        self._metrics = metrics

    async def compatible(self, request: Request) -> Response:
        """Answer `POST /`: an array, or a stream where `stream` asks for one."""
        body = await self._read(request)
        return await self._streamed(body) if body.stream else await self._whole(request, body, in_array=True)

    async def generate(self, request: Request) -> Response:
        """Answer `POST /generate`."""
        return await self._whole(request, await self._read(request), in_array=False)

    async def generate_stream(self, request: Request) -> Response:
        """Answer `POST /generate_stream` with one event per token."""
        return await self._streamed(await self._read(request))

    async def tokenize(self, request: Request) -> Response:
        """Answer `POST /tokenize`: the tokens of `inputs` and the bytes that each covers."""
        body = await self._read(request)
        tokens = self._engine.text_tokens(body.inputs)
        return JSONResponse(
            [{"id": token.id, "text": token.text, "start": token.start, "stop": token.stop} for token in tokens]
        )

    async def health(self, request: Request) -> Response:
        """Answer 200 while the server takes requests."""
        del request
        if self._door.draining:
            return JSONResponse({"error": "unhealthy", "error_type": "healthcheck"}, status_code=503)
        return Response()

    async def metrics(self, request: Request) -> Response:
        """Answer `GET /metrics` for Prometheus."""
        del request
        load = self._engine.load
        gauges = {
            "tgi_queue_size": load.waiting,
            "tgi_batch_current_size": load.running,
            "tgi_batch_current_max_tokens": load.running * self._engine.info.max_total_tokens,
            "agenttuning_prefix_cache_bytes": load.cache_bytes,
            "agenttuning_requests_in_progress": self._door.inside,
            "agenttuning_tasks": len(asyncio.all_tasks()),
        }
        counters = {
            "agenttuning_prompt_tokens": load.prompt_tokens,
            "agenttuning_prompt_tokens_cached": load.cached_tokens,
        }
        text = self._metrics.text(gauges, counters=counters)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

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
                "max_best_of": MAX_BEST_OF,
                "max_stop_sequences": MAX_STOP,
                "max_top_n_tokens": MAX_TOP,
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
        body = await read_body(request, GenerateBody, settings=self._settings)
        refuse_unsupported(body.parameters.model_extra, neutral=UNSUPPORTED)
        return body

    async def _request(self, body: GenerateBody, *, streamed: bool) -> GenerationRequest:
        check_choices(body.parameters, semantics=self._settings.semantics, streamed=streamed)
        ids = await encoded(self._engine, body.inputs)
        return generation_request(body.parameters, ids, info=self._engine.info, settings=self._settings)

    async def _whole(self, request: Request, body: GenerateBody, *, in_array: bool) -> Response:
        wanted = await self._request(body, streamed=False)
        sampled = [wanted, *(_reseeded(wanted) for _ in range(1, body.parameters.best_of or 1))]
        began = time.perf_counter()
        found = await answered(request, all_of([collected(self._engine, one) for one in sampled]))
        milliseconds = round(1000 * (time.perf_counter() - began))
        best, *others = sorted(zip(sampled, found, strict=True), key=lambda pair: -_mean_score(pair[1][0]))
        wanted, (tokens, generation) = best
        answer: dict[str, JsonValue] = {"generated_text": answer_text(body, generation), "details": None}
        if body.parameters.wants_details:
            told = details(self._engine, wanted, tokens, generation)
            if others:
                told["best_of_sequences"] = [
                    {"generated_text": answer_text(body, other), **details(self._engine, one, drawn, other)}
                    for one, (drawn, other) in others
                ]
            answer["details"] = told
        headers = {
            **self._headers(body),
            "x-compute-time": f"{milliseconds / 1000:.3f}",
            "x-total-time": str(milliseconds),
            "x-prompt-tokens": str(len(wanted.prompt_ids)),
            "x-generated-tokens": str(len(tokens)),
            "x-time-per-token": str(round(milliseconds / len(tokens))),
        }
        return JSONResponse([answer] if in_array else answer, headers=headers)

    def _headers(self, body: GenerateBody) -> dict[str, str]:
        return {"x-compute-type": self._engine.info.device, "x-compute-characters": str(len(body.inputs))}

    async def _streamed(self, body: GenerateBody) -> Response:
        headers = {**self._headers(body), "x-accel-buffering": "no", "cache-control": "no-cache"}
        events = self._events(body, await self._request(body, streamed=True))
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _events(self, body: GenerateBody, wanted: GenerationRequest) -> AsyncIterator[str]:
        index = 0
        try:
            async for token in self._engine.stream(wanted):
                index += 1
                told: dict[str, JsonValue] = {"index": index, "token": token_body(token)}
                if wanted.top:
                    told["top_tokens"] = top_body(self._engine, token)
                told |= {"generated_text": None, "details": None}
                if token.generation is not None:
                    told["generated_text"] = answer_text(body, token.generation)
                    if body.parameters.details:
                        told["details"] = {
                            **ending(wanted, token.generation),
                            "input_length": len(wanted.prompt_ids),
                        }
                yield event(told)
        except PolicyError as error:
            yield event(error_body(str(error), kind=failure_kind(error)))


def _reseeded(wanted: GenerationRequest) -> GenerationRequest:
    return replace(wanted, sampling=wanted.sampling.model_copy(update={"seed": secrets.randbits(63)}))


def _mean_score(tokens: list[Token]) -> float:
    return fmean(token.logprob for token in tokens)
