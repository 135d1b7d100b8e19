"""A language model that works inside a world: a tool that answers, a judge of answers. Not the model that plays.

Any OpenAI-compatible endpoint. Tried again, with growing and jittered waits or after what `Retry-After` asks: 408, 409,
425, 429, 5xx and connections that fail; everything else fails at once. An error never becomes an empty answer.
"""

from __future__ import annotations

import asyncio
import os
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Literal, Self

import httpx
from pydantic import BaseModel, Field, ValidationError

from agenttuning.core.records import Record
from agenttuning.errors import RecipeError, WorldError

if TYPE_CHECKING:
    from types import TracebackType

_PASSING: Final = frozenset({408, 409, 425, 429})
_LONGEST_WAIT_SECONDS: Final = 60.0


class ChatModelSettings(Record):
    """Which model answers, and how."""

    base_url: str
    """Where the endpoint answers, its own `/v1` included, such as `http://127.0.0.1:8000/v1`."""
    model: str
    """As the endpoint calls it; stands in every number that it helps to make."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None sends none."""
    temperature: float = Field(default=0.0, ge=0.0)
    """0 is greedy."""
    max_tokens: int = Field(default=256, gt=0)
    """Tokens of one answer."""
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls that limit; reasoning models want the second."""
    deadline_seconds: float = Field(default=120.0, gt=0)
    """For one answer, all attempts and waits together."""
    max_attempts: int = Field(default=5, gt=0)
    """Attempts per answer; only errors that can pass are tried again."""
    first_wait_seconds: float = Field(default=0.5, ge=0)
    """Before the second attempt; doubles with every further one, plus jitter of the same size."""


class _Content(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Content


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class ChatModel:
    """Answers one prompt at a time, or many at once; nothing is sent before the first.

    Raises:
        RecipeError: the key's variable is empty, or the URL is none.
    """

    def __init__(self, settings: ChatModelSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._jitter = random.Random()
        self._client = httpx.AsyncClient(
            base_url=_checked_url(settings.base_url),
            headers=_headers(settings.api_key_env),
            timeout=httpx.Timeout(settings.deadline_seconds, connect=10.0, pool=None),
            transport=transport,
        )

    @property
    def name(self) -> str:
        """The model, as it stands in every number that it helps to make."""
        return self._settings.model

    async def ask(self, prompt: str, *, system: str | None = None) -> str:
        """Return the answer to one prompt, never an empty one.

        Raises:
            WorldError: no answer within the attempts and the deadline; names the server and the last error.
        """
        opening = [{"role": "system", "content": system}] if system is not None else []
        body = {
            "model": self._settings.model,
            "messages": [*opening, {"role": "user", "content": prompt}],
            "temperature": self._settings.temperature,
            self._settings.length_field: self._settings.max_tokens,
        }
        deadline = self._settings.deadline_seconds
        try:
            async with asyncio.timeout(deadline):
                response = await self._persist(body)
        except TimeoutError as error:
            raise WorldError(f"{self._where()} gave no answer within deadline_seconds={deadline:g}") from error
        return self._read(response)

    async def _persist(self, body: dict[str, object]) -> httpx.Response:
        for attempt in range(1, self._settings.max_attempts + 1):
            asked_wait = None
            try:
                response = await self._client.post("chat/completions", json=body)
            except httpx.TransportError as error:
                told = f"cannot reach {self._where()}: {type(error).__name__} {error}; is the server running there?"
            else:
                if response.is_success:
                    return response
                told = f"{self._where()} answered {response.status_code}: {_excerpt(response)}"
                if response.status_code not in _PASSING and response.status_code < 500:
                    break
                asked_wait = _retry_after(response.headers.get("retry-after"))
            if attempt < self._settings.max_attempts:
                await asyncio.sleep(self._wait(attempt) if asked_wait is None else asked_wait)
        raise WorldError(told)

    def _wait(self, attempt: int) -> float:
        first = self._settings.first_wait_seconds
        return float(min(first * 2 ** (attempt - 1), _LONGEST_WAIT_SECONDS) + self._jitter.uniform(0, first))

    def _read(self, response: httpx.Response) -> str:
        try:
            content = _Completion.model_validate_json(response.content).choices[0].message.content
        except ValidationError as error:
            raise WorldError(f"{self._where()} answered in an unknown form: {_excerpt(response)}") from error
        if not content or not content.strip():
            limit = f"{self._settings.length_field}={self._settings.max_tokens}"
            raise WorldError(f"{self._where()} answered with nothing; a model that thinks first may need more {limit}")
        return content.strip()

    def _where(self) -> str:
        return f"{self._settings.model!r} at {self._settings.base_url.rstrip('/')}/chat/completions"

    async def close(self) -> None:
        """Close the connections; safe to call twice."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _checked_url(base_url: str) -> str:
    if not base_url.startswith(("http://", "https://")):
        raise RecipeError(f"base_url must begin with http:// or https://, got {base_url!r}")
    return base_url.rstrip("/") + "/"


def _headers(api_key_env: str | None) -> dict[str, str]:
    if api_key_env is None:
        return {}
    key = os.environ.get(api_key_env)
    if not key:
        raise RecipeError(f"the environment variable {api_key_env!r} is empty; export it, or drop api_key_env")
    return {"Authorization": f"Bearer {key}"}


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for; it holds seconds or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _excerpt(response: httpx.Response) -> str:
    text = " ".join(response.text.split())
    return repr(text if len(text) <= 300 else f"{text[:300]}...")
