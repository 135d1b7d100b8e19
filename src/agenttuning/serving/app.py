"""One application, two surfaces: Text Generation Inference's API and OpenAI's, over one engine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agenttuning.errors import PolicyError, StageError
from agenttuning.serving import errors, openai, tgi
from agenttuning.serving.gate import AdmissionGate, Door
from agenttuning.serving.metrics import Metrics
from agenttuning.serving.openapi import describe
from agenttuning.serving.page import page_or
from agenttuning.serving.requests import RequestError
from agenttuning.serving.watched import WatchedEngine

if TYPE_CHECKING:
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.proxy import GatewayOpenAI, GatewayTgi
    from agenttuning.serving.settings import ServerSettings


def create_app(engine: Engine, settings: ServerSettings, *, door: Door | None = None) -> Starlette:
    """Return the ASGI application; who made the engine closes it, and who gives a door may close that.

    Raises:
        StageError: the variable that must hold the key holds none.
    """
    door, metrics = door or Door(), Metrics()
    watched = WatchedEngine(engine, metrics, max_seconds=settings.max_seconds)
    text = tgi.TgiRoutes(watched, settings, door=door, metrics=metrics)
    routes = [
        *_surfaces(text, openai.OpenAIRoutes(watched, settings)),
        Route("/tokenize", text.tokenize, methods=["POST"]),
        Route("/metrics", text.metrics, methods=["GET"]),
    ]
    document = describe(routes, keyed=settings.key_variable is not None)

    async def description(request: Request) -> Response:
        del request
        return JSONResponse(document)

    return _guarded([*routes, Route("/openapi.json", description, methods=["GET"])], settings, door, metrics)


def gateway_app(text: GatewayTgi, chat: GatewayOpenAI, settings: ServerSettings, *, door: Door) -> Starlette:
    """Return the ASGI application of a gateway: both surfaces, whatever answers behind them.

    Raises:
        StageError: the variable that must hold the key holds none.
    """
    return _guarded(_surfaces(text, chat), settings, door, Metrics())


def _guarded(routes: list[Route], settings: ServerSettings, door: Door, metrics: Metrics) -> Starlette:
    key, limit = _key(settings), settings.max_concurrent
    return Starlette(
        routes=routes,
        middleware=[Middleware(AdmissionGate, door=door, metrics=metrics, limit=limit, key=key)],
        exception_handlers={
            RequestError: errors.refused,
            PolicyError: errors.failed,
            HTTPException: errors.unknown,
            ClientDisconnect: errors.gone,
            Exception: errors.unforeseen,
        },
    )


def _surfaces(text: tgi.TgiRoutes | GatewayTgi, chat: openai.OpenAIRoutes | GatewayOpenAI) -> list[Route]:
    return [
        Route("/", text.compatible, methods=["POST"]),
        Route("/", page_or(text.health), methods=["GET"]),
        Route("/generate", text.generate, methods=["POST"]),
        Route("/generate_stream", text.generate_stream, methods=["POST"]),
        Route("/health", text.health, methods=["GET"]),
        Route("/ping", text.health, methods=["GET"]),
        Route("/info", text.information, methods=["GET"]),
        Route("/v1/models", chat.models, methods=["GET"]),
        Route("/v1/chat/completions", chat.chat, methods=["POST"]),
        Route("/v1/completions", chat.completions, methods=["POST"]),
    ]


def _key(settings: ServerSettings) -> str | None:
    if settings.key_variable is None:
        return None
    key = os.environ.get(settings.key_variable, "").strip()
    if not key:
        raise StageError(
            f"the variable {settings.key_variable!r} holds no key; set it (`export {settings.key_variable}=...`), "
            "or leave out `key_variable` to serve without one"
        )
    return key
