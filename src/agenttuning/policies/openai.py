"""Any OpenAI-compatible endpoint as a policy: the providers' own, vLLM, SGLang, llama.cpp, and our server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from agenttuning.core.records import Reply, Usage
from agenttuning.policies.endpoint import open_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx
    from pydantic import JsonValue

    from agenttuning.core.records import Message, Sampling
    from agenttuning.policies.config import OpenAIConfig
    from agenttuning.policies.endpoint import Endpoint


class _Content(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Content
    finish_reason: Literal["stop", "length"]


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage = _Usage()


class OpenAIModel:
    """Sends the conversation as it is; the server renders it."""

    def __init__(self, endpoint: Endpoint, config: OpenAIConfig) -> None:
        self._endpoint = endpoint
        self._config = config
        self.name = config.model

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the next assistant turn; raises what `Endpoint.post` raises."""
        body: dict[str, JsonValue] = {
            "model": self._config.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            self._config.length_field: sampling.max_new_tokens,
            "temperature": sampling.temperature,
        }
        if sampling.temperature > 0:
            body["top_p"] = sampling.top_p
        if sampling.top_k:
            body["top_k"] = sampling.top_k
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if self._config.stop:
            body["stop"] = list(self._config.stop)
        found, _ = await self._endpoint.post("chat/completions", body, answer=_Completion)
        choice, usage = found.choices[0], found.usage
        return Reply(
            content=choice.message.content,
            usage=Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens),
            finish=choice.finish_reason,
        )


@asynccontextmanager
async def open_openai(
    config: OpenAIConfig, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[OpenAIModel]:
    """Open the connection pool; raises as `open_endpoint` does."""
    async with open_endpoint(config, transport=transport) as endpoint:
        yield OpenAIModel(endpoint, config)
