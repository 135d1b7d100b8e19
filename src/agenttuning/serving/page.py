"""The chat page at `/`: one file, no other resource, and nothing in it runs but what is in it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    Endpoint = Callable[[Request], Awaitable[Response]]

_HEADERS = {"cache-control": "no-cache", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}


def page_or(health: Endpoint) -> Endpoint:
    """Answer `GET /`: browsers get the page, clients of Text Generation Inference what they have always got."""

    async def front(request: Request) -> Response:
        """Answer `GET /`: the chat page for browsers, 200 or 503 for health checks."""
        if "text/html" not in request.headers.get("accept", ""):
            return await health(request)
        text, policy = _page()
        return HTMLResponse(text, headers={**_HEADERS, "vary": "accept", "content-security-policy": policy})

    return front


@cache
def _page() -> tuple[str, str]:
    text = Path(__file__).with_name("chat.html").read_text(encoding="utf-8")
    style, script = (_digest(text, name) for name in ("style", "script"))
    policy = (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _digest(text: str, name: str) -> str:
    (content,) = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
