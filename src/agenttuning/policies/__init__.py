"""Anything that answers a conversation: an oracle, a script, a person, a served or a local model.

async with open_player(LocalConfig(model="tiny-base")) as player:
    trajectory = await rollout(environment, player)
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agenttuning.policies.config import (
    HumanConfig,
    LocalConfig,
    ModelConfig,
    OpenAIConfig,
    OracleConfig,
    PolicyConfig,
    ScriptedConfig,
    ServerConfig,
    TgiConfig,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agenttuning.core.policy import Player

__all__ = [
    "HumanConfig",
    "LocalConfig",
    "ModelConfig",
    "OpenAIConfig",
    "OracleConfig",
    "PolicyConfig",
    "ScriptedConfig",
    "ServerConfig",
    "TgiConfig",
    "open_player",
]


@asynccontextmanager
async def open_player(config: PolicyConfig) -> AsyncIterator[Player]:
    """Open what the policy needs (a model, a connection pool), and close it at the end.

    Raises:
        AgentTuningError: the model, its packages, or its key is missing; the text says what to do.
    """
    if isinstance(config, OracleConfig):
        from agenttuning.policies.oracle import oracle_player

        yield oracle_player
    elif isinstance(config, ScriptedConfig):
        from agenttuning.policies.scripted import scripted_player

        yield scripted_player(config)
    elif isinstance(config, HumanConfig):
        from agenttuning.policies.human import human_player

        yield human_player
    else:
        async with _open_model(config) as player:
            yield player


@asynccontextmanager
async def _open_model(config: OpenAIConfig | TgiConfig | LocalConfig) -> AsyncIterator[Player]:
    from agenttuning.policies.episode import ModelPlayer

    if isinstance(config, LocalConfig):
        from agenttuning.policies.local import open_local

        opened = open_local(config)
    elif isinstance(config, TgiConfig):
        from agenttuning.policies.tgi import open_tgi

        opened = open_tgi(config)
    else:
        from agenttuning.policies.openai import open_openai

        opened = open_openai(config)
    async with opened as model:
        yield ModelPlayer(model, config)
