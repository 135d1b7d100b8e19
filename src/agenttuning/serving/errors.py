"""Refusals and failures in the form of the surface that is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.responses import JSONResponse, Response

from agenttuning.errors import BudgetError
from agenttuning.serving import openai_answers, tgi_answers

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

    from agenttuning.errors import PolicyError
    from agenttuning.serving.requests import RequestError

RETRY_AFTER_SECONDS = "1"


def error_response(path: str, message: str, *, status: int, kind: str, field: str | None = None) -> JSONResponse:
    """Return an error as clients of this path read it."""
    if path.startswith("/v1/"):
        body = openai_answers.error_body(message, status=status, kind=kind, field=field)
    else:
        body = tgi_answers.error_body(message, kind=kind)
    return JSONResponse(body, status_code=status)


async def refused(request: Request, error: Exception) -> Response:
    """Answer a request that breaks a rule: 422, on OpenAI's surface 400."""
    refusal = cast("RequestError", error)
    on_v1 = request.url.path.startswith("/v1/")
    status = 400 if on_v1 and refusal.status == 422 else refusal.status
    answer = error_response(request.url.path, str(refusal), status=status, kind=refusal.kind, field=refusal.field)
    if status in {429, 503}:
        answer.headers["retry-after"] = RETRY_AFTER_SECONDS
    return answer


async def failed(request: Request, error: Exception) -> Response:
    """Answer a request that the model failed, or had no time for."""
    if isinstance(error, BudgetError):
        return error_response(request.url.path, str(error), status=504, kind="timeout")
    status = 500 if request.url.path.startswith("/v1/") else 424
    return error_response(request.url.path, str(cast("PolicyError", error)), status=status, kind="generation")


async def unknown(request: Request, error: Exception) -> Response:
    """Answer a path or method that is not there."""
    missing = cast("HTTPException", error)
    text = f"{request.method} {request.url.path}: {missing.detail}"
    return error_response(request.url.path, text, status=missing.status_code, kind="not_found")


async def gone(request: Request, error: Exception) -> Response:
    """Answer a client that does not listen any more."""
    del request, error
    return Response(status_code=499)


async def unforeseen(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw, without its inside."""
    return error_response(request.url.path, f"the server failed: {type(error).__name__}", status=500, kind="server")
