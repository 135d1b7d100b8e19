"""Any OpenAI-compatible endpoint as a policy: the providers' own, vLLM, SGLang, llama.cpp, and our server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from agenttuning.core.records import Reply, Usage
from agenttuning.policies.attempts import UnusableAnswerError, excerpt
from agenttuning.policies.endpoint import open_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx
    from pydantic import JsonValue

    from agenttuning.core.records import Message, Sampling
    from agenttuning.policies.config import OpenAIConfig
    from agenttuning.policies.endpoint import Endpoint
    from agenttuning.policies.ledger import Ledger

_MOST_CHARACTERS: Final = 64
"""Per token; the longest tokens of the usual vocabularies are runs of blanks."""


class _Content(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[object] | None = None


class _Choice(BaseModel):
    message: _Content
    finish_reason: str | None = None


class _Details(BaseModel):
    reasoning_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)
    completion_tokens_details: _Details | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class OpenAIModel:
    """Sends the conversation as it is; the server renders it."""

    def __init__(self, endpoint: Endpoint, config: OpenAIConfig) -> None:
        self._endpoint = endpoint
        self._config = config
        self.name = config.model

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the next assistant turn; raises what `Endpoint.ask` raises."""
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
        if sampling.seed is not None and self._config.seed_field != "none":
            body[self._config.seed_field] = sampling.seed
        if self._config.stop:
            body["stop"] = list(self._config.stop)
        return await self._endpoint.ask(
            "chat/completions",
            body,
            sampling=sampling,
            read=partial(read_completion, most_tokens=sampling.max_new_tokens),
        )


def read_completion(body: bytes, _: httpx.Headers, *, most_tokens: int) -> Reply:
    """Return the reply of a completion; raises as `ReadAnswer` says."""
    found = _Completion.model_validate_json(body)
    choice, told = found.choices[0], found.usage or _Usage()
    usage = Usage(prompt_tokens=told.prompt_tokens or 0, completion_tokens=told.completion_tokens or 0)
    content = choice.message.content
    if reason := _fault(choice, told, most_tokens):
        raise UnusableAnswerError(f"the model gave no reply but {reason}: {excerpt(body)}", reason=reason, usage=usage)
    return Reply(content=content or "", usage=usage, finish="length" if choice.finish_reason == "length" else "stop")


def _fault(choice: _Choice, usage: _Usage, most_tokens: int) -> str:
    """Say why a choice is no reply; an empty one is, unless all of its tokens went into hidden reasoning."""
    message, details = choice.message, usage.completion_tokens_details
    if message.tool_calls or choice.finish_reason in {"tool_calls", "function_call"}:
        return "a tool call"
    if message.refusal or choice.finish_reason == "content_filter":
        return "a refusal"
    if message.content is None or (not message.content and details is not None and details.reasoning_tokens):
        return "no text"
    if (usage.completion_tokens or 0) > 2 * most_tokens or len(message.content) > _MOST_CHARACTERS * most_tokens:
        return "an overlong text"
    return ""


@asynccontextmanager
async def open_openai(
    config: OpenAIConfig, *, ledger: Ledger | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[OpenAIModel]:
    """Open the connection pool; raises as `open_endpoint` does."""
    async with open_endpoint(config, model=config.model, ledger=ledger, transport=transport) as endpoint:
        yield OpenAIModel(endpoint, config)
