"""An engine under a time limit, and measured: every surface asks through it."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from agenttuning.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from agenttuning.core.records import Message
    from agenttuning.models.generation import GenerationRequest, Token
    from agenttuning.serving.engine import Engine, EngineInfo, Load, TextToken
    from agenttuning.serving.metrics import Metrics


class WatchedEngine:
    """Passes everything on to an engine; ends an answer that takes longer than `max_seconds`."""

    def __init__(self, engine: Engine, metrics: Metrics, *, max_seconds: float) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_seconds = max_seconds

    @property
    def info(self) -> EngineInfo:
        """What stands behind the port."""
        return self._engine.info

    @property
    def load(self) -> Load:
        """What it is doing now."""
        return self._engine.load

    def encode(self, text: str) -> list[int]:
        """Return the ids of a raw prompt."""
        return self._engine.encode(text)

    def text_tokens(self, text: str) -> list[TextToken]:
        """Return the tokens of a raw prompt and where they stand."""
        return self._engine.text_tokens(text)

    def token_texts(self, token_ids: Sequence[int]) -> list[str]:
        """Return the text of every token."""
        return self._engine.token_texts(token_ids)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of a conversation."""
        return self._engine.prompt_ids(messages)

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        """Yield the answer.

        Raises:
            BudgetError: the time is used up.
        """
        began = self._metrics.begun()
        first, deadline = 0.0, asyncio.get_running_loop().time() + self._max_seconds
        async with aclosing(cast("AsyncGenerator[Token]", self._engine.stream(request))) as tokens:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        token = await anext(tokens, None)
                except TimeoutError as error:
                    text = f"the answer took longer than the {self._max_seconds:g} seconds that this server allows"
                    raise BudgetError(text) from error
                if token is None:
                    return
                if not first:
                    first = time.perf_counter()
                    self._metrics.observe("tgi_batch_next_size", self._engine.load.running)
                if token.generation is not None:
                    self._metrics.answered(request, token, began=began, first=first)
                yield token

    async def close(self) -> None:
        """Free the model."""
        await self._engine.close()
