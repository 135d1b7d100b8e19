"""Text Generation Inference's requests in OpenAI's words, and the answers back.

A raw prompt goes to `/v1/completions` as text: the server behind tokenises, truncates and counts. Beyond OpenAI's
own fields this sends those that vLLM reads (`top_k`, `repetition_penalty`, `truncate_prompt_tokens`,
`include_stop_str_in_output`, `return_token_ids`); a server that ignores the last tells no token ids, and they are -1.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agenttuning.errors import PolicyError
from agenttuning.serving.requests import NullsLeftOut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agenttuning.serving.proxy_settings import GatewaySettings

_UNKNOWN = -1
NEUTRAL: dict[str, tuple[JsonValue, ...]] = {
    "adapter_id": (None,),
    "best_of": (None, 1),
    "decoder_input_details": (None, False),
    "grammar": (None,),
    "top_n_tokens": (None, 0),
    "typical_p": (None, 1),
}
"""What this translation has no words for."""


class Parameters(NullsLeftOut):
    """How to continue the prompt."""

    model_config = ConfigDict(extra="allow")

    max_new_tokens: int | None = Field(default=None, gt=0)
    do_sample: bool = False
    temperature: float | None = Field(default=None, gt=0)
    top_k: int | None = Field(default=None, gt=0)
    top_p: float | None = Field(default=None, gt=0, lt=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = Field(default=None, ge=0, lt=1 << 64)
    stop: list[str] = Field(default=[], max_length=4)
    truncate: int | None = Field(default=None, gt=0)
    details: bool = False
    return_full_text: bool | None = None


class GenerateBody(NullsLeftOut):
    """A raw prompt and its parameters."""

    inputs: str = Field(min_length=1)
    parameters: Parameters = Parameters()
    stream: bool = False
    """Read on `/` only."""


class _Logprobs(BaseModel):
    tokens: list[str] = []
    token_logprobs: list[float | None] = []


class _Choice(BaseModel):
    text: str = ""
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    """vLLM's: the stop string, the id of a stop token, or None for the model's own end."""
    token_ids: list[int] | None = None
    logprobs: _Logprobs | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Completion(BaseModel):
    """A whole answer of `/v1/completions`, or one chunk of it; the last chunk may hold the usage alone."""

    choices: list[_Choice]
    usage: _Usage | None = None


class Translation:
    """One request, as it is asked behind and answered in front."""

    def __init__(self, body: GenerateBody, settings: GatewaySettings) -> None:
        self._body = body
        asked = body.parameters
        changed = asked.temperature not in {None, 1.0} or asked.top_k is not None or asked.top_p is not None
        sampled = asked.do_sample or (changed and settings.semantics == "tgi")
        self.seed = (secrets.randbits(63) if asked.seed is None else asked.seed) if sampled else None
        self._stop = [mark for mark in asked.stop if mark]

    def request(self, *, stream: bool) -> dict[str, JsonValue]:
        """Return the body for `/v1/completions`; without a length the server's own rest of the context."""
        asked = self._body.parameters
        told: dict[str, JsonValue] = {
            "prompt": self._body.inputs,
            "max_tokens": asked.max_new_tokens,
            "temperature": 0,
            "stream": stream,
        }
        if self.seed is not None:
            # OpenAI servers read a signed seed, this API an unsigned one.
            told |= {"temperature": asked.temperature or 1.0, "seed": self.seed % (1 << 63)}
            told |= _given(top_p=asked.top_p, top_k=asked.top_k)
        if self._stop:
            told |= {"stop": [*self._stop], "include_stop_str_in_output": True}
        if asked.truncate is not None:
            told |= {"truncate_prompt_tokens": asked.truncate, "truncation_side": "left"}
        if stream or asked.details:
            told |= {"logprobs": 1, "return_token_ids": True}
        if stream:
            told["stream_options"] = {"include_usage": True}
        penalties = _given(repetition_penalty=asked.repetition_penalty, frequency_penalty=asked.frequency_penalty)
        return told | penalties

    def answer(self, found: Completion) -> dict[str, JsonValue]:
        """Return a whole answer; raises PolicyError where it holds none."""
        choice = _only(found)
        text = self._with_stop(choice.text, choice)
        answer: dict[str, JsonValue] = {"generated_text": self._shown(text), "details": None}
        if self._body.parameters.details:
            tokens = _tokens(choice)
            details = self._details(text, choice, count=_written(found.usage, tokens))
            answer["details"] = {**details, "prefill": [], "tokens": [*tokens]}
        return answer

    async def events(self, chunks: AsyncIterator[Completion]) -> AsyncIterator[dict[str, JsonValue]]:
        """Yield one event per token; the last, which carries the whole text, waits for the counts.

        Raises:
            PolicyError: the answer ended before its end.
        """
        text, index, usage = "", 0, None
        held: list[dict[str, JsonValue]] = []
        end: _Choice | None = None
        async for chunk in chunks:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.text
                end = choice if choice.finish_reason is not None else end
                held += _tokens(choice)
            while held and (end is None or len(held) > 1):
                index += 1
                yield _event(index, held.pop(0))
        if end is None:
            raise PolicyError("the answer ended without its last token")
        last = held.pop() if held else _token(_UNKNOWN, "", None)
        whole = self._with_stop(text, end)
        details = None
        if self._body.parameters.details:
            written = usage.completion_tokens if usage is not None else index + 1
            details = self._details(whole, end, count=written)
            details["input_length"] = usage.prompt_tokens if usage is not None else 0
        yield {**_event(index + 1, last), "generated_text": self._shown(whole), "details": details}

    def _shown(self, text: str) -> str:
        return self._body.inputs + text if self._body.parameters.return_full_text else text

    def _with_stop(self, text: str, choice: _Choice) -> str:
        """Return the text with its stop string, also from a server that names it and leaves it out."""
        mark = choice.stop_reason
        return text + mark if isinstance(mark, str) and not text.endswith(mark) else text

    def _details(self, text: str, choice: _Choice, *, count: int) -> dict[str, JsonValue]:
        stopped = isinstance(choice.stop_reason, str) or any(map(text.endswith, self._stop))
        ended: Literal["stop_sequence", "eos_token"] = "stop_sequence" if stopped else "eos_token"
        reason = "length" if choice.finish_reason == "length" else ended
        return {"finish_reason": reason, "generated_tokens": count, "seed": self.seed}


