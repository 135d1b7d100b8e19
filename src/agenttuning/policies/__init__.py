"""Anything that answers a conversation: an oracle, a script, a person, a served or a local model.

async with open_player(LocalConfig(model="tiny-base")) as player:
    trajectory = await rollout(environment, player)
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from agenttuning.errors import MissingExtraError
from agenttuning.policies.config import (
    HumanConfig,
    LocalConfig,
    ModelConfig,
    OpenAIConfig,
    OracleConfig,
    PlanLoop,
    PolicyConfig,
    ScriptedConfig,
    ServerConfig,
    TgiConfig,
)
from agenttuning.policies.episode import ModelPlayer
from agenttuning.policies.human import human_player
from agenttuning.policies.oracle import oracle_player
from agenttuning.policies.scripted import scripted_player

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from agenttuning.core.policy import Player
    from agenttuning.policies.episode import Model
    from agenttuning.policies.ledger import Ledger

__all__ = [
    "Desk",
    "HumanConfig",
    "LocalConfig",
    "ModelConfig",
    "OpenAIConfig",
    "OracleConfig",
    "PlanLoop",
    "PolicyConfig",
    "ScriptedConfig",
    "ServerConfig",
    "TgiConfig",
    "open_model",
    "open_player",
    "scripted_player",
]


class Desk(Protocol):
    """Opens language models: here, or where the ledger is."""

    def __call__(self, config: OpenAIConfig | TgiConfig | LocalConfig) -> AbstractAsyncContextManager[Model]:
        """Open a model that answers any conversation; raises as `open_player`."""


@asynccontextmanager
async def open_player(config: PolicyConfig, *, ledger: Ledger | None = None) -> AsyncIterator[Player]:
    """Open what the policy needs (a model, a connection pool), and close it at the end.

    Calls over HTTP are kept in the ledger, within its budget, and answered from it where it holds the answer.

    Raises:
        AgentTuningError: the model, its packages, or its key is missing; the text says what to do.
    """
    if isinstance(config, OracleConfig):
        yield oracle_player
    elif isinstance(config, ScriptedConfig):
        yield scripted_player(config)
    elif isinstance(config, HumanConfig):
        yield human_player
    else:
        async with open_model(config, ledger=ledger) as model:
            yield ModelPlayer(model, config)


def open_model(
    config: OpenAIConfig | TgiConfig | LocalConfig, *, ledger: Ledger | None = None
) -> AbstractAsyncContextManager[Model]:
    """Open a language model that answers any conversation; raises and keeps as `open_player`.

    The client or the model's packages are imported only now: every recipe imports this module.
    """
    try:
        if isinstance(config, LocalConfig):
            from agenttuning.policies.local import open_local

            return open_local(config)
        if isinstance(config, TgiConfig):
            from agenttuning.policies.tgi import open_tgi

            return open_tgi(config, ledger=ledger)
        from agenttuning.policies.openai import open_openai

        return open_openai(config, ledger=ledger)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"policy {config.kind!r} needs the package {error.name!r}; install it with `pip install 'agenttuning[all]'`"
        ) from error
