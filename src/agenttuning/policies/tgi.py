"""Text Generation Inference's `/generate` as a policy: the client renders the prompt, the server continues it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import anyio.to_thread
from pydantic import BaseModel
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from agenttuning.core.records import Reply, Usage
from agenttuning.models.load import choose_template, load_tokenizer, resolve_model
from agenttuning.policies.endpoint import open_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx
    from pydantic import JsonValue

    from agenttuning.core.records import Message, Sampling
    from agenttuning.models.chat_template import ChatTemplate
    from agenttuning.policies.config import TgiConfig
    from agenttuning.policies.endpoint import Endpoint
    from agenttuning.policies.ledger import Ledger


class _Details(BaseModel):
    finish_reason: Literal["length", "eos_token", "stop_sequence"]
    generated_tokens: int


class _Generated(BaseModel):
    generated_text: str
    details: _Details


class TgiModel:
    """Renders with one chat template and sends raw prompts, without the first BOS, which the server adds."""

    def __init__(self, endpoint: Endpoint, config: TgiConfig, template: ChatTemplate) -> None:
        self._endpoint = endpoint
        self._config = config
        self._template = template
        self.name = config.model
        self.template_digest = template.digest

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the next assistant turn; raises what `Endpoint.ask` raises."""
        body: dict[str, JsonValue] = {
            "inputs": self._template.prompt_text(messages),
            "parameters": self._parameters(sampling),
        }
        return await self._endpoint.ask("generate", body, sampling=sampling, read=self._read)

    def _read(self, body: bytes, headers: httpx.Headers) -> Reply:
        found = _Generated.model_validate_json(body)
        details = found.details
        read = headers.get("x-prompt-tokens", "")
        usage = Usage(prompt_tokens=int(read) if read.isdecimal() else 0, completion_tokens=details.generated_tokens)
        finish: Literal["stop", "length"] = "length" if details.finish_reason == "length" else "stop"
        return Reply(content=self._without_stop(found.generated_text), usage=usage, finish=finish)

    def _parameters(self, sampling: Sampling) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"max_new_tokens": sampling.max_new_tokens, "details": True}
        if self._config.stop:
            told["stop"] = list(self._config.stop)
        if sampling.temperature == 0:
            # A server of this kind samples as soon as any of the settings below is there, whatever do_sample says.
            return {**told, "do_sample": False}
        told |= {"do_sample": True, "temperature": sampling.temperature}
        if sampling.top_p < 1:
            told["top_p"] = sampling.top_p
        if sampling.top_k:
            told["top_k"] = sampling.top_k
        if sampling.seed is not None:
            told["seed"] = sampling.seed
        return told

    def _without_stop(self, text: str) -> str:
        """Cut the stop string, which this API leaves in the text."""
        return text[: min((at for mark in self._config.stop if (at := text.find(mark)) >= 0), default=len(text))]


@asynccontextmanager
async def open_tgi(
    config: TgiConfig, *, ledger: Ledger | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[TgiModel]:
    """Load the chat template and open the connection pool.

    Raises:
        DataError: the model is not there, or has no chat template.
        RecipeError: as `open_endpoint`.
    """
    template = await anyio.to_thread.run_sync(_template, config)
    async with open_endpoint(config, model=config.model, ledger=ledger, transport=transport) as endpoint:
        yield TgiModel(endpoint, config, template)


def _template(config: TgiConfig) -> ChatTemplate:
    own = config.template == "auto"
    tokenizer = load_tokenizer(resolve_model(config.model)) if own else _llama2_marks()
    return choose_template(tokenizer, name=config.template)


def _llama2_marks() -> PreTrainedTokenizerFast:
    """Return Llama-2's marks without its vocabulary: rendering text needs no more."""
    marks = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    bare = Tokenizer(WordLevel({mark: index for index, mark in enumerate(marks.values())}, marks["unk_token"]))
    return PreTrainedTokenizerFast(tokenizer_object=bare, **marks)
