"""Text Generation Inference's routes of the gateway: each is translated into `/v1/completions`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from agenttuning import __version__
from agenttuning.errors import PolicyError
from agenttuning.serving.proxy_relay import STREAM_HEADERS, Relay, checked
from agenttuning.serving.proxy_tgi import NEUTRAL, GenerateBody, Translation, read_chunks, read_completion
from agenttuning.serving.requests import answered, read_body, refuse_unsupported
from agenttuning.serving.tgi_answers import error_body, event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from agenttuning.serving.metrics import Metrics
    from agenttuning.serving.proxy_replicas import Answer, ReplicaPool
    from agenttuning.serving.proxy_settings import GatewaySettings


class GatewayTgi:
    """Text Generation Inference's routes over OpenAI servers."""

    def __init__(self, pool: ReplicaPool, settings: GatewaySettings, *, metrics: Metrics) -> None:
        self._pool = pool
        self._settings = settings
        self._metrics = metrics

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

    async def metrics(self, request: Request) -> Response:
        """Answer `GET /metrics` for Prometheus."""
        del request
        replicas = self._pool.replicas
        gauges = {"tgi_queue_size": 0, "tgi_batch_current_size": sum(replica.in_flight for replica in replicas)}
        lines = [self._metrics.text(gauges, counters={})]
        for name, value in (("healthy", lambda one: int(one.healthy)), ("in_flight", lambda one: one.in_flight)):
            lines.append(f"# TYPE agenttuning_replica_{name} gauge\n")
            lines += [f'agenttuning_replica_{name}{{url="{one.url}"}} {value(one)}\n' for one in replicas]
        return PlainTextResponse("".join(lines), media_type="text/plain; version=0.0.4")

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
            self._metrics.observe("tgi_request_input_length", found.usage.prompt_tokens)
            self._metrics.observe("tgi_request_generated_tokens", found.usage.completion_tokens)
            headers["x-prompt-tokens"] = str(found.usage.prompt_tokens)
            headers["x-generated-tokens"] = str(found.usage.completion_tokens)
        return JSONResponse([answer] if in_array else answer, headers=headers)

    async def _content(self, wanted: Translation) -> bytes:
        answer = await self._pool.send("/v1/completions", wanted.request(stream=False))
        try:
            return await checked(answer)
        finally:
            answer.close()

    async def _streamed(self, request: Request, body: GenerateBody) -> Response:
        wanted = Translation(body, self._settings)
        answer = await answered(request, self._pool.send("/v1/completions", wanted.request(stream=True)))
        if answer.status != 200:
            try:
                await checked(answer)
            finally:
                answer.close()
        headers = {**STREAM_HEADERS, "x-compute-characters": str(len(body.inputs))}
        return Relay(answer, self._events(answer, wanted), headers=headers)

    async def _events(self, answer: Answer, wanted: Translation) -> AsyncIterator[str]:
        try:
            async for told in wanted.events(read_chunks(answer.chunks())):
                yield event(told)
        except PolicyError as error:
            yield event(error_body(str(error), kind="generation"))
