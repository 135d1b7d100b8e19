"""One HTTP endpoint of a model server: what is tried again, what is not, and what each error means to an episode.

Tried again, with growing and jittered waits, or after what `Retry-After` asks: 408, 409, 425, 429, 5xx, and
connections that fail. Everything else fails at once. An error never becomes an empty answer.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from agenttuning.errors import ContextLimitError, PolicyError, RecipeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from pydantic import JsonValue

    from agenttuning.policies.config import ServerConfig

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_LONGEST_WAIT_SECONDS = 60.0
_PASSING = frozenset({408, 409, 425, 429})
_TOO_LONG = re.compile(
    r"context.?(length|window)|maximum context|max_total_tokens|too long"
    r"|inputs.{0,60}must (be <=|have less than) \d+",
    re.IGNORECASE,
)
_ADVICE = {
    401: "check the key in the variable that `api_key_env` names",
    403: "the key may not use this model; check both",
    404: "check `base_url` (an OpenAI endpoint's ends with /v1) and `model`",
    422: "the server does not take these parameters; compare `sampling` and `stop` with its limits",
}


class _PassingError(PolicyError):
    """An answer that another attempt may better."""

    def __init__(self, text: str, *, wait_seconds: float | None) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


class Endpoint:
    """Posts JSON and returns checked answers."""

    def __init__(self, client: httpx.AsyncClient, config: ServerConfig) -> None:
        self._client = client
        self._config = config

    async def post(
        self, path: str, body: Mapping[str, JsonValue], *, answer: type[AnswerT]
    ) -> tuple[AnswerT, httpx.Headers]:
        """Return the server's answer as a record, and the headers that came with it.

        Raises:
            ContextLimitError: the conversation is longer than the server's model takes.
            PolicyError: no usable answer within the attempts and the deadline; names the server and the last error.
        """
        try:
            async with asyncio.timeout(self._config.deadline_seconds):
                response = await self._persist(path, body)
        except TimeoutError as error:
            raise PolicyError(
                f"{self._url(path)} gave no answer within deadline_seconds={self._config.deadline_seconds:g}"
            ) from error
        except httpx.HTTPError as error:
            raise PolicyError(
                f"cannot reach {self._url(path)}: {type(error).__name__} {error}; is the server running there?"
            ) from error
        try:
            return answer.model_validate_json(response.content), response.headers
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "body"
            raise PolicyError(
                f"{self._url(path)} answered in an unknown form ({where}: {first['msg']}): {_excerpt(response)}"
            ) from error

    async def _persist(self, path: str, body: Mapping[str, JsonValue]) -> httpx.Response:
        first = self._config.first_wait_seconds
        attempts = stamina.retry_context(
            on=self._verdict,
            attempts=self._config.max_attempts,
            timeout=self._config.deadline_seconds,
            wait_initial=first,
            wait_max=_LONGEST_WAIT_SECONDS,
            wait_jitter=first,
        )
        async for attempt in attempts:
            with attempt:
                return self._checked(await self._client.post(path, json=body))
        raise PolicyError(f"{self._url(path)}: no attempt was made")

    def _verdict(self, error: Exception) -> bool | float:
        """Say whether, or after how many seconds, another attempt makes sense."""
        if isinstance(error, _PassingError) and error.wait_seconds is not None:
            return error.wait_seconds + random.uniform(0, self._config.first_wait_seconds)
        return isinstance(error, _PassingError | httpx.TransportError)

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        status, told = response.status_code, _excerpt(response)
        text = f"{response.request.url} answered {status}: {told}"
        if status in _PASSING or status >= 500:
            raise _PassingError(text, wait_seconds=_retry_after(response.headers.get("retry-after")))
        if status in {400, 413, 422} and _TOO_LONG.search(response.text):
            raise ContextLimitError(text)
        raise PolicyError(f"{text}; {_ADVICE.get(status, 'the request itself is at fault, so it is not repeated')}")

    def _url(self, path: str) -> str:
        return f"{str(self._client.base_url).rstrip('/')}/{path}"


@asynccontextmanager
async def open_endpoint(
    config: ServerConfig, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Endpoint]:
    """Open the connection pool; nothing is sent yet.

    Raises:
        RecipeError: the key's variable is empty, or the URL is none.
    """
    headers = {}
    if config.api_key_env is not None:
        key = os.environ.get(config.api_key_env)
        if not key:
            raise RecipeError(
                f"the environment variable {config.api_key_env!r} is empty; export it, or drop api_key_env"
            )
        headers["Authorization"] = f"Bearer {key}"
    if not config.base_url.startswith(("http://", "https://")):
        raise RecipeError(f"base_url must begin with http:// or https://, got {config.base_url!r}")
    async with httpx.AsyncClient(
        base_url=config.base_url.rstrip("/") + "/",
        headers=headers,
        timeout=httpx.Timeout(config.attempt_timeout_seconds, connect=10.0, pool=None),
        limits=httpx.Limits(max_connections=config.max_connections, max_keepalive_connections=config.max_connections),
        transport=transport,
    ) as client:
        yield Endpoint(client, config)


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for; it holds seconds or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _excerpt(response: httpx.Response) -> str:
    text = " ".join(response.text.split())
    return repr(text if len(text) <= 300 else f"{text[:300]}...")
