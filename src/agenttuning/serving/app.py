"""One application, two surfaces: Text Generation Inference's API and OpenAI's, over one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agenttuning.errors import PolicyError
from agenttuning.serving import openai, tgi
from agenttuning.serving.requests import RequestError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from agenttuning.serving.engine import Engine
    from agenttuning.serving.proxy import GatewayOpenAI, GatewayTgi
    from agenttuning.serving.settings import ServerSettings

_RETRY_AFTER_SECONDS = "1"


def create_app(engine: Engine, settings: ServerSettings) -> Starlette:
    """Return the ASGI application; who made the engine closes it."""
    return surfaces_app(tgi.TgiRoutes(engine, settings), openai.OpenAIRoutes(engine, settings), settings)


def surfaces_app(
    text: tgi.TgiRoutes | GatewayTgi, chat: openai.OpenAIRoutes | GatewayOpenAI, settings: ServerSettings
) -> Starlette:
    """Return the ASGI application of two surfaces, whatever answers behind them."""
    routes = [
        Route("/", text.compatible, methods=["POST"]),
        Route("/", text.health, methods=["GET"]),
        Route("/generate", text.generate, methods=["POST"]),
        Route("/generate_stream", text.generate_stream, methods=["POST"]),
        Route("/health", text.health, methods=["GET"]),
        Route("/ping", text.health, methods=["GET"]),
        Route("/info", text.information, methods=["GET"]),
        Route("/v1/models", chat.models, methods=["GET"]),
        Route("/v1/chat/completions", chat.chat, methods=["POST"]),
        Route("/v1/completions", chat.completions, methods=["POST"]),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(AdmissionGate, limit=settings.max_concurrent)],
        exception_handlers={
            RequestError: _refused,
            PolicyError: _failed,
            HTTPException: _unknown,
            ClientDisconnect: _gone,
            Exception: _unforeseen,
        },
    )


class AdmissionGate:
    """Refuses a request while as many as the limit are in progress, streams until their last byte included."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429 with `Retry-After`."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if self._inside >= self._limit:
            text = f"{self._limit} requests are in progress, which is this server's limit; try again"
            refusal = _error(scope["path"], text, status=429, kind="overloaded")
            refusal.headers["retry-after"] = _RETRY_AFTER_SECONDS
            await refusal(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1


def _error(path: str, message: str, *, status: int, kind: str, field: str | None = None) -> JSONResponse:
    if path.startswith("/v1/"):
        return JSONResponse(openai.error_body(message, status=status, kind=kind, field=field), status_code=status)
    return JSONResponse(tgi.error_body(message, kind=kind), status_code=status)


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast("RequestError", error)
    on_v1 = request.url.path.startswith("/v1/")
    status = 400 if on_v1 and refusal.status == 422 else refusal.status
    response = _error(request.url.path, str(refusal), status=status, kind=refusal.kind, field=refusal.field)
    if status in {429, 503}:
        response.headers["retry-after"] = _RETRY_AFTER_SECONDS
    return response


async def _failed(request: Request, error: Exception) -> Response:
    status = 500 if request.url.path.startswith("/v1/") else 424
    return _error(request.url.path, str(error), status=status, kind="generation")


async def _unknown(request: Request, error: Exception) -> Response:
    unknown = cast("HTTPException", error)
    text = f"{request.method} {request.url.path}: {unknown.detail}"
    return _error(request.url.path, text, status=unknown.status_code, kind="not_found")


async def _gone(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=499)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return _error(request.url.path, f"the server failed: {type(error).__name__}", status=500, kind="server")
