"""Our models behind lm-eval's interface: it asks, they answer, in batches and under their own chat template.

A chat prompt crosses as JSON of its messages, so that the template that trained the model renders it, not a copy.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol

from lm_eval.api.model import LM
from pydantic import TypeAdapter

from agenttuning.core.records import Message, Sampling
from agenttuning.errors import ContextLimitError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lm_eval.api.instance import Instance

_MESSAGES = TypeAdapter(list[Message])
_AT_ONCE = 64


class Answering(Protocol):
    """What a bridge needs of a model."""

    async def chat(self, messages: Sequence[Message], *, sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Answer a conversation; raises ContextLimitError where it does not fit."""

    async def go_on(self, text: str, *, sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Continue a text; raises RecipeError where the model only takes conversations."""

    def scores(self, context: Sequence[Message] | str, continuations: Sequence[str]) -> list[tuple[float, bool]]:
        """Return the log probability of each continuation, and whether it is the greedy one."""


class Bridge(LM):  # type: ignore[misc]
    """One model for lm-eval; its methods are called in a worker thread, the model lives in `loop`."""

    def __init__(self, model: Answering, loop: asyncio.AbstractEventLoop, *, name: str) -> None:
        super().__init__()
        self._model = model
        self._loop = loop
        self._name = name

    @property
    def tokenizer_name(self) -> str:
        """Part of lm-eval's cache key."""
        return self._name

    def chat_template(self, chat_template: bool | str = False) -> str:  # noqa: FBT001, FBT002
        """Name the template in lm-eval's own record."""
        return f"{self._name}'s own" if chat_template else ""

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:  # noqa: FBT001, FBT002
        """Return the messages as JSON; the model renders them."""
        del add_generation_prompt  # an assistant turn at the end is a prefix, which says the same
        return json.dumps([{"role": turn["role"], "content": turn["content"]} for turn in chat_history])

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:  # noqa: FBT001, FBT002
        """Answer every (prompt, settings); what does not fit the model is an empty answer."""
        del disable_tqdm
        return self._together([request.args for request in requests])

    async def _answer(self, context: str, settings: dict[str, object]) -> str:
        until = settings.get("until")
        stop = tuple(str(text) for text in until) if isinstance(until, list) else ()
        most = settings.get("max_gen_toks")
        sampling = Sampling(max_new_tokens=most if isinstance(most, int) else 256)
        messages = _messages(context)
        try:
            if messages is None:
                return await self._model.go_on(context, sampling=sampling, stop=stop)
            return await self._model.chat(messages, sampling=sampling, stop=stop)
        except ContextLimitError:
            return ""

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:  # noqa: FBT001, FBT002
        """Score every (context, continuation); requests of one context are scored together."""
        del disable_tqdm
        by_context: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            by_context.setdefault(request.args[0], []).append(number)
        found: list[tuple[float, bool]] = [(0.0, False)] * len(requests)
        for context, numbers in by_context.items():
            messages = _messages(context)
            scored = self._model.scores(
                context if messages is None else messages, [requests[number].args[1] for number in numbers]
            )
            for number, score in zip(numbers, scored, strict=True):
                found[number] = score
        return found

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:  # noqa: FBT001, FBT002
        """Refuse: no test of ours measures perplexity."""
        del requests, disable_tqdm
        raise RecipeError("perplexity is not one of the general tests")

    def _together(self, asked: Sequence[tuple[str, dict[str, object]]]) -> list[str]:
        async def all_of_them() -> list[str]:
            gate = asyncio.Semaphore(_AT_ONCE)

            async def one(context: str, settings: dict[str, object]) -> str:
                async with gate:
                    return await self._answer(context, settings)

            return list(await asyncio.gather(*(one(*arguments) for arguments in asked)))

        return asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result()


def _messages(context: str) -> list[Message] | None:
    """Read a prompt that `apply_chat_template` wrote; None is a plain text."""
    if not context.startswith('[{"role": '):
        return None
    return _MESSAGES.validate_json(context)
