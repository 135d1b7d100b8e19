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
from agenttuning.serving.openapi import LOCAL, Bodies, describe
from agenttuning.serving.page import page_or
from agenttuning.serving.requests import RequestError
from agenttuning.serving.tokens import TokenRoutes
from agenttuning.serving.watched import WatchedEngine

if TYPE_CHECKING:
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.proxy_openai import GatewayOpenAI
    from agenttuning.serving.proxy_routes import GatewayTgi
    from agenttuning.serving.proxy_tokens import GatewayTokens
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
        Route("/chat_tokenize", TokenRoutes(watched, settings).chat_tokenize, methods=["POST"]),
    ]
    return _guarded(routes, settings, door, metrics, bodies=LOCAL)


def gateway_app(
    text: GatewayTgi,
    chat: GatewayOpenAI,
    tokens: GatewayTokens,
    settings: ServerSettings,
    *,
    door: Door,
    metrics: Metrics,
) -> Starlette:
    """Return the ASGI application of a gateway: both surfaces, whatever answers behind them.

    Raises:
        StageError: the variable that must hold the key holds none.
    """
    from agenttuning.serving.proxy_openai import PassedBody
    from agenttuning.serving.proxy_tgi import GenerateBody

    routes = [
        *_surfaces(text, chat),
        Route("/tokenize", tokens.tokenize, methods=["POST"]),
        Route("/chat_tokenize", tokens.chat_tokenize, methods=["POST"]),
    ]
    bodies = Bodies(generate=GenerateBody, chat=PassedBody, completion=PassedBody, passed=True)
    return _guarded(routes, settings, door, metrics, bodies=bodies)


def _guarded(
    routes: list[Route], settings: ServerSettings, door: Door, metrics: Metrics, *, bodies: Bodies
) -> Starlette:
    key, limit = _key(settings), settings.max_concurrent
    document = describe(routes, bodies, keyed=key is not None)

    async def description(request: Request) -> Response:
        del request
        return JSONResponse(document)

    return Starlette(
        routes=[*routes, Route("/openapi.json", description, methods=["GET"])],
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
        Route("/metrics", text.metrics, methods=["GET"]),
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
