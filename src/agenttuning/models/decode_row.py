"""One answer in progress: its tokens, its random numbers, its text, and how it ends."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

import torch

from agenttuning.errors import PolicyError
from agenttuning.models.generation import Generation, Scored, Token
from agenttuning.models.reply_text import ReplyText

if TYPE_CHECKING:
    from collections.abc import Container

    from transformers import PreTrainedTokenizerBase

    from agenttuning.models.generation import GenerationRequest


class Row:
    """A request and what has been answered to it."""

    def __init__(self, request: GenerationRequest, tokenizer: PreTrainedTokenizerBase, *, streaming: bool) -> None:
        self.request = request
        self.streaming = streaming
        asked = request.sampling.seed
        self._seed = secrets.randbits(63) if asked is None else asked
        self.generator = torch.Generator().manual_seed(self._seed)
        self.tokens = list(request.prompt_ids)
        """Prompt and answer so far."""
        self.answer: list[int] = []
        self.computed = 0
        """How many of `tokens` have their keys and values in the cache."""
        self.done = False
        """Finished, failed or no longer wanted; it leaves at the next step."""
        self.prompt: tuple[Scored, ...] = ()
        """The scores of the prompt, where they are asked for."""
        self._reply = ReplyText(tokenizer, request.stop)

    def take(self, scored: Scored, *, ends: Container[int], special: Container[int]) -> Token:
        """Add a token that was drawn, and return what to tell of it."""
        self.tokens.append(scored.id)
        self.answer.append(scored.id)
        if self.streaming or self.request.stop:
            self._reply.update(self.answer)
        stopped = scored.id in ends or bool(self._reply.stop_text)
        last = stopped or len(self.answer) >= self.request.sampling.max_new_tokens
        generation = self._finish("stop" if stopped else "length") if last else None
        text = self._reply.release(last=last) if self.streaming else ""
        return Token(scored.id, text, scored.logprob, scored.id in special, generation, scored.top)

    def rewind(self) -> None:
        """Go back to the random numbers of the next token, after a failure: every token has drawn one."""
        self.generator = torch.Generator().manual_seed(self._seed)
        for _ in self.answer:
            torch.rand((), generator=self.generator, dtype=torch.float64)

    def fail(self, error: Exception) -> PolicyError:
        """End without an answer and return what to tell; what was computed is not kept."""
        self.done = True
        self.computed = 0
        return PolicyError(f"the model failed: {error}")

    def _finish(self, finish: Literal["stop", "length"]) -> Generation:
        self._reply.update(self.answer)
        self.done = True
        return Generation(tuple(self.answer), self._reply.text, finish, self._reply.stop_text, self.prompt)