async def read_chunks(parts: AsyncIterator[bytes]) -> AsyncIterator[Completion]:
    """Yield the chunks of a stream of server-sent events.

    Raises:
        PolicyError: one is an error, or of another form.
    """
    rest = b""
    async for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            data = line.strip().removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                yield read_completion(data)


def read_completion(data: bytes) -> Completion:
    """Return one answer or chunk.

    Raises:
        PolicyError: it is an error, or of another form.
    """
    try:
        return Completion.model_validate_json(data)
    except ValidationError as error:
        raise PolicyError(error_text(data)) from error


def error_text(data: bytes) -> str:
    """Return what an upstream's error says: OpenAI's form, vLLM's older one, or its beginning as it is."""
    text = data.decode(errors="replace")[:1000]
    try:
        found = json.loads(data)
    except ValueError:
        return text
    while isinstance(found, dict):
        found = next((found[key] for key in ("error", "message", "detail") if found.get(key)), text)
    return found if isinstance(found, str) else text


def _only(found: Completion) -> _Choice:
    if len(found.choices) != 1:
        raise PolicyError(f"the model server gave {len(found.choices)} answers to one request")
    return found.choices[0]


def _given(**values: JsonValue) -> dict[str, JsonValue]:
    return {name: value for name, value in values.items() if value is not None}


def _written(usage: _Usage | None, tokens: list[dict[str, JsonValue]]) -> int:
    return usage.completion_tokens if usage is not None else len(tokens)


def _tokens(choice: _Choice) -> list[dict[str, JsonValue]]:
    """Return the tokens of a chunk, whose texts joined are always the chunk's."""
    names = choice.logprobs.tokens if choice.logprobs is not None else []
    values = choice.logprobs.token_logprobs if choice.logprobs is not None else []
    ids = choice.token_ids or []
    size = max(len(ids), len(names), 1 if choice.text else 0)
    if size == 0:
        return []
    texts = names if len(names) == size and "".join(names) == choice.text else [""] * (size - 1) + [choice.text]
    ids, filled = [*ids, *[_UNKNOWN] * (size - len(ids))], [*values, *[None] * (size - len(values))]
    return [_token(number, text, value) for number, text, value in zip(ids, texts, filled, strict=False)]


def _token(number: int, text: str, logprob: float | None) -> dict[str, JsonValue]:
    return {"id": number, "text": text, "logprob": logprob, "special": False}


def _event(index: int, token: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"index": index, "token": token, "generated_text": None, "details": None}
