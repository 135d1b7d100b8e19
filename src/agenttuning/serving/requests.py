"""What every route does with a request before and while it is answered: size, form, failures, clients that leave."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError, model_validator
from starlette.requests import ClientDisconnect

from agenttuning.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Mapping, Sequence

    from starlette.requests import Request

    from agenttuning.errors import PolicyError
    from agenttuning.models.generation import Generation, GenerationRequest, Token
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.settings import ServerSettings

BodyT = TypeVar("BodyT", bound=BaseModel)
ResultT = TypeVar("ResultT")

_LONG_TEXT = 20_000
"""From how many characters on a text is tokenized in another thread; they take about 20 ms."""


class RequestError(Exception):
    """A request that is refused; each surface writes it in its own form."""

    def __init__(self, message: str, *, status: int = 422, kind: str = "validation", field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.field = field


class NullsLeftOut(BaseModel):
    """A body in which null is as good as nothing."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: JsonValue) -> JsonValue:
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


async def read_body(request: Request, kind: type[BodyT], *, settings: ServerSettings) -> BodyT:
    """Return the request's body as a record.

    Raises:
        RequestError: it is too large, too slow, no JSON, or of another form.
    """
    try:
        async with asyncio.timeout(settings.max_body_seconds):
            body = await _bytes(request, max_bytes=settings.max_body_bytes)
    except TimeoutError as error:
        text = f"the body did not arrive within {settings.max_body_seconds:g} seconds"
        raise RequestError(text, status=408, kind="timeout") from error
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        told = first["msg"].removeprefix("Value error, ")
        raise RequestError(f"`{where}`: {told}" if where else told, field=where or None) from error


async def _bytes(request: Request, *, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise RequestError(f"the body is larger than {max_bytes} bytes", status=413)
    return b"".join(parts)


def refuse_unsupported(extra: Mapping[str, JsonValue] | None, *, neutral: Mapping[str, tuple[JsonValue, ...]]) -> None:
    """Refuse options that would change the answer and that this server does not have; unknown names are ignored.

    Raises:
        RequestError: one of `neutral`'s options has a value that is not neutral.
    """
    for name, value in (extra or {}).items():
        if name in neutral and value not in neutral[name]:
            raise RequestError(f"`{name}`={value!r} is not supported by this server; leave it out", field=name)


def require_known_tokens(token_ids: Sequence[int], *, vocabulary: int, field: str) -> None:
    """Refuse a prompt that the model cannot read.

    Raises:
        RequestError: it holds no token, or an id that is not in the vocabulary.
    """
    if not token_ids:
        raise RequestError(f"`{field}` must hold 1 or more tokens", field=field)
    foreign = next((token_id for token_id in token_ids if not 0 <= token_id < vocabulary), None)
    if foreign is not None:
        raise RequestError(
            f"`{field}`: {foreign} is no token id of this model, which are below {vocabulary}", field=field
        )


async def all_of(works: Sequence[Coroutine[None, None, ResultT]]) -> list[ResultT]:
    """Return all results in order; where one fails, the others are cancelled before its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def failure_kind(error: PolicyError) -> str:
    """Return what a model's failure is called in a body."""
    return "timeout" if isinstance(error, BudgetError) else "generation"


async def answered(request: Request, work: Awaitable[ResultT]) -> ResultT:
    """Return the result of `work`, and stop working when the client is gone.

    Raises:
        ClientDisconnect: nobody waits for the answer any more.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def encoded(engine: Engine, text: str) -> list[int]:
    """Return the ids of a raw prompt; a long one does not keep the others waiting for their next token."""
    return engine.encode(text) if len(text) <= _LONG_TEXT else await asyncio.to_thread(engine.encode, text)


async def collected(engine: Engine, request: GenerationRequest) -> tuple[list[Token], Generation]:
    """Return all tokens of an answer and the whole of it."""
    found: list[Token] = []
    async for token in engine.stream(replace(request, whole=True)):
        found.append(token)
        if token.generation is not None:
            return found, token.generation
    raise RequestError("the answer ended without its last token", status=500, kind="incomplete_generation")
