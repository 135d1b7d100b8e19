"""The gateway: both interfaces in front of any OpenAI servers of one model (vLLM, SGLang, our own).

OpenAI's interface is passed on byte by byte, under the served model's name, so tools, log probabilities and formats
are whatever the server behind has; the chat template is its own, too. Text Generation Inference's is translated.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agenttuning.errors import RecipeError
from agenttuning.serving.app import gateway_app
from agenttuning.serving.gate import Door
from agenttuning.serving.metrics import Metrics
from agenttuning.serving.proxy_openai import GatewayOpenAI
from agenttuning.serving.proxy_replicas import ReplicaPool
from agenttuning.serving.proxy_routes import GatewayTgi
from agenttuning.serving.proxy_tokens import GatewayTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

    from agenttuning.serving.proxy_settings import GatewaySettings


@asynccontextmanager
async def open_gateway(settings: GatewaySettings, *, door: Door | None = None) -> AsyncIterator[Starlette]:
    """Open the application and the connections behind it; a replica may be down and come later.

    Raises:
        RecipeError: the variable with the replicas' key is empty.
        StageError: the variable that must hold the gateway's own key holds none.
    """
    metrics = Metrics()
    pool = ReplicaPool(settings, metrics=metrics, key=_key(settings))
    await pool.start()
    try:
        yield gateway_app(
            GatewayTgi(pool, settings, metrics=metrics),
            GatewayOpenAI(pool, settings),
            GatewayTokens(pool, settings),
            settings,
            door=door or Door(),
            metrics=metrics,
        )
    finally:
        await pool.close()


def _key(settings: GatewaySettings) -> str | None:
    name = settings.upstream_key_env
    if name is None:
        return None
    key = os.environ.get(name)
    if not key:
        raise RecipeError(f"the environment variable {name!r} is empty; export it, or drop upstream_key_env")
    return key
