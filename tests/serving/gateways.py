"""A gateway on a real port in front of small OpenAI servers, and what its tests say and read."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serving.upstream import Upstream, listening, upstream

from agenttuning.serving.proxy import open_gateway
from agenttuning.serving.proxy_settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Work = Callable[[httpx.AsyncClient, list[Upstream]], Awaitable[None]]


@asynccontextmanager
async def gateway(fakes: list[Upstream], **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    given = {"upstreams": [fake.url for fake in fakes], "probe_seconds": 0.05, **settings}
    async with (
        open_gateway(GatewaySettings.model_validate(given)) as app,
        listening(app) as (_, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False, verify=False) as client,
    ):
        yield client


def play(work: Work, *, replicas: int = 1, **settings: object) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            fakes = [await stack.enter_async_context(upstream(Upstream())) for _ in range(replicas)]
            async with gateway(fakes, **settings) as client:
                await work(client, fakes)

    asyncio.run(scenario())


def generation(words: str, **parameters: object) -> dict[str, object]:
    return {"inputs": words, "parameters": parameters}


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to be")


def events(text: str) -> list[dict[str, object]]:
    lines = [line.removeprefix("data:").strip() for line in text.split("\n\n") if line.strip()]
    return [json.loads(line) for line in lines if line != "[DONE]"]
