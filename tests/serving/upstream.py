"""A small OpenAI server in this event loop, which can be made to refuse, hang, break off and die."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agenttuning.serving.requests import answered
from agenttuning.serving.server import _bound, server_config
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

STOPPED = ".<stop>"


class Upstream:
    """Answers every prompt with its words in capitals, a word a token, as vLLM would."""

    def __init__(self, model: str = "agentlm-7b") -> None:
        self.model = model
        self.asked: list[dict[str, object]] = []
        self.running = 0
        self.most_running = 0
        self.sick = False
        self.refuses: tuple[int, dict[str, object]] | None = None
        self.breaks_after: int | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Semaphore(0)
        self.server: uvicorn.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", self.health),
                Route("/v1/models", self.models),
                Route("/v1/completions", self.complete, methods=["POST"]),
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
            ],
            exception_handlers={ClientDisconnect: self.gone},
        )

    async def gone(self, request: Request, error: Exception) -> Response:
        return Response(status_code=499)

    async def health(self, request: Request) -> Response:
        return Response(status_code=503 if self.sick else 200)

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": self.model, "max_model_len": 4096}]})

    async def complete(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.asked.append({"authorization": request.headers.get("authorization"), **body})
        self.entered.release()
        if self.refuses is not None:
            status, told = self.refuses
            return JSONResponse(told, status_code=status, headers={"retry-after": "7"} if status == 429 else {})
        if body["stream"]:
            return StreamingResponse(self.events(body), media_type="text/event-stream")
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await answered(request, self.gate.wait())
        finally:
            self.running -= 1
        words = self.words(body)
        choice = self.choice(words, body, finish=self.finish(body, words))
        return JSONResponse({"model": body["model"], "choices": [choice], "usage": self.usage(words)})

    async def events(self, body: dict[str, object]) -> AsyncIterator[str]:
        self.running += 1
        try:
            words = self.words(body)
            for index, word in enumerate(words):
                if index:
                    await self.gate.wait()
                if index == self.breaks_after:
                    raise ConnectionResetError("the engine died")
                last = index == len(words) - 1
                choice = self.choice([word], body, finish=self.finish(body, words) if last else None)
                yield f"data: {json.dumps({'model': body['model'], 'choices': [choice]})}\n\n"
            if body.get("stream_options"):
                yield f"data: {json.dumps({'choices': [], 'usage': self.usage(words)})}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.running -= 1

    def words(self, body: dict[str, object]) -> list[str]:
        text = str(body["prompt"] if "prompt" in body else body["messages"]).upper()
        words = [f" {word}" for word in text.split()]
        return words if body.get("max_tokens") is None else words[: int(str(body["max_tokens"]))]

    def finish(self, body: dict[str, object], words: list[str]) -> str:
        return "length" if len(words) == body.get("max_tokens") else "stop"

    def choice(self, words: list[str], body: dict[str, object], *, finish: str | None) -> dict[str, object]:
        told: dict[str, object] = {"index": 0, "text": "".join(words), "finish_reason": finish, "stop_reason": None}
        if body.get("stop") and finish == "stop":
            told["stop_reason"] = STOPPED
        if body.get("return_token_ids"):
            told["token_ids"] = [len(word) for word in words]
        if body.get("logprobs") is not None:
            told["logprobs"] = {"tokens": words, "token_logprobs": [-0.5 for _ in words]}
        return told

    def usage(self, words: list[str]) -> dict[str, int]:
        return {"prompt_tokens": 11, "completion_tokens": len(words), "total_tokens": 11 + len(words)}

    def die(self) -> None:
        """Vanish as a killed process does: nothing listens, every connection is reset."""
        assert self.server is not None
        for listening in self.server.servers:
            listening.close()
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()
        self.server.should_exit = self.server.force_exit = True


@asynccontextmanager
async def listening(
    app: ASGIApp, *, port: int = 0, settings: ServerSettings | None = None
) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """Serve an application in this event loop."""
    bound = _bound(ServerSettings(port=port))
    server = uvicorn.Server(server_config(app, settings or ServerSettings(), log_level="critical"))
    task = asyncio.create_task(server._serve([bound]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.001)
    try:
        yield server, bound.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task
        bound.close()


@asynccontextmanager
async def upstream(fake: Upstream) -> AsyncIterator[Upstream]:
    """Start one, on the port it had before if it was there before."""
    async with listening(fake.app(), port=fake.port) as (server, port):
        fake.server, fake.port = server, port
        yield fake
