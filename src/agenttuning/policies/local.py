"""A transformers model in this process as a policy."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio.to_thread

from agenttuning.core.records import Reply, Usage
from agenttuning.models.generate import GenerationRequest, Generator
from agenttuning.models.load import load_chat_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agenttuning.core.records import Message, Sampling
    from agenttuning.policies.config import LocalConfig


class LocalModel:
    """Renders the conversation with the model's own chat template and generates in batches."""

    def __init__(self, generator: Generator, *, stop: tuple[str, ...]) -> None:
        self._generator = generator
        self._stop = stop

    @property
    def name(self) -> str:
        """The model's name."""
        return self._generator.chat_model.name

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the next assistant turn; raises what `Generator.generate` raises."""
        prompt_ids = self._generator.chat_model.template.prompt_ids(messages)
        found = await self._generator.generate(GenerationRequest(prompt_ids, sampling, self._stop))
        usage = Usage(prompt_tokens=len(prompt_ids), completion_tokens=len(found.token_ids))
        return Reply(content=found.text, usage=usage, finish=found.finish)


@asynccontextmanager
async def open_local(config: LocalConfig) -> AsyncIterator[LocalModel]:
    """Load the model and start its generator.

    Raises:
        DataError: there is no such model, or it is damaged.
    """
    chat_model = await anyio.to_thread.run_sync(
        lambda: load_chat_model(config.model, dtype=config.dtype, template=config.template)
    )
    async with Generator(chat_model, max_batch=config.max_batch) as generator:
        yield LocalModel(generator, stop=config.stop)
