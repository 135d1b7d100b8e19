"""A conversation with an OpenAI server, answer by answer, each as it comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from agenttuning.core.records import Message
from agenttuning.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 600.0


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta = _Delta()


class _Chunk(BaseModel):
    choices: list[_Choice] = []
    error: JsonValue = None


class _Entry(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Entry] = []


class Talk:
    """One conversation. What is said is kept only together with its answer, so a failure leaves it as it was."""

    def __init__(self, url: str, options: Mapping[str, JsonValue], *, key: str | None = None) -> None:
        self._root = url.rstrip("/").removesuffix("/v1")
        self._options = dict(options)
        self._client = httpx.Client(
            headers={} if key is None else {"authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(_SILENT_SECONDS, connect=_CONNECT_SECONDS),
        )
        self.system = ""
        self.turns: list[Message] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def messages(self) -> list[Message]:
        """The conversation with its system text."""
        return [*([Message(role="system", content=self.system)] if self.system else []), *self.turns]

    def model(self) -> str:
        """Return the first model that the server names, or an empty name.

        Raises:
            PolicyError: it does not answer.
        """
        try:
            return next((entry.id for entry in _Models.model_validate_json(self._asked_models()).data), "")
        except ValidationError:
            return ""

    def _asked_models(self) -> bytes:
        try:
            return self._client.get(f"{self._root}/v1/models").content
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise PolicyError(self._unreachable(error)) from error

    def say(self, text: str) -> Iterator[str]:
        """Yield the answer in pieces; whoever stops early keeps what has come.

        Raises:
            PolicyError: the server refuses, fails, or breaks off.
        """
        said, heard = Message(role="user", content=text), ""
        asked: list[JsonValue] = [
            {"role": message.role, "content": message.content} for message in (*self.messages, said)
        ]
        body: dict[str, JsonValue] = {**self._options, "messages": asked, "stream": True}
        try:
            for piece in self._pieces(body):
                heard += piece
                yield piece
        finally:
            if heard:
                self.turns += [said, Message(role="assistant", content=heard)]

    def _pieces(self, body: Mapping[str, JsonValue]) -> Iterator[str]:
        try:
            with self._client.stream("POST", f"{self._root}/v1/chat/completions", json=dict(body)) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise PolicyError(f"{self._root} answers {answer.status_code}: {_reason(answer.read())}")
                yield from self._events(answer)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise PolicyError(self._unreachable(error)) from error

    def _events(self, answer: httpx.Response) -> Iterator[str]:
        for line in answer.iter_lines():
            data = line.removeprefix("data:").strip()
            if not line.startswith("data:") or not data:
                continue
            if data == "[DONE]":
                return
            try:
                chunk = _Chunk.model_validate_json(data)
            except ValidationError as error:
                raise PolicyError(f"{self._root} answers in no known form: {data[:200]!r}") from error
            if chunk.error is not None:
                raise PolicyError(f"{self._root} broke off: {_reason(data.encode())}")
            for choice in chunk.choices[:1]:
                if choice.delta.content:
                    yield choice.delta.content
        raise PolicyError(f"{self._root} broke off its answer")

    def _unreachable(self, error: Exception) -> str:
        return f"no answer from {self._root} ({type(error).__name__}: {error}); is the server running?"


def _reason(content: bytes) -> str:
    """Return what an error's body says, in OpenAI's form or any other."""
    text = content.decode(errors="replace")[:300].strip()
    try:
        found = json.loads(content)
    except ValueError:
        return text or "(no reason)"
    while isinstance(found, dict):
        found = next((found[key] for key in ("error", "message", "detail") if found.get(key)), text)
    return found if isinstance(found, str) else text
