"""The application over an engine of our own making: one token per character, answers that can be held back."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from string import ascii_lowercase
from typing import TYPE_CHECKING

import httpx

from agenttuning.errors import DataError, PolicyError
from agenttuning.models.generation import Generation, GenerationRequest, Token
from agenttuning.serving.app import create_app
from agenttuning.serving.engine import EngineInfo, Load, TextToken
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agenttuning.core.records import Message
    from agenttuning.serving.gate import Door

LIMIT = 100


class LetterEngine:
    """One token per character; answers with its letters in turn until the stop string or the length."""

    info = EngineInfo(
        model="letters",
        dtype="float32",
        device="cpu",
        max_total_tokens=LIMIT,
        vocabulary=0x110000,
        special=frozenset(),
        template="0",
    )

    def __init__(self, letters: str = ascii_lowercase) -> None:
        self.letters = letters
        self.asked: list[GenerationRequest] = []
        self.running = 0
        self.entered = asyncio.Semaphore(0)
        self.fails_after: int | None = None
        self.holds_after: int | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def load(self) -> Load:
        return Load(self.running, 0)

    def text_tokens(self, text: str) -> list[TextToken]:
        return [TextToken(ord(letter), letter, index, index + 1) for index, letter in enumerate(text)]

    def encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def token_texts(self, token_ids: Sequence[int]) -> list[str]:
        return [chr(token_id) for token_id in token_ids]

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        if messages[-1].role == "assistant":
            raise DataError("a prompt must end with a user turn")
        return self.encode("".join(message.content for message in messages))

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        self.asked.append(request)
        self.running += 1
        self.entered.release()
        try:
            text = ""
            for index in range(request.sampling.max_new_tokens):
                await self.gate.wait()
                if self.holds_after == index:
                    await asyncio.Event().wait()
                if self.fails_after == index:
                    raise PolicyError("out of memory")
                text += self.letters[index % len(self.letters)]
                stop = next((mark for mark in request.stop if mark in text), "")
                ended = bool(stop) or index == request.sampling.max_new_tokens - 1
                ids = tuple(range(index + 1))
                final = Generation(ids, text.removesuffix(stop), "stop" if stop else "length", stop) if ended else None
                yield Token(index, text[-1], -0.5, special=False, generation=final)
                if ended:
                    return
        finally:
            self.running -= 1

    async def idle(self) -> None:
        while self.running:  # noqa: ASYNC110 - its streams have no event for it
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        return


@asynccontextmanager
async def opened(
    engine: LetterEngine, settings: ServerSettings, *, door: Door | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(engine, settings, door=door), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://letters.test") as client:
        yield client


def post(
    path: str,
    body: object,
    *,
    engine: LetterEngine | None = None,
    settings: ServerSettings | None = None,
    headers: dict[str, bytes] | None = None,
    door: Door | None = None,
) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with opened(engine or LetterEngine(), settings or ServerSettings(), door=door) as client:
            raw = [(name.encode(), value) for name, value in (headers or {}).items()]
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.post(path, content=content, headers=raw)

    return asyncio.run(scenario())
