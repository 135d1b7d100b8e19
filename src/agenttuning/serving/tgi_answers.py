"""What clients of Text Generation Inference's HTTP API get: answers with details, events, errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from agenttuning.models.generation import Generation, GenerationRequest, Token
    from agenttuning.serving.engine import Engine
    from agenttuning.serving.tgi_bodies import GenerateBody

_LOWEST = -9999.0
"""Log probability of an impossible token, since JSON has no infinity."""


def error_body(message: str, *, kind: str) -> dict[str, JsonValue]:
    """Return an error in the form of this API."""
    shown = f"Input validation error: {message}" if kind == "validation" else message
    return {"error": shown, "error_type": kind}


def event(body: dict[str, JsonValue]) -> str:
    """Return one event of a stream; this API has no space behind the colon."""
    return f"data:{json.dumps(body, ensure_ascii=False)}\n\n"


def token_body(token: Token) -> dict[str, JsonValue]:
    """Return one token of an answer."""
    return {"id": token.id, "text": token.text, "logprob": max(token.logprob, _LOWEST), "special": token.special}


def top_body(engine: Engine, token: Token) -> list[JsonValue]:
    """Return the likeliest tokens at one token's place."""
    texts = engine.token_texts([token_id for token_id, _ in token.top])
    return [
        {"id": token_id, "text": text, "logprob": max(logprob, _LOWEST), "special": token_id in engine.info.special}
        for text, (token_id, logprob) in zip(texts, token.top, strict=True)
    ]


def answer_text(body: GenerateBody, generation: Generation) -> str:
    """Return the text with its stop string, which this API keeps."""
    prompt = body.inputs if body.parameters.return_full_text else ""
    return prompt + generation.text + generation.stop_text


def ending(wanted: GenerationRequest, generation: Generation) -> dict[str, JsonValue]:
    """Return how the answer ended; the length limit is looked at first, as in the original."""
    count = len(generation.token_ids)
    ended = "stop_sequence" if generation.stop_text else "eos_token"
    reason = "length" if count >= wanted.sampling.max_new_tokens else ended
    seed = wanted.sampling.seed if wanted.sampling.temperature > 0 else None
    return {"finish_reason": reason, "generated_tokens": count, "seed": seed}


def details(
    engine: Engine, wanted: GenerationRequest, tokens: Sequence[Token], generation: Generation
) -> dict[str, JsonValue]:
    """Return everything known of one answer."""
    found: dict[str, JsonValue] = {
        **ending(wanted, generation),
        "prefill": _prefill(engine, wanted, generation),
        "tokens": [token_body(token) for token in tokens],
    }
    if wanted.top:
        found["top_tokens"] = [top_body(engine, token) for token in tokens]
    return found


def _prefill(engine: Engine, wanted: GenerationRequest, generation: Generation) -> list[JsonValue]:
    """Return the prompt's tokens; the first follows nothing and has no score."""
    if not wanted.score_prompt:
        return []
    scores = [None, *(max(scored.logprob, _LOWEST) for scored in generation.prompt)]
    texts = engine.token_texts(wanted.prompt_ids)
    return [
        {"id": token_id, "text": text, "logprob": score}
        for token_id, text, score in zip(wanted.prompt_ids, texts, scores, strict=True)
    ]
