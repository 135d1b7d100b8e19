"""What clients of Text Generation Inference's HTTP API send, and the rules between its parameters."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, JsonValue

from agenttuning.core.records import Sampling
from agenttuning.models.generation import GenerationRequest
from agenttuning.serving.requests import NullsLeftOut, RequestError, require_known_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.serving.engine import EngineInfo
    from agenttuning.serving.settings import ServerSettings

MAX_STOP = 4
MAX_BEST_OF = 2
MAX_TOP = 5

UNSUPPORTED: dict[str, tuple[JsonValue, ...]] = {
    "adapter_id": (None,),
    "frequency_penalty": (None, 0),
    "grammar": (None,),
}
"""Options that this server does not have, each with the values that ask for nothing."""


class Parameters(NullsLeftOut):
    """How to continue the prompt."""

    model_config = ConfigDict(extra="allow")

    max_new_tokens: int | None = Field(default=None, gt=0)
    """By default what the model has room for."""
    do_sample: bool = False
    temperature: float | None = Field(default=None, gt=0)
    top_k: int | None = Field(default=None, gt=0)
    top_p: float | None = Field(default=None, gt=0, lt=1)
    typical_p: float | None = Field(default=None, gt=0, lt=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    seed: int | None = Field(default=None, ge=0, lt=1 << 64)
    stop: list[str] = Field(default=[], max_length=MAX_STOP)
    truncate: int | None = Field(default=None, gt=0)
    """How many of the prompt's last tokens to keep."""
    best_of: int | None = Field(default=None, ge=1, le=MAX_BEST_OF)
    details: bool = False
    decoder_input_details: bool = False
    """Whether the details hold the scores of the prompt."""
    top_n_tokens: int | None = Field(default=None, ge=0, le=MAX_TOP)
    return_full_text: bool | None = None

    @property
    def wants_details(self) -> bool:
        """Whether the answer carries details."""
        return self.details or self.decoder_input_details

    def samples(self, semantics: Literal["tgi", "strict"]) -> bool:
        """Whether tokens are drawn at random: in the original as soon as any parameter of drawing is set."""
        changed = self.temperature not in {None, 1.0}
        changed = changed or any(value is not None for value in (self.top_k, self.top_p, self.typical_p))
        return self.do_sample or (semantics == "tgi" and changed)


class GenerateBody(NullsLeftOut):
    """A raw prompt and its parameters."""

    inputs: str = Field(min_length=1)
    parameters: Parameters = Parameters()
    stream: bool = False
    """Read on `/` only."""


def check_choices(asked: Parameters, *, semantics: Literal["tgi", "strict"], streamed: bool) -> None:
    """Check the rules between parameters.

    Raises:
        RequestError: one forbids another, or a stream forbids it.
    """
    several = asked.best_of is not None and asked.best_of > 1
    if streamed and (several or asked.decoder_input_details):
        name = "best_of" if several else "decoder_input_details"
        raise RequestError(f"`{name}` is not available in a stream")
    if several and not asked.samples(semantics):
        raise RequestError(f"`best_of`={asked.best_of} needs sampling: set `do_sample`")
    if several and asked.seed is not None:
        raise RequestError(f"`best_of`={asked.best_of} draws seeds of its own: leave out `seed`")


def generation_request(
    asked: Parameters, prompt_ids: Sequence[int], *, info: EngineInfo, settings: ServerSettings
) -> GenerationRequest:
    """Check the lengths and settle how tokens are drawn.

    Raises:
        RequestError: the prompt is too long, alone or with the answer asked for.
    """
    limit = info.max_total_tokens
    if asked.truncate is not None and asked.truncate >= limit:
        raise RequestError(f"`truncate` must be less than {limit}. Given: {asked.truncate}")
    ids = prompt_ids[-asked.truncate :] if asked.truncate is not None else prompt_ids
    if len(ids) >= limit:
        raise RequestError(f"`inputs` must have less than {limit} tokens. Given: {len(ids)}")
    require_known_tokens(ids, vocabulary=info.vocabulary, field="inputs")
    length = asked.max_new_tokens
    if length is None:
        length = min(limit - len(ids), settings.max_answer_tokens or limit)
    if settings.max_answer_tokens is not None and length > settings.max_answer_tokens:
        raise RequestError(f"`max_new_tokens` must be <= {settings.max_answer_tokens}. Given: {length}")
    if len(ids) + length > limit:
        raise RequestError(
            f"`inputs` tokens + `max_new_tokens` must be <= {limit}. "
            f"Given: {len(ids)} `inputs` tokens and {length} `max_new_tokens`"
        )
    return GenerationRequest(
        ids,
        _sampling(asked, length, semantics=settings.semantics),
        tuple(mark for mark in asked.stop if mark),
        top=asked.top_n_tokens or 0,
        score_prompt=asked.decoder_input_details,
        typical_p=asked.typical_p or 1.0,
        repetition_penalty=asked.repetition_penalty or 1.0,
    )


def _sampling(asked: Parameters, length: int, *, semantics: Literal["tgi", "strict"]) -> Sampling:
    if not asked.samples(semantics):
        return Sampling(max_new_tokens=length)
    return Sampling(
        temperature=asked.temperature or 1.0,
        top_p=asked.top_p or 1.0,
        top_k=asked.top_k or 0,
        max_new_tokens=length,
        seed=secrets.randbits(63) if asked.seed is None else asked.seed,
    )
