"""`/tokenize` and `/chat_tokenize` of the gateway: asked in vLLM's words and in ours, answered in ours.

vLLM names tokens as the vocabulary writes them: a space is U+2581 or U+0120, bytes are `<0x0A>` or byte-level letters.
They are read back into the text they stand for, and placed in the prompt.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError
from starlette.responses import JSONResponse, Response

from agenttuning.errors import PolicyError
from agenttuning.serving.proxy_openai import PassedBody
from agenttuning.serving.proxy_relay import checked
from agenttuning.serving.proxy_tgi import GenerateBody
from agenttuning.serving.requests import RequestError, answered, read_body
from agenttuning.serving.tokens import chat_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from agenttuning.serving.proxy_replicas import ReplicaPool
    from agenttuning.serving.proxy_settings import GatewaySettings

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_NO_ROUTE = frozenset({404, 405})


class _Placed(BaseModel):
    id: int
    text: str
    start: int
    stop: int


class _Named(BaseModel):
    """vLLM's answer."""

    tokens: list[int]
    token_strs: list[str] = Field(default=[])


class _Chat(BaseModel):
    """Our own server's answer."""

    tokenize_response: list[_Placed]
    templated_text: str


class GatewayTokens:
    """Both routes; a model server without them is a 404."""

    def __init__(self, pool: ReplicaPool, settings: GatewaySettings) -> None:
        self._pool = pool
        self._settings = settings

    async def tokenize(self, request: Request) -> Response:
        """Answer `POST /tokenize`: the tokens of `inputs` and the bytes that each covers."""
        body = await read_body(request, GenerateBody, settings=self._settings)
        asked: dict[str, JsonValue] = {"inputs": body.inputs, "prompt": body.inputs, "return_token_strs": True}
        found = _read(await answered(request, self._asked("/tokenize", asked)))
        return JSONResponse(placed(body.inputs, found) if isinstance(found, _Named) else _plain(found))

    async def chat_tokenize(self, request: Request) -> Response:
        """Answer `POST /chat_tokenize`: the rendered conversation and its tokens, special ones by their names."""
        body = await read_body(request, PassedBody, settings=self._settings)
        content = await answered(request, self._chat({**(body.model_extra or {}), "return_token_strs": True}))
        try:
            return JSONResponse(_Chat.model_validate_json(content).model_dump())
        except ValidationError:
            found = _read(content)
        if not isinstance(found, _Named):
            raise PolicyError("the model server tells the tokens of a conversation in no known form")
        texts = [text.decode(errors="replace") for text in _texts(found)]
        return JSONResponse(chat_tokens(found.tokens, texts))

    async def _chat(self, asked: Mapping[str, JsonValue]) -> bytes:
        """Ask as our server is asked, and where it has no such route as vLLM is."""
        try:
            return await self._asked("/chat_tokenize", asked)
        except RequestError as error:
            if error.status != 404:
                raise
        return await self._asked("/tokenize", asked)

    async def _asked(self, path: str, body: Mapping[str, JsonValue]) -> bytes:
        answer = await self._pool.send(path, body)
        try:
            if answer.status in _NO_ROUTE:
                raise RequestError(f"the model servers have no {path}", status=404, kind="not_found")
            return await checked(answer)
        finally:
            answer.close()


def placed(text: str, found: _Named) -> list[JsonValue]:
    """Return where vLLM's tokens stand in a text; those that stand for no text, as BOS does, are empty there.

    A space that the tokenizer puts before the text is no part of it.
    """
    rest, start, tokens = text.encode(), 0, list[JsonValue]()
    for token_id, whole in zip(found.tokens, _texts(found), strict=True):
        covered = next((one for one in (whole, whole.removeprefix(b" ")) if rest.startswith(one)), b"")
        rest, stop = rest[len(covered) :], start + len(covered)
        tokens.append({"id": token_id, "text": covered.decode(errors="replace"), "start": start, "stop": stop})
        start = stop
    return tokens


def _texts(found: _Named) -> list[bytes]:
    """Return the bytes that every token stands for."""
    if len(found.token_strs) != len(found.tokens):
        raise PolicyError("the model server does not name its tokens")
    by_bytes = any("\u0120" in name or "\u010a" in name for name in found.token_strs)
    return [_text(name, _byte_letters() if by_bytes else {}) for name in found.token_strs]


def _read(content: bytes) -> list[_Placed] | _Named:
    try:
        return _answers().validate_json(content)
    except ValidationError as error:
        raise PolicyError("the model server tells tokens in no known form") from error


@cache
def _answers() -> TypeAdapter[list[_Placed] | _Named]:
    return TypeAdapter(list[_Placed] | _Named)


def _plain(found: list[_Placed]) -> list[JsonValue]:
    return [token.model_dump() for token in found]


def _text(name: str, letters: Mapping[str, int]) -> bytes:
    if byte := _BYTE.fullmatch(name):
        return bytes([int(byte[1], 16)])
    if all(letter in letters for letter in name):
        return bytes(letters[letter] for letter in name)
    return name.replace("\u2581", " ").encode("utf-8", "replace")


@cache
def _byte_letters() -> dict[str, int]:
    """Return byte-level vocabularies' letter of every byte: itself where it is printable, else the next from U+0100."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in set(shown)]
    return {chr(byte): byte for byte in shown} | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}
