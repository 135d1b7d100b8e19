"""Answers of the servers behind the gateway, handed on: whole, as a stream, or as an error in the surface's form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from agenttuning.errors import PolicyError
from agenttuning.serving.proxy_tgi import error_text
from agenttuning.serving.requests import RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import Receive, Scope, Send

    from agenttuning.serving.proxy_replicas import Answer

STREAM_HEADERS = {"x-accel-buffering": "no", "cache-control": "no-cache"}


class Relay(StreamingResponse):
    """A stream that lets go of the server behind it however it ends, even before its first event."""

    def __init__(self, answer: Answer, events: AsyncIterator[str | bytes], *, headers: Mapping[str, str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and let go."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


async def closing(answer: Answer) -> Response:
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


async def unbroken(answer: Answer) -> AsyncIterator[bytes]:
    """Yield the bytes as they come; where the server breaks off, an error event is the end."""
    try:
        async for chunk in answer.chunks():
            yield chunk
    except PolicyError as error:
        told = {"message": str(error), "type": "server_error", "param": None, "code": "generation"}
        yield f"\n\ndata: {json.dumps({'error': told})}\n\n".encode()


async def checked(answer: Answer) -> bytes:
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
