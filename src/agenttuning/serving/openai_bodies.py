"""What clients of OpenAI's HTTP API send."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agenttuning.core.records import Message

UNSUPPORTED: dict[str, tuple[JsonValue, ...]] = {
    "audio": (None,),
    "best_of": (None, 1),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "modalities": (None, ["text"]),
    "presence_penalty": (None, 0),
    "response_format": (None, {"type": "text"}),
    "suffix": (None, ""),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
}
"""Options that this server does not have, each with the values that ask for nothing."""

_MAX_TOP = 20
_MAX_STOP = 16
_MAX_CHOICES = 128

TokenId = Annotated[int, Field(ge=0)]
Prompts = Annotated[list[str], Field(min_length=1, max_length=_MAX_CHOICES)]
TokenPrompts = Annotated[list[list[TokenId]], Field(min_length=1, max_length=_MAX_CHOICES)]


class TextPart(BaseModel):
    """One part of a message's content."""

    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """One message."""

    role: Literal["system", "user", "assistant"]
    content: str | list[TextPart]

    def message(self) -> Message:
        """Return it as the package's own record."""
        parts = self.content
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        return Message(role=self.role, content=text)


class StreamOptions(BaseModel):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class Asked(BaseModel):
    """What both kinds of completion can be told; `top_k` is an extension."""

    model_config = ConfigDict(extra="allow")

    model: str | None = None
    """Any name: the one model there is answers."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """0 is greedy; by default 1."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    n: int | None = Field(default=None, ge=1, le=_MAX_CHOICES)
    """Answers per prompt, drawn with seeds of their own."""
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=_MAX_STOP)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """The stop strings as a tuple."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(mark for mark in stop if mark)

    @property
    def wanted_top(self) -> int | None:
        """How many likeliest tokens to tell at each place; None where no log probabilities are asked for."""
        raise NotImplementedError


class ChatBody(Asked):
    """A conversation to continue."""

    messages: list[Turn] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, gt=0)
    max_completion_tokens: int | None = Field(default=None, gt=0)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=_MAX_TOP)

    @property
    def wanted_top(self) -> int | None:
        """As `top_logprobs` says, which counts only beside `logprobs`."""
        return self.top_logprobs or 0 if self.logprobs else None


class CompletionBody(Asked):
    """Raw prompts, or their token ids, to continue."""

    prompt: str | Prompts | list[TokenId] | TokenPrompts
    max_tokens: int | None = Field(default=None, ge=0)
    """By default 16; 0 only with `echo`, to score a prompt."""
    echo: bool | None = None
    """Whether the prompt, and with `logprobs` its scores, come back before the answer."""
    logprobs: int | None = Field(default=None, ge=0, le=_MAX_TOP)

    @property
    def wanted_top(self) -> int | None:
        """As `logprobs` says."""
        return self.logprobs

    @property
    def prompts(self) -> list[str | list[int]]:
        """Every prompt; a plain list of ids is one."""
        given = self.prompt
        if isinstance(given, str):
            return [given]
        ids = [one for one in given if isinstance(one, int)]
        return [ids] if len(ids) == len(given) else [one for one in given if not isinstance(one, int)]
