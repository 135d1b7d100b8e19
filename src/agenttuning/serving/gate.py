"""Who may enter: the key, the number of requests in progress, and the end that waits for them."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from agenttuning.serving.errors import RETRY_AFTER_SECONDS, error_response
from agenttuning.serving.metrics import ARRIVED

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from agenttuning.serving.metrics import Metrics

_NAMES = {
    404: "not_found",
    405: "not_found",
    408: "timeout",
    429: "overloaded",
    499: "disconnected",
    503: "draining",
    504: "timeout",
}


class Door:
    """How many requests are inside, and whether more may come; shared by the gate and by who ends the server."""

    def __init__(self) -> None:
        self.inside = 0
        self.draining = False


class AdmissionGate:
    """Counts every request that asks for work, and refuses it without the key, beyond the limit, or at the end.

    A stream is inside until its last byte.
    """

    def __init__(self, app: ASGIApp, *, door: Door, metrics: Metrics, limit: int, key: str | None) -> None:
        self._app = app
        self._door = door
        self._metrics = metrics
        self._limit = limit
        self._key = None if key is None else f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        began, status = time.perf_counter(), 499

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        ARRIVED.set(began)
        self._metrics.count("tgi_request_count")
        self._door.inside += refusal is None
        try:
            await (refusal or self._app)(scope, receive, watched)
        finally:
            self._door.inside -= refusal is None
            self._record(status, seconds=time.perf_counter() - began)

    def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if self._key is not None:
            given = Headers(scope=scope).get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, self._key):
                text = "this server needs the header `Authorization: Bearer KEY` with its key"
                answer = error_response(path, text, status=401, kind="authentication")
                answer.headers["www-authenticate"] = "Bearer"
                return answer
        if self._door.draining:
            answer = error_response(path, "the server is about to end; ask another one", status=503, kind="draining")
        elif self._door.inside >= self._limit:
            text = f"{self._limit} requests are in progress, which is this server's limit; try again"
            answer = error_response(path, text, status=429, kind="overloaded")
        else:
            return None
        answer.headers["retry-after"] = RETRY_AFTER_SECONDS
        return answer

    def _record(self, status: int, *, seconds: float) -> None:
        if status < 400:
            self._metrics.count("tgi_request_success")
            self._metrics.observe("tgi_request_duration", seconds)
        else:
            reason = _NAMES.get(status, "validation" if status < 424 else "generation")
            self._metrics.count("tgi_request_failure", err=reason)
