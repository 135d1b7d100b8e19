"""What clients of OpenAI's HTTP API get: completions, chunks of a stream, log probabilities, errors."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agenttuning.models.generation import Scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from agenttuning.models.generation import Generation, GenerationRequest, Token
    from agenttuning.serving.engine import Engine

_LOWEST = -9999.0
"""Log probability of an impossible token, since JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice: what was asked, every token of it, and how it ended."""

    wanted: GenerationRequest
    tokens: Sequence[Token]
    generation: Generation


class Form(Protocol):
    """The frame around an answer; chat and plain completions differ in names and in the shape of scores."""

    def whole(self, index: int, answer: Answer, *, scored: bool) -> JsonValue:
        """Return one choice of a whole answer."""

    def frame(self, *, chunk: bool) -> dict[str, JsonValue]:
        """Return what every body of this answer begins with."""

    def opening(self) -> list[JsonValue]:
        """Return the choices that a stream begins with."""

    def piece(self, text: str, *, finish: str | None, scores: Sequence[Scored] | None) -> JsonValue:
        """Return one choice of a stream."""


class ChatForm:
    """A message of the assistant."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._frame = _frame("chatcmpl", engine.info.model)

    def whole(self, index: int, answer: Answer, *, scored: bool) -> JsonValue:
        """Return one choice of a whole answer."""
        message: JsonValue = {"role": "assistant", "content": answer.generation.text}
        scores = self._scores(token_scores(answer.tokens)) if scored else None
        return _choice("message", message, index=index, finish=answer.generation.finish, scores=scores)

    def frame(self, *, chunk: bool) -> dict[str, JsonValue]:
        """Return what every body of this answer begins with."""
        return {**self._frame, "object": "chat.completion.chunk" if chunk else "chat.completion"}

    def opening(self) -> list[JsonValue]:
        """Return the role, which comes before the text."""
        return [_choice("delta", {"role": "assistant", "content": ""}, finish=None)]

    def piece(self, text: str, *, finish: str | None, scores: Sequence[Scored] | None) -> JsonValue:
        """Return one choice of a stream."""
        delta: JsonValue = {"content": text} if text else {}
        return _choice("delta", delta, finish=finish, scores=None if scores is None else self._scores(scores))

    def _scores(self, scored: Sequence[Scored]) -> JsonValue:
        return {"content": [{**self._score(one.id, one.logprob), "top_logprobs": self._top(one)} for one in scored]}

    def _top(self, scored: Scored) -> JsonValue:
        return [self._score(token_id, logprob) for token_id, logprob in scored.top]

    def _score(self, token_id: int, logprob: float) -> dict[str, JsonValue]:
        (text,) = self._engine.token_texts([token_id])
        whole = "\ufffd" not in text
        return {"token": text, "logprob": max(logprob, _LOWEST), "bytes": list(text.encode()) if whole else None}


class TextForm:
    """A raw text, the prompt in front where `echo` asks for it."""

    def __init__(self, engine: Engine, *, echoed: Sequence[str] | None, answer: bool) -> None:
        self._engine = engine
        self._echoed = echoed
        self._answer = answer
        self._frame = _frame("cmpl", engine.info.model)

    def whole(self, index: int, answer: Answer, *, scored: bool) -> JsonValue:
        """Return one choice of a whole answer."""
        text = answer.generation.text if self._answer else ""
        if self._echoed is not None:
            text = self._echoed[index] + text
        scores = self._scores(answer) if scored else None
        finish = answer.generation.finish if self._answer else "length"
        return _choice("text", text, index=index, finish=finish, scores=scores)

    def frame(self, *, chunk: bool) -> dict[str, JsonValue]:
        """Return what every body of this answer begins with."""
        del chunk
        return {**self._frame, "object": "text_completion"}

    def opening(self) -> list[JsonValue]:
        """Return the prompt, where it is asked for."""
        return [] if self._echoed is None else [_choice("text", self._echoed[0], finish=None)]

    def piece(self, text: str, *, finish: str | None, scores: Sequence[Scored] | None) -> JsonValue:
        """Return one choice of a stream."""
        found = None if scores is None else self._columns([(one.id, one) for one in scores])
        return _choice("text", text, finish=finish, scores=found)

    def _scores(self, answer: Answer) -> JsonValue:
        places: list[tuple[int, Scored | None]] = []
        if self._echoed is not None:
            places = [(answer.wanted.prompt_ids[0], None), *((one.id, one) for one in answer.generation.prompt)]
        if self._answer:
            places += [(one.id, one) for one in token_scores(answer.tokens)]
        return self._columns(places)

    def _columns(self, places: Sequence[tuple[int, Scored | None]]) -> JsonValue:
        """Return one entry per token in each column; the first of a prompt follows nothing and has no score."""
        texts = self._engine.token_texts([token_id for token_id, _ in places])
        offsets, end = [], 0
        for text in texts:
            offsets.append(end)
            end += len(text)
        return {
            "tokens": list(texts),
            "token_logprobs": [None if one is None else max(one.logprob, _LOWEST) for _, one in places],
            "top_logprobs": [None if one is None else self._rivals(one) for _, one in places],
            "text_offset": list(offsets),
        }

    def _rivals(self, scored: Scored) -> JsonValue:
        """Return scores by text: the likeliest tokens and the token itself; of two with one text the likelier."""
        pairs = [*scored.top, (scored.id, scored.logprob)]
        texts = self._engine.token_texts([token_id for token_id, _ in pairs])
        rivals: dict[str, JsonValue] = {}
        for text, (_, logprob) in zip(texts, pairs, strict=True):
            rivals.setdefault(text, max(logprob, _LOWEST))
        return rivals


def token_scores(tokens: Sequence[Token]) -> list[Scored]:
    """Return the scores of an answer's tokens."""
    return [Scored(token.id, token.logprob, token.top) for token in tokens]


def error_body(message: str, *, status: int, kind: str, field: str | None = None) -> dict[str, JsonValue]:
    """Return an error in the form of this API, which its client turns into a typed exception by status and code."""
    names = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    default = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": names.get(status, default), "param": field, "code": kind}}


def usage(answers: Sequence[Answer], *, choices_per_prompt: int = 1) -> JsonValue:
    """Return the tokens read and written; a prompt that several answers continue counts once."""
    read = sum(len(answer.wanted.prompt_ids) for answer in answers[::choices_per_prompt])
    written = sum(len(answer.generation.token_ids) for answer in answers)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def event(body: Mapping[str, JsonValue]) -> str:
    """Return one event of a stream."""
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _frame(prefix: str, model: str) -> dict[str, JsonValue]:
    return {"id": f"{prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}


def _choice(
    name: str, value: JsonValue, *, finish: str | None, index: int = 0, scores: JsonValue = None
) -> dict[str, JsonValue]:
    return {"index": index, name: value, "logprobs": scores, "finish_reason": finish}
