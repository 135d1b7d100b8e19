"""OpenAI's routes of the gateway: passed on byte by byte, under the served model's name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import JSONResponse, Response

from agenttuning.serving.proxy_relay import STREAM_HEADERS, Relay, closing, unbroken
from agenttuning.serving.requests import answered, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from agenttuning.serving.proxy_replicas import ReplicaPool
    from agenttuning.serving.proxy_settings import GatewaySettings


class PassedBody(BaseModel):
    """A body of OpenAI's interface; the server behind checks it."""

    model_config = ConfigDict(extra="allow")

    stream: bool | None = False


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
        body = await read_body(request, PassedBody, settings=self._settings)
        told: dict[str, JsonValue] = {**(body.model_extra or {}), "stream": bool(body.stream)}
        if not body.stream:
            return await answered(request, self._content(path, told))
        answer = await answered(request, self._pool.send(path, told))
        if answer.status != 200:
            return await closing(answer)
        return Relay(answer, unbroken(answer), headers=STREAM_HEADERS)

    async def _content(self, path: str, body: Mapping[str, JsonValue]) -> Response:
        return await closing(await self._pool.send(path, body))
